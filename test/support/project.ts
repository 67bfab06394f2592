/** An empty project of a reader's, who has a clone of the repository beside it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openRegistry } from "./registry.js";

export const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

/** Without what npm and the test runner tell their children, and without other places for packages. */
export function environment(own: Environment): NodeJS.ProcessEnv {
  const ours = /^(npm_|node_test_context$|node_path$|node_options$|pythonmalloc$)/i;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), npm_config_update_notifier: "false", ...own };
}

/** Runs a program; `shell` for lines of a shell, and for Windows' commands, which only a shell starts. */
export function run(
  cwd: string,
  file: string,
  args: readonly string[],
  own: Environment,
  shell = process.platform === "win32" && file !== process.execPath,
): Promise<Result> {
  const options = { cwd, env: environment(own), shell, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === "number") resolve({ status, stdout, stderr });
      else reject(error);
    });
  });
}

/** Runs what has to succeed; its output. */
export async function succeed(...call: Parameters<typeof run>): Promise<string> {
  const { status, stdout, stderr } = await run(...call);
  const [, file, args] = call;
  assert.equal(status, 0, `${file} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/** Packs what is built here; the tarball's path. */
export async function pack(folder: string, own: Environment): Promise<string> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [packed] = JSON.parse(await succeed(repository, "npm", args, own)) as {
    filename: string;
  }[];
  assert.ok(packed !== undefined);
  return join(folder, packed.filename);
}

export interface Project {
  readonly folder: string;
  write(name: string, text: string): void;
  /** Runs lines of a shell, each of which has to succeed; what they write on standard output. */
  shell(lines: string): Promise<string>;
  /** Runs a JavaScript program that is put into the project. */
  program(name: string, text: string): Promise<string>;
  close(): void;
}

/** Makes the project, beside a folder `pymalloc` with the tarball; `install` is what is printed to install it. */
export async function newProject(install: string): Promise<Project> {
  const registry = await openRegistry();
  const above = realpathSync(mkdtempSync(join(tmpdir(), "pymalloc-project-")));
  const folder = join(above, "project");
  // A cache of its own shows that the installation needs nothing out of one.
  const own = { npm_config_registry: registry.url, npm_config_cache: join(above, "cache") };
  const shell = async (lines: string) => {
    let printed = "";
    for (const line of lines.trim().split("\n")) {
      printed += await succeed(folder, line, [], own, true);
    }
    return printed;
  };
  mkdirSync(folder);
  mkdirSync(join(above, "pymalloc"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  assert.ok(existsSync(await pack(join(above, "pymalloc"), own)));
  await shell(install);
  return {
    folder,
    write: (name, text) => {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), text);
    },
    shell,
    program: async (name, text) => {
      writeFileSync(join(folder, name), text);
      return await succeed(folder, process.execPath, [name], own);
    },
    close: () => {
      registry.close();
      rmSync(above, { recursive: true, force: true });
    },
  };
}
