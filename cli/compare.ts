/**
 * The same program on several allocators, side by side in one process. A machine's speed drifts, so
 * rounds alternate between them, with another one first each time, and each time is compared with that
 * of the same round.
 */
import { readFileSync } from "node:fs";
import { startCensus } from "../src/hosts/census.js";
import type { HeapStats } from "../src/types.js";
import { type AllocatorName, Interpreter, type Script } from "./interpreter.js";
import { quantile, rotated } from "./paired.js";
import { Progress } from "./progress.js";

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
  readonly #output: Uint8Array[];

  private constructor(interpreter: Interpreter, output: Uint8Array[]) {
    this.interpreter = interpreter;
    this.#output = output;
  }

  static async load(allocator: AllocatorName, script: Script, stdin: () => Uint8Array) {
    const output: Uint8Array[] = [];
    const stdout = (bytes: Uint8Array) => {
      output.push(bytes.slice());
    };
    const interpreter = await Interpreter.load({ allocator, script, streams: { stdin, stdout } });
    return new Contestant(interpreter, output);
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
    content ??= process.stdin.isTTY ? new Uint8Array() : new Uint8Array(readFileSync(0));
    return content;
  };
}

export async function compare(script: Script, options: CompareOptions): Promise<Comparison> {
  const names: AllocatorName[] = ["malloc", "mimalloc", "pymalloc", "pymalloc_debug"];
  const progress = new Progress(names.length * (options.rounds + 2) + 1);
  const stdin = readStdin();
  const contestants: Contestant[] = [];
  for (const name of names) {
    progress.step(`starting CPython on ${name}`);
    contestants.push(await Contestant.load(name, script, stdin));
  }
  const [base, , ours] = contestants as [Contestant, Contestant, Contestant, Contestant];
  const common = {
    program: script.path,
    arguments: script.arguments,
    pyodide: base.interpreter.version,
    rounds: options.rounds,
  };

  // The first runs are for memory and output; after them modules are imported and code is compiled.
  const outputs: Buffer[] = [];
  const heapBytes: number[] = [];
  let stats: HeapStats | undefined;
  for (const contestant of contestants) {
    const { interpreter } = contestant;
    progress.step(`first run on ${interpreter.allocator}`);
    const { status, output } = await contestant.run();
    if (outputs.length === 0) {
      progress.clear();
      options.stdout.write(output);
    }
    if (status !== 0) {
      progress.clear();
      return { ...common, status, sameOutput: true, allocators: [] };
    }
    outputs.push(output);
    heapBytes.push(interpreter.heapBytes());
    if (contestant === ours) stats = interpreter.heap?.stats();
  }

  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of rotated(contestants, round)) {
      const { allocator } = contestant.interpreter;
      progress.step(`round ${round + 1} of ${options.rounds} on ${allocator}`);
      contestant.seconds.push((await contestant.run()).seconds);
    }
  }

  progress.step("counting requests");
  const { pyodide, heap } = ours.interpreter;
  const endCensus = heap === undefined ? undefined : startCensus(pyodide, heap);
  await ours.run();
  const census = endCensus?.();
  progress.clear();

  const allocators = contestants.map(({ interpreter, seconds }, index) => ({
    allocator: interpreter.allocator,
    seconds,
    ratio: timeRatio(seconds, base.seconds),
    heapBytes: heapBytes[index] as number,
    heapRatio: (heapBytes[index] as number) / (heapBytes[0] as number),
  }));
  const sameOutput = outputs.every((output) => output.equals(outputs[0] as Buffer));
  return {
    ...common,
    status: 0,
    sameOutput,
    allocators,
    ...(census === undefined ? {} : { census }),
    ...(stats === undefined ? {} : { stats }),
  };
}
