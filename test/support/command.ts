/** The command `pymalloc`: as a user runs it, and what it refuses, in this process. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runVerb } from "../../cli/verbs.js";
import { endingOf } from "../../process/endings.js";
import { folderOf } from "./pyodide.js";
import { compiledStdlib, STDLIB } from "./stdlib.js";

/** The built command. */
export const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What is linked for tests stays with the project. */
const cache = fileURLToPath(new URL("../../build/cache", import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Our environment without what chooses an allocator. Hashes are always the same, and with them where everything lies. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PYTHONMALLOC: _, PYTHONMALLOCSTATS: __, ...clean } = process.env;
  return { ...clean, XDG_CACHE_HOME: cache, PYTHONHASHSEED: "0" };
}

/** Runs the command in a folder. */
export function runIn(
  folder: string,
  args: readonly string[],
  { input = "", env = {} }: RunOptions = {},
): Outcome {
  const all = { ...cleanEnvironment(), ...env };
  return spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: "utf8",
    input,
    env: all,
  });
}

/**
 * Puts a package `pyodide` into a folder, from where the command takes it: the same one with a standard library that is compiled
 * already, so that it starts in a fifth of the time.
 *
 * @param name of the package here: an older line's as well
 * @returns the folder of the package
 */
export async function quickPyodide(folder: string, name = "pyodide"): Promise<string> {
  const stock = folderOf(name);
  const here = join(folder, "node_modules/pyodide");
  cpSync(stock, here, { recursive: true, dereference: true });
  rmSync(join(here, STDLIB));
  cpSync(await compiledStdlib(stock), join(here, STDLIB));
  return here;
}

/** One clear line, exit status 2, and nothing is left in the current directory, for this process's command line. */
export async function assertRefused(
  args: readonly string[],
  message: RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const before = readdirSync(".");
  const kept = { ...process.env };
  Object.assign(process.env, env);
  const error = await runVerb(args).then(
    () => assert.fail(`${args.join(" ")} was accepted`),
    (error: unknown) => error,
  );
  for (const name of Object.keys(env)) delete process.env[name];
  Object.assign(process.env, kept);
  const { status, lines } = endingOf(error);
  assert.equal(status, 2, `${args.join(" ")}: ${lines.join("\n")}`);
  assert.equal(lines.length, 1);
  assert.match(lines[0] as string, /^pymalloc: [^\n]+$/);
  assert.match(lines[0] as string, message);
  assert.deepEqual(readdirSync("."), before);
}
