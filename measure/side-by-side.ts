/**
 * The same program on several allocators, side by side. A machine's speed drifts, so rounds alternate between them, with
 * another one first each time, and each time is compared with that of the same round.
 *
 * It knows nothing of where the interpreters are: `pymalloc run --compare` has them in Node, `npm run bench` on pages
 * as well.
 */
import type { PyMemError } from "../base/base.js";
import type { AllocatorName } from "../interpreter/interpreter.js";
import type { InstalledPymalloc, PyodideLike } from "../python/python.js";
import type { HeapStats } from "../src/report/report.js";
import { type CensusResult, startCensus } from "./census.js";
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

export interface Outcome {
  /** Pyodide's version. */
  readonly pyodide: string;
  /** The program's exit status; where it is not 0, nothing was compared. */
  readonly status: number;
  readonly rounds: number;
  /** Did the program print the same on all allocators? */
  readonly sameOutput: boolean;
  /** The first is the interpreter's own malloc, which the others are compared with. */
  readonly allocators: readonly AllocatorResult[];
  /** pymalloc's debug mode, compared with pymalloc itself in rounds of their own. */
  readonly debug?: AllocatorResult;
  /** What it found in the first run. */
  readonly faults?: readonly string[];
  /** What the program asked of the mem and object domains in one run. */
  readonly census?: CensusResult;
  /** pymalloc's books after one run. */
  readonly stats?: HeapStats;
}

/** One run of a program. */
export interface Run {
  readonly status: number;
  /** What it printed. */
  readonly output: Uint8Array;
  readonly seconds: number;
}

/** An interpreter with the program. */
export interface Candidate {
  readonly allocator: AllocatorName;
  /** Pyodide's version. */
  readonly version: string;
  readonly pyodide: PyodideLike;
  /** pymalloc's books, where it is installed. */
  readonly heap: InstalledPymalloc | undefined;
  /** In a debug mode: the mistakes so far. The program goes on after them. */
  readonly faults: readonly PyMemError[];
  run(): Promise<Run>;
  /** Bytes that the heap has taken from the memory. */
  heapBytes(): number;
}

export interface Course {
  /** The allocators to compare, of which the first is the interpreter's own, the third pymalloc, installed. */
  readonly names: readonly AllocatorName[];
  readonly rounds: number;
  load(name: AllocatorName): Promise<Candidate>;
  /** Told what begins now. */
  step?(what: string): void;
  /** Gets what the first run printed. */
  print?(output: Uint8Array): void;
}

/** The debug mode takes much longer and much more memory: it would disturb the other rounds, and gets these. */
const DEBUG_ROUNDS = 3;

/** How often `step` is called. */
export function stepsOf({ names, rounds }: Pick<Course, "names" | "rounds">): number {
  return names.length * (rounds + 2) + 2 * DEBUG_ROUNDS + 3;
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

/** A candidate's own figures. */
interface Figures {
  readonly seconds: readonly number[];
  readonly heapBytes: number;
}

function resultOf(allocator: AllocatorName, own: Figures, base: Figures): AllocatorResult {
  return {
    allocator,
    seconds: own.seconds,
    ratio: timeRatio(own.seconds, base.seconds),
    heapBytes: own.heapBytes,
    heapRatio: own.heapBytes / base.heapBytes,
  };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** The course of one comparison. */
class SideBySide {
  readonly #course: Course;
  readonly #outputs: Uint8Array[] = [];

  constructor(course: Course) {
    this.#course = course;
  }

  #step(what: string): void {
    this.#course.step?.(what);
  }

  async #load(name: AllocatorName): Promise<Candidate> {
    this.#step(`starting CPython on ${name}`);
    return await this.#course.load(name);
  }

  /** The first run is for memory and output; after it modules are imported and code is compiled. Its exit status. */
  async #firstRun(candidate: Candidate): Promise<number> {
    this.#step(`first run on ${candidate.allocator}`);
    const { status, output } = await candidate.run();
    this.#outputs.push(output);
    return status;
  }

  /** Rounds of all candidates in turn, each time with another one first: their seconds. */
  async #race(candidates: readonly Candidate[], rounds: number): Promise<number[][]> {
    const seconds: number[][] = candidates.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const at of rotated([...candidates.keys()], round)) {
        const candidate = candidates[at] as Candidate;
        this.#step(`round ${round + 1} of ${rounds} on ${candidate.allocator}`);
        seconds[at]?.push((await candidate.run()).seconds);
      }
    }
    return seconds;
  }

  async #debugMode(ours: Candidate, heapBytes: number) {
    const debugged = await this.#load("pymalloc_debug");
    await this.#firstRun(debugged);
    const faults = debugged.faults.map(({ message }) => message);
    const bytes = debugged.heapBytes();
    const [base = [], seconds = []] = await this.#race([ours, debugged], DEBUG_ROUNDS);
    const own = { seconds, heapBytes: bytes };
    return { debug: resultOf(debugged.allocator, own, { seconds: base, heapBytes }), faults };
  }

  async #census(ours: Candidate) {
    if (ours.heap === undefined) return {};
    this.#step("counting requests");
    const endCensus = startCensus(ours.pyodide, ours.heap);
    await ours.run();
    return { census: endCensus() };
  }

  async run(): Promise<Outcome> {
    const { names, rounds, print } = this.#course;
    const candidates: Candidate[] = [];
    for (const name of names) candidates.push(await this.#load(name));
    const [base, , ours] = candidates as [Candidate, Candidate, Candidate];
    const common = { pyodide: base.version, rounds };
    const heapBytes: number[] = [];
    for (const candidate of candidates) {
      const status = await this.#firstRun(candidate);
      heapBytes.push(candidate.heapBytes());
      if (candidate === base) print?.(this.#outputs[0] as Uint8Array);
      if (status !== 0) return { ...common, status, sameOutput: true, allocators: [] };
    }
    const stats = ours.heap?.stats();
    const seconds = await this.#race(candidates, rounds);
    const figures = seconds.map((own, at) => ({
      seconds: own,
      heapBytes: heapBytes[at] as number,
    }));
    const allocators = figures.map((own, at) =>
      resultOf((candidates[at] as Candidate).allocator, own, figures[0] as Figures),
    );
    const census = await this.#census(ours);
    const debugMode = await this.#debugMode(ours, heapBytes[2] as number);
    const [first, ...others] = this.#outputs as [Uint8Array, ...Uint8Array[]];
    return {
      ...common,
      status: 0,
      sameOutput: others.every((output) => isSame(output, first)),
      allocators,
      ...debugMode,
      ...census,
      ...(stats === undefined ? {} : { stats }),
    };
  }
}

/** Compares the allocators on a program. */
export function sideBySide(course: Course): Promise<Outcome> {
  return new SideBySide(course).run();
}
