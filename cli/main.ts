#!/usr/bin/env node
/** The `pymalloc` command: finds the verb, and decides every exit status. */
import type { Command } from "./command.js";
import { linkCommand } from "./commands/link.js";
import { recordCommand } from "./commands/record.js";
import { replayCommand } from "./commands/replay.js";
import { runCommand } from "./commands/run.js";
import { statsCommand } from "./commands/stats.js";
import { UsageError } from "./errors.js";

declare const PYMALLOC_VERSION: string;

const commands: Record<string, Command> = {
  run: runCommand,
  record: recordCommand,
  stats: statsCommand,
  replay: replayCommand,
  link: linkCommand,
};

function usage(): string {
  const verbs = Object.entries(commands).map(
    ([verb, { summary }]) => `  ${verb.padEnd(10)}${summary}`,
  );
  return [
    "Usage: pymalloc <command> [options]",
    "",
    "CPython's small-object allocator for WebAssembly heaps.",
    "",
    ...verbs,
    "",
    "`pymalloc <command> --help` tells more; `pymalloc --version` prints the version.",
    "",
  ].join("\n");
}

async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  if (verb === "--version") {
    process.stdout.write(`${PYMALLOC_VERSION}\n`);
    return 0;
  }
  if (verb === "--help" || verb === "-h") {
    process.stdout.write(usage());
    return 0;
  }
  const names = Object.keys(commands).join(", ");
  if (verb === undefined) throw new UsageError(`a command is missing, expected one of: ${names}`);
  const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  if (command === undefined) {
    throw new UsageError(`unknown command ${JSON.stringify(verb)}, expected one of: ${names}`);
  }
  // Only in front of the script: what follows it is the script's.
  if (rest[0] === "--help" || rest[0] === "-h") {
    process.stdout.write(command.help);
    return 0;
  }
  return await command.main(rest);
}

/** The status of a process that touched memory which is not there. */
const CRASHED = 139;

/** Did the interpreter itself break, which Pyodide marks? Then the program is not to be blamed on us. */
function isCrash(error: unknown): error is Error {
  return error instanceof Error && "pyodide_fatal_error" in error;
}

function tellCrash(error: Error): never {
  process.stderr.write(
    `pymalloc: the interpreter crashed: ${error.message.split("\n")[0]}\n` +
      "Where memory was corrupted, `pymalloc run --malloc debug` may name the mistake.\n",
  );
  process.exit(CRASHED);
}

/** What nobody foresaw: told without the line of source that Node adds, which may be a megabyte long. */
function fail(error: unknown): void {
  if (isCrash(error)) tellCrash(error);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`pymalloc: internal error: ${text}\n`);
  process.exit(70);
}

process.on("uncaughtException", fail);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`pymalloc: ${error.message}\n`);
    process.exitCode = 2;
  } else {
    fail(error);
  }
}
