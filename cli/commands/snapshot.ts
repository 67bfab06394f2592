/** `pymalloc snapshot`: all that is in a Python program's memory at a moment, in a file. */
import { Interpreter, type Look, type Moment, type Script } from "../../interpreter/interpreter.js";
import {
  notice,
  print,
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
  --format FORMAT    pymem or heapsnapshot, where the file's name does not say
  --malloc VALUE     the allocator, as with pymalloc run
  --linked           on pymalloc linked into CPython, as with pymalloc run
  --force            overwrite FILE if it exists
  --help             print this text

If the interpreter crashes before that moment, the snapshot is of the crash. Each SIGUSR2 makes
one more, FILE-1, FILE-2, ...: between two steps of the Python code, or while it sleeps or reads
its input; one long call of C code, or a program that awaits, comes to that only afterwards.
`;

const options = {
  ...allocatorOptions,
  output: { type: "string", short: "o" },
  at: { type: "string" },
  format: { type: "string" },
  force: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

interface SnapshotOptions {
  readonly script: Script;
  readonly chosen: AllocatorChoice;
  readonly output: string;
  readonly format: SnapshotFormat;
  readonly at: Moment;
}

const moments: Readonly<Record<string, Moment>> = {
  end: { kind: "end" },
  peak: { kind: "growth" },
  "memory-error": { kind: "memory-error" },
};

function readMoment(text: string): Moment {
  if (Object.hasOwn(moments, text)) return moments[text] as Moment;
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
  const at = readMoment(values.at ?? "end");
  const chosen = readAllocator(values);
  const format = readFormat(output, values.format);
  requireWritable(output, "the snapshot", values.force ?? false);
  return { script, chosen, output, format, at };
}

/** What each moment is called in messages. */
function nameOf(at: Moment): string {
  if (at.kind === "line") return `when it came to ${at.file}:${at.line}`;
  return at.kind === "memory-error"
    ? "when a MemoryError was raised"
    : at.kind === "growth"
      ? "near its peak"
      : "at its end";
}

async function snapshot({ script, chosen, output, format, at }: SnapshotOptions): Promise<number> {
  const taker = new SnapshotTaker(output, format, () => interpreter.pyodide);
  const looks: Look[] = [
    { at, work: () => taker.take(nameOf(at)) },
    { at: { kind: "crash" }, work: () => taker.keeps || taker.take("at its crash") },
    {
      at: { kind: "signal" },
      work: () => taker.takeNumbered((number) => `at SIGUSR2 number ${number}`),
    },
  ];
  if (at.kind === "growth") {
    const work = () => taker.keeps || taker.take("at its end: it never grew by a tenth");
    looks.push({ at: { kind: "end" }, work });
  }
  const interpreter = await Interpreter.load({
    ...(await onAllocator(chosen)),
    script,
    supervision,
    looks,
  });
  notice({ kind: "counts" });
  const status = await interpreter.run().catch(async (error) => {
    await taker.finish();
    throw interpreter.explained(error);
  });
  const taken = taker.keeps;
  await taker.finish();
  if (taken) return status;
  const never = at.kind === "line" ? `never came to ${at.file}:${at.line}` : "met no MemoryError";
  tell(`pymalloc: no snapshot was taken: the program ${never}\n`);
  return status === 0 ? 2 : status;
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
