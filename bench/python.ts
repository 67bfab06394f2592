/** Allocation-heavy Python on each allocator: what `pymalloc run --compare` measures. */
import { readdirSync } from "node:fs";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type AllocatorResult, type Comparison, compare, median } from "../measure/measure.js";
import { geometricMean } from "./paired.js";
import { inProcess } from "./processes.js";

/** What is shown of each program, and in the mean of those that allocate. The times are those of the others against CPython's own malloc. */
const ratios = [
  // pymalloc's, installed: of the shortest rounds, and median.
  "ofMinima",
  "median",
  // The same of pymalloc that is linked in, and of CPython's mimalloc.
  "linkedOfMinima",
  "linkedMedian",
  "mimallocOfMinima",
  "mimallocMedian",
  // Peak heaps, installed and linked.
  "heapRatio",
  "linkedHeapRatio",
  // The debug mode's time and heap against pymalloc's own without it.
  "debugTime",
  "debugHeap",
] as const;
export type Ratios = Readonly<Record<(typeof ratios)[number], number>>;

export interface PythonResults {
  readonly pyodide: string;
  readonly processes: number;
  /** In each process. */
  readonly rounds: number;
  /** Programs that allocate much. */
  readonly programs: readonly ProgramResult[];
  /** Geometric means over those. */
  readonly means: Ratios;
  /** Programs that only compute. */
  readonly pure: readonly ProgramResult[];
}

export interface ProgramResult extends Ratios {
  readonly name: string;
  readonly milliseconds: number;
  readonly heapBytes: number;
  /** Share of the requests that pools served. */
  readonly fromPools: number;
}

const nowhere = { write: () => {} };

function resultOf(name: string, comparison: Comparison): ProgramResult {
  const { allocators, debug, census, sameOutput, status } = comparison;
  const [, mimalloc, ours, linked] = allocators;
  if (status !== 0 || !sameOutput || !mimalloc || !ours || !linked || !debug || !census) {
    throw new Error(`${name}: status ${status}, ${sameOutput ? "same" : "different"} output`);
  }
  return {
    name,
    milliseconds: Math.min(...ours.seconds) * 1000,
    ofMinima: ours.ratio.ofMinima,
    median: ours.ratio.median,
    linkedOfMinima: linked.ratio.ofMinima,
    linkedMedian: linked.ratio.median,
    mimallocOfMinima: mimalloc.ratio.ofMinima,
    mimallocMedian: mimalloc.ratio.median,
    heapBytes: ours.heapBytes,
    heapRatio: ours.heapRatio,
    linkedHeapRatio: linked.heapRatio,
    fromPools: census.fromPools / census.requests,
    debugTime: debug.ratio.ofMinima,
    debugHeap: debug.heapRatio,
  };
}

/** Compares the allocators on each program of a folder, in this process. */
export async function compareFolder(name: string, rounds: number): Promise<Comparison[]> {
  const folder = fileURLToPath(new URL(name, import.meta.url));
  const comparisons: Comparison[] = [];
  for (const file of readdirSync(folder).sort()) {
    const script = { path: resolve(folder, file), file: resolve(folder, file), cwd: folder };
    comparisons.push(await compare({ ...script, arguments: [] }, { rounds, stdout: nowhere }));
  }
  return comparisons;
}

/** One allocator's results of several processes: the shortest round of all, and the median of the others' figures. */
function mergeResults(results: readonly AllocatorResult[], base: number): AllocatorResult {
  const seconds = results.flatMap((result) => result.seconds);
  const middle = (of: (result: AllocatorResult) => number) => median(results.map(of));
  return {
    ...(results[0] as AllocatorResult),
    seconds,
    ratio: {
      ofMinima: Math.min(...seconds) / base,
      median: middle(({ ratio }) => ratio.median),
      lowerQuartile: middle(({ ratio }) => ratio.lowerQuartile),
      upperQuartile: middle(({ ratio }) => ratio.upperQuartile),
    },
    heapBytes: middle(({ heapBytes }) => heapBytes),
    heapRatio: middle(({ heapRatio }) => heapRatio),
  };
}

function merge(comparisons: readonly Comparison[]): Comparison {
  const [first] = comparisons as [Comparison];
  const failed = comparisons.find(({ status, sameOutput }) => status !== 0 || !sameOutput);
  if (failed !== undefined) return failed;
  const ofAll = (at: number) =>
    comparisons.map(({ allocators }) => allocators[at] as AllocatorResult);
  const shortest = (results: readonly AllocatorResult[]) =>
    Math.min(...results.flatMap(({ seconds }) => seconds));
  const debugs = comparisons.flatMap(({ debug }) => debug ?? []);
  // The debug mode's rounds are its own, compared with others of pymalloc's.
  const debugBase = shortest(debugs) / median(debugs.map(({ ratio }) => ratio.ofMinima));
  return {
    ...first,
    allocators: first.allocators.map((_, at) => mergeResults(ofAll(at), shortest(ofAll(0)))),
    debug: mergeResults(debugs, debugBase),
  };
}

async function benchFolder(name: string, processes: number, rounds: number) {
  const all: Comparison[][] = [];
  for (let run = 0; run < processes; run++) {
    all.push(await inProcess("python-process.ts", [name, `${rounds}`]));
  }
  const [first] = all as [Comparison[]];
  const programs = first.map(({ program }, at) =>
    resultOf(basename(program, ".py"), merge(all.map((results) => results[at] as Comparison))),
  );
  return { pyodide: first[0]?.pyodide ?? "", programs };
}

/** An engine places code by chance, for the life of a process: so there are several. */
export async function benchPython(processes: number, rounds: number): Promise<PythonResults> {
  const { pyodide, programs } = await benchFolder("programs", processes, rounds);
  const { programs: pure } = await benchFolder("pure", processes, rounds);
  const mean = (ratio: keyof Ratios) => geometricMean(programs.map((program) => program[ratio]));
  const means = Object.fromEntries(ratios.map((ratio) => [ratio, mean(ratio)])) as Ratios;
  return { pyodide, processes, rounds, programs, means, pure };
}
