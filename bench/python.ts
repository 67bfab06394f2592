/** Allocation-heavy Python on each allocator: what `pymalloc run --compare` measures. */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Comparison, compare } from "../cli/compare.js";
import { geometricMean } from "./paired.js";

export interface PythonResults {
  readonly pyodide: string;
  readonly rounds: number;
  /** Programs that allocate much. */
  readonly programs: readonly ProgramResult[];
  /** Programs that only compute. */
  readonly pure: readonly ProgramResult[];
  /** Geometric means over the programs that allocate, against CPython's own malloc. */
  readonly time: number;
  readonly linkedTime: number;
  readonly mimallocTime: number;
  readonly heap: number;
  readonly linkedHeap: number;
  /** Geometric mean, of the debug mode against pymalloc without it. */
  readonly debugTime: number;
  readonly debugHeap: number;
}

export interface ProgramResult {
  readonly name: string;
  readonly milliseconds: number;
  /** pymalloc's time against that of CPython's own malloc: of the shortest rounds, and median. */
  readonly ofMinima: number;
  readonly median: number;
  /** The same of pymalloc that is linked in. */
  readonly linkedOfMinima: number;
  readonly linkedMedian: number;
  readonly mimallocOfMinima: number;
  readonly heapBytes: number;
  readonly heapRatio: number;
  readonly linkedHeapRatio: number;
  /** Share of the requests that pools served. */
  readonly fromPools: number;
  /** The debug mode's time and heap against pymalloc's own without it. */
  readonly debugTime: number;
  readonly debugHeap: number;
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
    heapBytes: ours.heapBytes,
    heapRatio: ours.heapRatio,
    linkedHeapRatio: linked.heapRatio,
    fromPools: census.fromPools / census.requests,
    debugTime: debug.ratio.ofMinima,
    debugHeap: debug.heapRatio,
  };
}

async function benchFolder(name: string, rounds: number) {
  const folder = fileURLToPath(new URL(name, import.meta.url));
  const programs: ProgramResult[] = [];
  let pyodide = "";
  for (const name of readdirSync(folder).sort()) {
    const path = resolve(folder, name);
    const script = { path, file: path, arguments: [], cwd: folder };
    const comparison = await compare(script, { rounds, stdout: nowhere });
    pyodide = comparison.pyodide;
    programs.push(resultOf(name.replace(".py", ""), comparison));
  }
  return { pyodide, programs };
}

export async function benchPython(rounds: number): Promise<PythonResults> {
  const { pyodide, programs } = await benchFolder("programs", rounds);
  const { programs: pure } = await benchFolder("pure", rounds);
  const mean = (of: (program: ProgramResult) => number) => geometricMean(programs.map(of));
  return {
    ...{ pyodide, rounds, programs, pure },
    time: mean((program) => program.ofMinima),
    linkedTime: mean((program) => program.linkedOfMinima),
    mimallocTime: mean((program) => program.mimallocOfMinima),
    heap: mean((program) => program.heapRatio),
    linkedHeap: mean((program) => program.linkedHeapRatio),
    debugTime: mean((program) => program.debugTime),
    debugHeap: mean((program) => program.debugHeap),
  };
}
