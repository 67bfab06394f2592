/** Allocation-heavy Python on each allocator: what `pymalloc run --compare` measures. */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Comparison, compare } from "../cli/compare.js";
import { geometricMean } from "./paired.js";

export interface PythonResults {
  readonly pyodide: string;
  readonly rounds: number;
  readonly programs: readonly ProgramResult[];
  /** Geometric means over the programs, against CPython's own malloc. */
  readonly time: number;
  readonly mimallocTime: number;
  readonly heap: number;
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
  readonly mimallocOfMinima: number;
  readonly heapBytes: number;
  readonly heapRatio: number;
  /** Share of the requests that pools served. */
  readonly fromPools: number;
  /** The debug mode's time and heap against pymalloc's own without it. */
  readonly debugTime: number;
  readonly debugHeap: number;
}

const folder = fileURLToPath(new URL("programs", import.meta.url));
const nowhere = { write: () => {} };

function resultOf(name: string, comparison: Comparison): ProgramResult {
  const { allocators, debug, census, sameOutput, status } = comparison;
  const [own, mimalloc, ours] = allocators;
  if (status !== 0 || !sameOutput || !own || !mimalloc || !ours || !debug || !census) {
    throw new Error(`${name}: status ${status}, ${sameOutput ? "same" : "different"} output`);
  }
  return {
    name,
    milliseconds: Math.min(...ours.seconds) * 1000,
    ofMinima: ours.ratio.ofMinima,
    median: ours.ratio.median,
    mimallocOfMinima: mimalloc.ratio.ofMinima,
    heapBytes: ours.heapBytes,
    heapRatio: ours.heapRatio,
    fromPools: census.fromPools / census.requests,
    debugTime: debug.ratio.ofMinima,
    debugHeap: debug.heapRatio,
  };
}

export async function benchPython(rounds: number): Promise<PythonResults> {
  const programs: ProgramResult[] = [];
  let pyodide = "";
  for (const name of readdirSync(folder).sort()) {
    const path = resolve(folder, name);
    const script = { path, file: path, arguments: [], cwd: folder };
    const comparison = await compare(script, { rounds, stdout: nowhere });
    pyodide = comparison.pyodide;
    programs.push(resultOf(name.replace(".py", ""), comparison));
  }
  const mean = (of: (program: ProgramResult) => number) => geometricMean(programs.map(of));
  return {
    pyodide,
    rounds,
    programs,
    time: mean((program) => program.ofMinima),
    mimallocTime: mean((program) => program.mimallocOfMinima),
    heap: mean((program) => program.heapRatio),
    debugTime: mean((program) => program.debugTime),
    debugHeap: mean((program) => program.debugHeap),
  };
}
