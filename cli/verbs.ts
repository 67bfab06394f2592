/** The verbs of the command, and what it says without one. */

import { print, UsageError } from "../process/process.js";
import type { Command } from "./command.js";
import { heapCommand } from "./commands/heap.js";
import { linkCommand } from "./commands/link.js";
import { memoryCommand } from "./commands/memory.js";
import { recordCommand } from "./commands/record.js";
import { replayCommand } from "./commands/replay.js";
import { runCommand } from "./commands/run.js";
import { snapshotCommand } from "./commands/snapshot.js";
import { statsCommand } from "./commands/stats.js";

declare const PYMALLOC_VERSION: string;

const commands: Record<string, Command> = {
  run: runCommand,
  memory: memoryCommand,
  snapshot: snapshotCommand,
  heap: heapCommand,
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

function find(verb: string | undefined): Command | undefined {
  return verb !== undefined && Object.hasOwn(commands, verb) ? commands[verb] : undefined;
}

/** Is it about something that a signal may cut in the middle? */
export function needsSupervision([verb]: readonly string[]): boolean {
  return find(verb)?.supervised ?? false;
}

/** @throws UsageError where the current directory is gone, from which all paths are named */
export function requireDirectory(): void {
  try {
    process.cwd();
  } catch (error) {
    throw new UsageError(`the current directory can't be read: ${(error as Error).message}`);
  }
}

/** Does what a command line asks for. @returns the exit status @throws what `endings.ts` knows to tell */
export async function runVerb(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  if (verb === "--version") {
    print(`${PYMALLOC_VERSION}\n`);
    return 0;
  }
  if (verb === "--help" || verb === "-h") {
    print(usage());
    return 0;
  }
  const names = Object.keys(commands).join(", ");
  if (verb === undefined) throw new UsageError(`a command is missing, expected one of: ${names}`);
  const command = find(verb);
  if (command === undefined) {
    throw new UsageError(`unknown command ${JSON.stringify(verb)}, expected one of: ${names}`);
  }
  // Only in front of the script: what follows it is the script's.
  if (rest[0] === "--help" || rest[0] === "-h") {
    print(command.help);
    return 0;
  }
  requireDirectory();
  return await command.main(rest);
}
