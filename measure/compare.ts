/**
 * The same program on several allocators, side by side in one process. A machine's speed drifts, so
 * rounds alternate between them, with another one first each time, and each time is compared with that
 * of the same round.
 */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import type { PyMemError } from "../base/base.js";
import {
  type AllocatorName,
  Interpreter,
  linkedPyodideFolder,
  type Script,
} from "../interpreter/interpreter.js";
import { Progress, UsageError } from "../process/process.js";
import type { HeapStats } from "../src/report/report.js";
import { startCensus } from "./census.js";
import { quantile, rotated } from "./paired.js";

/** Times of one allocator against those of the interpreter's own malloc. */
export interface TimeRatio {
  /** Of the shortest rounds. */
  readonly ofMinima: number;
  /** Median, and lower and upper quartile, of the rounds' ratios. */
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
}

export interface AllocatorResult {
  readonly allocator: AllocatorName;
  /** Seconds of each timed round. */
  readonly seconds: readonly number[];
  readonly ratio: TimeRatio;
  /** Bytes the heap took from the memory for one run of the program, start-up included. */
  readonly heapBytes: number;
  readonly heapRatio: number;
}

export interface Comparison {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly pyodide: string;
  /** The program's exit status; where it is not 0, nothing was compared. */
  readonly status: number;
  readonly rounds: number;
  /** Did the program print the same on all allocators? */
  readonly sameOutput: boolean;
  /** The first is the interpreter's own malloc, which the others are compared with. */
  readonly allocators: readonly AllocatorResult[];
  /** Why pymalloc could not be linked into the interpreter, where that is so. */
  readonly notLinked?: string;
  /** pymalloc's debug mode, compared with pymalloc itself in rounds of their own. */
  readonly debug?: AllocatorResult;
  /** What it found in the first run. */
  readonly faults?: readonly string[];
  /** What the program asked of the mem and object domains in one run. */
  readonly census?: { requests: number; fromPools: number; peakBlocks: number };
  /** pymalloc's books after one run. */
  readonly stats?: HeapStats;
}

interface CompareOptions {
  readonly rounds: number;
  /** Where the program's output of the first run goes. */
  readonly stdout: { write(bytes: Uint8Array): unknown };
}

/** An interpreter whose output is kept. */
class Contestant {
  readonly seconds: number[] = [];
  readonly interpreter: Interpreter;
  /** In a debug mode, the program goes on after a mistake. */
  readonly faults: PyMemError[];
  readonly #output: Uint8Array[];

  private constructor(interpreter: Interpreter, output: Uint8Array[], faults: PyMemError[]) {
    this.interpreter = interpreter;
    this.#output = output;
    this.faults = faults;
  }

  static async load(
    allocator: AllocatorName,
    script: Script,
    stdin: () => Uint8Array,
    folder: string | undefined,
  ) {
    const output: Uint8Array[] = [];
    const faults: PyMemError[] = [];
    const interpreter = await Interpreter.load({
      allocator,
      script,
      streams: { stdin, stdout: (bytes) => void output.push(bytes.slice()) },
      onFault: (fault) => void faults.push(fault),
      ...(allocator === "linked" && folder !== undefined ? { folder } : {}),
    });
    return new Contestant(interpreter, output, faults);
  }

