/** `pymalloc record`: what a Python program asks of its allocator, in a file. */

import { Interpreter, type Script } from "../../interpreter/interpreter.js";
import {
  megabytes,
  print,
  printable,
  requireWritable,
  StatusLine,
  supervision,
  tell,
  UsageError,
  whole,
} from "../../process/process.js";
import { Numbering, startRecording, TraceWriter } from "../../trace/trace.js";
import type { Command } from "../command.js";
import { parseScriptLine, readScript, splitOutput } from "../script.js";

const HELP = `Usage: pymalloc record [options] -o FILE.pmt SCRIPT [ARGUMENTS...]

Runs a Python program in CPython (Pyodide) and records every allocation, reallocation and free
of its mem and obj domains, in order, as a trace (docs/trace-format.md). The program has its
files, its streams and its exit status as in pymalloc run; it runs on CPython's own malloc, which
has no influence on what is recorded. Options stand before SCRIPT; what follows SCRIPT is the
program's own, except that -o FILE may stand at the very end as well.

  -o, --output FILE  the trace; it appears when the program has ended, or was stopped by Ctrl-C or a
                     signal: then with what was recorded up to there
  --force            overwrite FILE if it exists
  --help             print this text

What is recorded reaches to the very end of the program, when its globals have gone: "never freed"
in pymalloc stats counts what even that has left. What its globals keep is in a snapshot (pymalloc
snapshot). The program's hashes are those of PYTHONHASHSEED=0: run again, it asks for the same.
`;

const options = {
  output: { type: "string", short: "o" },
  force: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

interface RecordOptions {
  readonly script: Script;
  readonly output: string;
}

function parse(args: readonly string[]): RecordOptions | "help" {
  const { values, path, rest: words } = parseScriptLine("record", args, options);
  if (values.help) return "help";
  const { output, rest } = splitOutput(values.output, words);
  const script = readScript("record", path, rest);
  if (output === undefined) throw new UsageError("record: -o FILE is missing, the trace's name");
  requireWritable(output, "the trace", values.force ?? false);
  return { script, output };
}

const LINE_FEED = 10;

/** Milliseconds between two changes of the progress line. */
const PROGRESS_INTERVAL = 200;

async function record({ script, output }: RecordOptions): Promise<number> {
  const progress = new StatusLine();
  let midLine = false;
  const interpreter = await Interpreter.load({
    allocator: "malloc",
    script,
    supervision,
    env: { PYTHONHASHSEED: "0" },
    onTerminalOutput(bytes) {
      progress.clear();
      midLine = bytes.at(-1) !== LINE_FEED;
    },
  });
  const { pyodide, version } = interpreter;
  const writer = new TraceWriter(output, {
    program: script.path,
    arguments: script.arguments,
    python: String(pyodide.runPython("__import__('sys').version")),
    pyodide: version,
  });
  try {
    const numbering = new Numbering();
    let events = 0;
    let shown = performance.now();
    const stop = startRecording(pyodide, (notes) => {
      const chunk = numbering.number(notes);
      writer.write(chunk);
      events += chunk.count;
      // A line that the program has begun is not to be written over.
      if (midLine || performance.now() - shown < PROGRESS_INTERVAL) return;
      progress.show(`recording ${script.path}: ${whole(events)} events`);
      shown = performance.now();
    });
    let status: number;
    try {
      status = await interpreter.run();
    } finally {
      progress.clear();
      stop();
    }
    const { bytes, summary } = writer.finish();
    const { peakLiveBytes, peakLiveBlocks } = summary;
    tell(
      `${printable(output)}: ${whole(summary.events)} events in ${whole(bytes)} bytes; peak ` +
        `${megabytes(peakLiveBytes)} in ${whole(peakLiveBlocks)} blocks; recorded until its globals had gone\n`,
    );
    return status;
  } catch (error) {
    writer.discard();
    throw error;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed !== "help") return await record(parsed);
  print(HELP);
  return 0;
}

export const recordCommand: Command = {
  summary: "record what a Python program asks of its allocator",
  help: HELP,
  supervised: true,
  main,
};
