/** The same program on several allocators, side by side in this process. */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import type { PyMemError } from "../base/base.js";
import {
  type AllocatorName,
  Interpreter,
  type InterpreterOptions,
  linkedPyodideFolder,
  type Script,
} from "../interpreter/interpreter.js";
import { Progress, UsageError } from "../process/process.js";
import { type Candidate, type Outcome, type Run, sideBySide, stepsOf } from "./side-by-side.js";

export interface Comparison extends Outcome {
  readonly program: string;
  readonly arguments: readonly string[];
  /** Why pymalloc could not be linked into the interpreter, where that is so. */
  readonly notLinked?: string;
}

interface CompareOptions {
  readonly rounds: number;
  /** Where the program's output of the first run goes. */
  readonly stdout: { write(bytes: Uint8Array): unknown };
}

interface Input {
  /** What the program reads, in every run. */
  readonly stdin: () => Uint8Array;
}

/** An interpreter in this process, whose output is kept. */
export async function loadCandidate(
  options: Pick<InterpreterOptions, "allocator" | "script" | "folder" | "env"> & Input,
): Promise<Candidate> {
  const output: Uint8Array[] = [];
  const faults: PyMemError[] = [];
  const { stdin, ...others } = options;
  const interpreter = await Interpreter.load({
    ...others,
    streams: { stdin, stdout: (bytes) => void output.push(bytes.slice()) },
    onFault: (fault) => void faults.push(fault),
  });
  const { allocator, version, pyodide, heap } = interpreter;
  return {
    ...{ allocator, version, pyodide, heap, faults },
    async run(): Promise<Run> {
      output.length = 0;
      const started = performance.now();
      const status = await interpreter.run();
      const seconds = (performance.now() - started) / 1000;
      return { status, output: Buffer.concat(output), seconds };
    },
    heapBytes: () => interpreter.heapBytes(),
  };
}

/** Standard input, for every run anew: a terminal is nothing to wait for three times. */
function readStdin(): () => Uint8Array {
  let content: Uint8Array | undefined;
  return () => {
    content ??= isatty(0) ? new Uint8Array() : new Uint8Array(readFileSync(0));
    return content;
  };
}

const allocatorNames: readonly AllocatorName[] = ["malloc", "mimalloc", "pymalloc", "linked"];

/** The folder of the linked interpreter, or why there is none. */
async function findLinked(progress: Progress): Promise<{ folder?: string; notLinked?: string }> {
  try {
    return { folder: await linkedPyodideFolder((step) => progress.show(`${step} ...`)) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { notLinked: error.message };
  }
}

export async function compare(script: Script, options: CompareOptions): Promise<Comparison> {
  const { rounds, stdout } = options;
  const progress = new Progress(stepsOf({ names: allocatorNames, rounds }));
  const { folder, notLinked } = await findLinked(progress);
  const stdin = readStdin();
  const outcome = await sideBySide({
    names: allocatorNames.filter((name) => name !== "linked" || folder !== undefined),
    rounds,
    load: (allocator) =>
      loadCandidate({
        ...{ allocator, script, stdin },
        ...(allocator === "linked" && folder !== undefined ? { folder } : {}),
      }),
    step: (what) => progress.step(what),
    print(output) {
      progress.clear();
      stdout.write(output);
    },
  });
  progress.clear();
  return {
    program: script.path,
    arguments: script.arguments,
    ...outcome,
    ...(notLinked === undefined ? {} : { notLinked }),
  };
}
