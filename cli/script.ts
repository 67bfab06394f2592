/** Command lines with a Python program in them: `[options] SCRIPT [ARGUMENTS...]`. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Script } from "../interpreter/interpreter.js";
import { UsageError } from "../process/process.js";
import { parseOptions } from "./arguments.js";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

export interface ScriptLine<T extends Options> {
  readonly values: Values<T>;
  /** The script, if there is one, and what follows it, which is its own. */
  readonly path: string | undefined;
  readonly rest: readonly string[];
}

/** Parses the options in front of the script. @throws UsageError at one that the verb does not have */
export function parseScriptLine<T extends Options>(
  verb: string,
  args: readonly string[],
  options: T,
): ScriptLine<T> {
  // The first word that is no option, nor the value of one, is the script.
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const first = tokens.find((token) => token.kind === "positional")?.index ?? args.length;
  const [path, ...rest] = args.slice(first);
  const { values } = parseOptions(verb, { args: args.slice(0, first), options });
  return { values: values as Values<T>, path, rest };
}

/**
 * The program that was named. What is no regular file can be read once only, and by no other name than that on this
 * machine: a pipe as of `run <(...)`, standard input.
 *
 * @throws UsageError when there is none
 */
export function readScript(
  verb: string,
  path: string | undefined,
  args: readonly string[],
): Script {
  if (path === undefined) throw new UsageError(`${verb}: the script is missing`);
  const file = resolve(path);
  const script = { path, arguments: args, file, cwd: process.cwd() };
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw new UsageError(`no such file: ${path}`);
    if (found.isDirectory()) throw new UsageError(`${path} is a directory, expected a Python file`);
    if (!found.isFile()) return { ...script, content: new Uint8Array(readFileSync(file)) };
    accessSync(file, constants.R_OK);
    return script;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} can't be read: ${(error as Error).message}`);
  }
}

/** The value of `-o`, which may stand at the very end as well: then it is not the program's. */
export function splitOutput(
  output: string | undefined,
  rest: readonly string[],
): { readonly output: string | undefined; readonly rest: readonly string[] } {
  if (output !== undefined || !["-o", "--output"].includes(rest.at(-2) ?? "")) {
    return { output, rest };
  }
  return { output: rest.at(-1), rest: rest.slice(0, -2) };
}
