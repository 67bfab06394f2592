/** Allocation-heavy Python on each allocator: what `pymalloc run --compare` measures. */
import { readdirSync } from "node:fs";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Comparison, compare, median } from "../measure/measure.js";
import { megabytes, percent } from "../process/process.js";
import type { Engine } from "./engines.js";
import { geometricMean, recordOf } from "./paired.js";
import { inPlacements, PLACEMENTS, type Spread, spreadOf } from "./placements.js";
import { ratio, ratios, table } from "./table.js";

const ROUNDS = 6;

/** Times of pymalloc, installed and linked in, and of CPython's mimalloc: against CPython's own malloc in one process. */
const TIMES = ["installed", "linked", "mimalloc"] as const;

/** Peak heaps against that of CPython's own malloc; the debug mode's time and heap against pymalloc's without it. */
const OTHERS = ["installedHeap", "linkedHeap", "debug", "debugHeap"] as const;

type Ratios<Time> = Readonly<
  Record<(typeof TIMES)[number], Time> & Record<(typeof OTHERS)[number], number>
>;

/** A program in one process. */
interface ProgramRun extends Ratios<number> {
  readonly name: string;
  readonly pyodide: string;
  readonly milliseconds: number;
  readonly heapBytes: number;
  /** Share of the requests that pools served. */
  readonly fromPools: number;
}

export type ProgramResult = Ratios<Spread> & Omit<ProgramRun, keyof Ratios<number> | "pyodide">;

export interface PythonResults {
  readonly pyodide: string;
  readonly processes: number;
  /** In each process; of them the shortest counts. */
  readonly rounds: number;
  /** Programs that allocate much. */
  readonly programs: readonly ProgramResult[];
  /** Geometric means over those. */
  readonly means: Ratios<Spread>;
  /** Programs that only compute. */
  readonly pure: readonly ProgramResult[];
}

function runOf(name: string, comparison: Comparison): ProgramRun {
  const { allocators, debug, census, sameOutput, status, pyodide } = comparison;
  const [, mimalloc, ours, linked] = allocators;
  if (status !== 0 || !sameOutput || !mimalloc || !ours || !linked || !debug || !census) {
    throw new Error(`${name}: status ${status}, ${sameOutput ? "same" : "different"} output`);
  }
  return {
    name,
    pyodide,
    milliseconds: Math.min(...ours.seconds) * 1000,
    installed: ours.ratio.ofMinima,
    linked: linked.ratio.ofMinima,
    mimalloc: mimalloc.ratio.ofMinima,
    heapBytes: ours.heapBytes,
    installedHeap: ours.heapRatio,
    linkedHeap: linked.heapRatio,
    fromPools: census.fromPools / census.requests,
    debug: debug.ratio.ofMinima,
    debugHeap: debug.heapRatio,
  };
}

const nowhere = { write: () => {} };

/** Compares the allocators on each program of a folder, in this process. */
export async function compareFolder(name: string): Promise<ProgramRun[]> {
  const folder = fileURLToPath(new URL(name, import.meta.url));
  const runs: ProgramRun[] = [];
  for (const file of readdirSync(folder).sort()) {
    const path = resolve(folder, file);
    const script = { path, file: path, cwd: folder, arguments: [] };
    const comparison = await compare(script, { rounds: ROUNDS, stdout: nowhere });
    runs.push(runOf(basename(file, ".py"), comparison));
  }
  return runs;
}

/** The ratios of several processes. */
function spreads(all: readonly Ratios<number>[]): Ratios<Spread> {
  return {
    ...recordOf(TIMES, (key) => spreadOf(all.map((one) => one[key]))),
    ...recordOf(OTHERS, (key) => median(all.map((one) => one[key]))),
  };
}

/** The geometric means of one process. */
function meansOf(programs: readonly ProgramRun[]): Ratios<number> {
  return recordOf([...TIMES, ...OTHERS], (key) => geometricMean(programs.map((run) => run[key])));
}

/** The programs of several processes. */
function together(processes: readonly ProgramRun[][]): ProgramResult[] {
  return (processes[0] as ProgramRun[]).map(({ name, fromPools }, at) => {
    const all = processes.map((runs) => runs[at] as ProgramRun);
    return {
      name,
      milliseconds: median(all.map(({ milliseconds }) => milliseconds)),
      heapBytes: median(all.map(({ heapBytes }) => heapBytes)),
      fromPools,
      ...spreads(all),
    };
  });
}

/** Several processes: an interpreter is placed by chance as well, and there is no drawing of it. */
export async function benchPython(engine: Engine): Promise<PythonResults> {
  const runs = (folder: string) =>
    inPlacements(() => engine.run(import.meta.url, compareFolder, folder));
  const allocating = await runs("programs");
  const pure = await runs("pure");
  return {
    pyodide: allocating[0]?.[0]?.pyodide ?? "",
    processes: PLACEMENTS,
    rounds: ROUNDS,
    programs: together(allocating),
    means: spreads(allocating.map(meansOf)),
    pure: together(pure),
  };
}

/** The cells of the ratios; what only programs have comes in between. */
function row(of: Ratios<Spread>, name: string, program?: ProgramResult): string[] {
  return [
    name,
    program ? `${program.milliseconds.toFixed(0)} ms` : "",
    ratios(of.installed),
    ratios(of.linked),
    ratios(of.mimalloc),
    program ? megabytes(program.heapBytes) : "",
    `${ratio(of.installedHeap)} / ${ratio(of.linkedHeap)}`,
    program ? percent(program.fromPools) : "",
    `${of.debug.toFixed(2)} / ${of.debugHeap.toFixed(2)}`,
  ];
}

export function renderPython({ pyodide, processes, rounds, programs, means, pure }: PythonResults) {
  const programRow = (program: ProgramResult) => row(program, program.name, program);
  const head = [
    ...["program", "time", "installed", "linked", "mimalloc's", "peak heap", "heap ratio"],
    ...["from pools", "debug mode"],
  ];
  return [
    table(head, [
      ...programs.map(programRow),
      row(means, "**geometric mean**"),
      ...pure.map(programRow),
    ]),
    "",
    `Pyodide ${pyodide} in ${processes} processes: in each the shortest of ${rounds} rounds in turn, against CPython's own malloc, with`,
    "pymalloc installed at run time and linked in; shown are the mean and the range of the processes. The last rows only",
    "compute. Heap ratio: installed / linked. Debug mode: time / heap against pymalloc without it.",
  ].join("\n");
}
