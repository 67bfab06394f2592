/** `pymalloc snapshot`: all that is in a Python program's memory at a moment, in a file. */
import { Interpreter, type Look, type Moment, type Script } from "../../interpreter/interpreter.js";
import {
  countSignals,
  print,
  printable,
  requireWritable,
  supervision,
  tell,
  UsageError,
} from "../../process/process.js";
import {
  type AllocatorChoice,
  allocatorOptions,
  onAllocator,
  readAllocator,
} from "../allocator.js";
import type { Command } from "../command.js";
import { parseScriptLine, readScript, splitOutput } from "../script.js";
import { readFormat, type SnapshotFormat, SnapshotTaker } from "../snapshots.js";

const HELP = `Usage: pymalloc snapshot [options] -o FILE SCRIPT [ARGUMENTS...]

Runs a Python program as pymalloc run does, and puts its memory at one moment into a file: every
object, and who holds it. Read it with pymalloc heap. The program's exit status is passed on.
Options stand before SCRIPT; what follows SCRIPT is the program's own, except that -o FILE may
stand at the very end as well.

  -o, --output FILE  the snapshot: FILE.pymem, which pymalloc heap reads, or FILE.heapsnapshot, for
                     the Memory panel of a browser's DevTools
  --at MOMENT        when it is taken:
                       end           the program has ended, its globals are still there (the default)
                       peak          near its peak: one is taken whenever the memory that its heap has
                                     taken has grown by a tenth, and the last of them is kept
                       FILE.py:LINE  the line is reached for the first time
                       memory-error  a MemoryError is raised for the first time
                     with several of them (but peak), each goes into a file of its own, FILE-1,
                     FILE-2, ..., for pymalloc heap --diff
  --format FORMAT    pymem or heapsnapshot, where the file's name does not say
  --malloc VALUE     the allocator, as with pymalloc run
  --linked           on pymalloc linked into CPython, as with pymalloc run
  --pyodide DIR      on the Pyodide in DIR, as with pymalloc run
  --limit SIZE       how much memory the program may take, as with pymalloc run
  --force            overwrite FILE if it exists
  --help             print this text

If the interpreter crashes before that moment, the snapshot is of the crash. Each SIGUSR2 makes
one more, FILE-1, FILE-2, ...: between two steps of the Python code, or while it sleeps or reads
its input; one long call of C code, or a program that awaits, comes to that only afterwards.
`;

const options = {
  ...allocatorOptions,
  output: { type: "string", short: "o" },
  at: { type: "string", multiple: true },
  format: { type: "string" },
  force: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

interface SnapshotOptions {
  readonly script: Script;
  readonly chosen: AllocatorChoice;
  readonly output: string;
  readonly format: SnapshotFormat;
  readonly moments: readonly Moment[];
}

const momentsByName: Readonly<Record<string, Moment>> = {
  end: { kind: "end" },
  peak: { kind: "growth" },
  "memory-error": { kind: "memory-error" },
};

function readMoment(text: string): Moment {
  if (Object.hasOwn(momentsByName, text)) return momentsByName[text] as Moment;
  const [, file, line] = /^(.+\.py):([1-9]\d{0,8})$/.exec(text) ?? [];
  if (file !== undefined) return { kind: "line", file, line: Number(line) };
  throw new UsageError(
    `--at: ${JSON.stringify(text)} is no moment, expected end, peak, memory-error, or FILE.py:LINE`,
  );
}

function parse(args: readonly string[]): SnapshotOptions | "help" {
  const { values, path, rest: words } = parseScriptLine("snapshot", args, options);
  if (values.help) return "help";
  const { output, rest } = splitOutput(values.output, words);
  const script = readScript("snapshot", path, rest);
  if (output === undefined) {
    throw new UsageError("snapshot: -o FILE is missing, the snapshot's name");
  }
  const moments = (values.at ?? ["end"]).map(readMoment);
  if (moments.length > 1 && moments.some(({ kind }) => kind === "growth")) {
    throw new UsageError("snapshot: --at peak is known at the end only, so it goes alone");
  }
  const chosen = readAllocator("snapshot", values);
  if (/^mimalloc/.test(chosen.word ?? chosen.allocator)) {
    throw new UsageError(
      "snapshot: nobody finds mimalloc's blocks, so it would be empty; choose another --malloc",
    );
  }
  const format = readFormat(output, values.format);
  requireWritable(output, "the snapshot", values.force ?? false);
  return { script, chosen, output, format, moments };
}

/** What a moment is called in messages. */
function nameOf(at: Moment): string {
  switch (at.kind) {
    case "line":
      return `when it came to ${at.file}:${at.line}`;
    case "memory-error":
      return "when a MemoryError was raised";
    case "growth":
      return "near its peak";
    default:
      return "at its end";
  }
}

async function snapshot(asked: SnapshotOptions): Promise<number> {
  const { script, chosen, output, format, moments } = asked;
  const taker = new SnapshotTaker(output, format, () => interpreter.pyodide);
  const missed = new Set(moments);
  const looks = moments.map((at): Look => {
    const take = () => {
      missed.delete(at);
      if (moments.length === 1) taker.take(nameOf(at));
      else taker.takeNumbered(nameOf(at));
    };
    return { at, work: take };
  });
  const unlessTaken = (moment: string) => () => {
    if (missed.size === moments.length) taker.take(moment);
    missed.clear();
  };
  looks.push({ at: { kind: "crash" }, work: unlessTaken("at its crash") });
  looks.push({ at: { kind: "signal" }, work: () => taker.takeNumbered("at a SIGUSR2") });
  if (moments[0]?.kind === "growth") {
    const work = unlessTaken("at its end: it never grew by a tenth");
    looks.push({ at: { kind: "end" }, work });
  }
  const interpreter = await Interpreter.load({
    ...(await onAllocator(chosen)),
    script,
    supervision,
    looks,
  });
  countSignals();
  const status = await interpreter.run().catch(async (error) => {
    await taker.finish();
    throw interpreter.explained(error);
  });
  await taker.finish();
  for (const at of missed) {
    const never =
      at.kind === "line" ? `it never came to ${at.file}:${at.line}` : "no MemoryError came";
    tell(`pymalloc: a snapshot is missing: ${printable(never)}\n`);
  }
  return status === 0 && missed.size > 0 ? 2 : status;
}

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed !== "help") return await snapshot(parsed);
  print(HELP);
  return 0;
}

export const snapshotCommand: Command = {
  summary: "put a Python program's memory at a moment into a file",
  help: HELP,
  supervised: true,
  main,
};