  /** One run of the program: its status and what it printed. */
  async run(): Promise<{ status: number; output: Buffer; seconds: number }> {
    this.#output.length = 0;
    const started = performance.now();
    const status = await this.interpreter.run();
    const seconds = (performance.now() - started) / 1000;
    return { status, output: Buffer.concat(this.#output), seconds };
  }
}

function timeRatio(times: readonly number[], base: readonly number[]): TimeRatio {
  const ratios = times.map((time, round) => time / (base[round] as number)).sort((a, b) => a - b);
  return {
    ofMinima: Math.min(...times) / Math.min(...base),
    median: quantile(ratios, 0.5),
    lowerQuartile: quantile(ratios, 0.25),
    upperQuartile: quantile(ratios, 0.75),
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

/** The debug mode takes much longer and much more memory: it would disturb the other rounds, and gets these. */
const DEBUG_ROUNDS = 3;

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

function resultOf(
  { interpreter, seconds }: Contestant,
  heapBytes: number,
  base: { readonly seconds: readonly number[]; readonly heapBytes: number },
): AllocatorResult {
  return {
    allocator: interpreter.allocator,
    seconds: [...seconds],
    ratio: timeRatio(seconds, base.seconds),
    heapBytes,
    heapRatio: heapBytes / base.heapBytes,
  };
}

/** Rounds of all contestants in turn, each time with another one first. */
async function race(contestants: readonly Contestant[], rounds: number, progress: Progress) {
  for (const { seconds } of contestants) seconds.length = 0;
  for (let round = 0; round < rounds; round++) {
    for (const contestant of rotated(contestants, round)) {
      const { allocator } = contestant.interpreter;
      progress.step(`round ${round + 1} of ${rounds} on ${allocator}`);
      contestant.seconds.push((await contestant.run()).seconds);
    }
  }
}

export async function compare(script: Script, options: CompareOptions): Promise<Comparison> {
  const { rounds } = options;
  const steps = allocatorNames.length * (rounds + 2) + 2 * DEBUG_ROUNDS + 3;
  const progress = new Progress(steps);
  const { folder, notLinked } = await findLinked(progress);
  const stdin = readStdin();
  const load = async (name: AllocatorName): Promise<Contestant> => {
    progress.step(`starting CPython on ${name}`);
    return await Contestant.load(name, script, stdin, folder);
  };
  const contestants: Contestant[] = [];
  for (const name of allocatorNames) {
    if (name !== "linked" || folder !== undefined) contestants.push(await load(name));
  }
  const [base, , ours] = contestants as [Contestant, Contestant, Contestant];
  const common = {
    program: script.path,
    arguments: script.arguments,
    pyodide: base.interpreter.version,
    rounds,
  };

  // The first runs are for memory and output; after them modules are imported and code is compiled.
  const outputs: Buffer[] = [];
  const heapBytes: number[] = [];
  const firstRun = async (contestant: Contestant): Promise<number> => {
    progress.step(`first run on ${contestant.interpreter.allocator}`);
    const { status, output } = await contestant.run();
    outputs.push(output);
    heapBytes.push(contestant.interpreter.heapBytes());
    return status;
  };
  for (const contestant of contestants) {
    const status = await firstRun(contestant);
    if (contestant === base) {
      progress.clear();
      options.stdout.write(outputs[0] as Buffer);
    }
    if (status !== 0) {
      progress.clear();
      return { ...common, status, sameOutput: true, allocators: [] };
    }
  }
  const stats = ours.interpreter.heap?.stats();

  await race(contestants, rounds, progress);
  const own = { seconds: base.seconds, heapBytes: heapBytes[0] as number };
  const allocators = contestants.map((contestant, index) =>
    resultOf(contestant, heapBytes[index] as number, own),
  );

  progress.step("counting requests");
  const { pyodide, heap } = ours.interpreter;
  const endCensus = heap === undefined ? undefined : startCensus(pyodide, heap);
  await ours.run();
  const census = endCensus?.();

  const debugged = await load("pymalloc_debug");
  await firstRun(debugged);
  const faults = debugged.faults.map(({ message }) => message);
  await race([ours, debugged], DEBUG_ROUNDS, progress);
  const ourBytes = heapBytes[contestants.indexOf(ours)] as number;
  const debugBytes = heapBytes.at(-1) as number;
  const debug = resultOf(debugged, debugBytes, { seconds: ours.seconds, heapBytes: ourBytes });
  progress.clear();

  return {
    ...common,
    status: 0,
    sameOutput: outputs.every((output) => output.equals(outputs[0] as Buffer)),
    allocators,
    ...(notLinked === undefined ? {} : { notLinked }),
    debug,
    faults,
    ...(census === undefined ? {} : { census }),
    ...(stats === undefined ? {} : { stats }),
  };
}
