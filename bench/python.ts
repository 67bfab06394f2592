/** Allocation-heavy Python on each allocator: what `pymalloc run --compare` measures. */
import type { AllocatorName } from "../interpreter/interpreter.js";
import { type Candidate, median, type Outcome, sideBySide } from "../measure/measure.js";
import { megabytes, percent } from "../process/process.js";
import type { Engine } from "./engines.js";
import { load, programsIn } from "./interpreters.js";
import { geometricMean, recordOf } from "./paired.js";
import { inPlacements, PLACEMENTS, type Spread, spreadOf } from "./placements.js";
import { randomNumbers, shuffled } from "./random.js";
import { ratio, ratios, table } from "./table.js";

const ROUNDS = 6;
const ALLOCATORS: readonly AllocatorName[] = ["malloc", "mimalloc", "pymalloc", "linked"];

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

function runOf(name: string, outcome: Outcome): ProgramRun {
  const { allocators, debug, census, sameOutput, status, pyodide } = outcome;
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

/**
 * Compares the allocators on a program, where this runs. In what order interpreters are loaded places their code.
 * @param seed of that order
 */
export async function compareProgram(
  folder: string,
  name: string,
  seed: number,
): Promise<ProgramRun> {
  const program = { folder, name };
  const loaded = new Map<AllocatorName, Candidate>();
  for (const allocator of shuffled(ALLOCATORS, randomNumbers(seed))) {
    loaded.set(allocator, await load(allocator, program));
  }
  const outcome = await sideBySide({
    ...{ names: ALLOCATORS, rounds: ROUNDS },
    load: async (allocator) => loaded.get(allocator) ?? (await load(allocator, program)),
  });
  return runOf(name, outcome);
}

/** The ratios of all placements. */
function spreads(all: readonly Ratios<number>[]): Ratios<Spread> {
  return {
    ...recordOf(TIMES, (key) => spreadOf(all.map((one) => one[key]))),
    ...recordOf(OTHERS, (key) => median(all.map((one) => one[key]))),
  };
}

/** The geometric means of one placement. */
function meansOf(programs: readonly ProgramRun[]): Ratios<number> {
  return recordOf([...TIMES, ...OTHERS], (key) => geometricMean(programs.map((run) => run[key])));
}

/** The programs of all placements. */
function together(placements: readonly ProgramRun[][]): ProgramResult[] {
  return (placements[0] as ProgramRun[]).map(({ name, fromPools }, at) => {
    const all = placements.map((runs) => runs[at] as ProgramRun);
    return {
      name,
      milliseconds: median(all.map(({ milliseconds }) => milliseconds)),
      heapBytes: median(all.map(({ heapBytes }) => heapBytes)),
      fromPools,
      ...spreads(all),
    };
  });
}

/** Each program of a folder, in a process of its own for each placement. */
function runsIn(folder: string, engine: Engine): Promise<ProgramRun[][]> {
  return inPlacements(async (seed) => {
    const runs: ProgramRun[] = [];
    for (const { name } of await programsIn(folder)) {
      runs.push(await engine.run(import.meta.url, compareProgram, folder, name, seed));
    }
    return runs;
  });
}

export async function benchPython(engine: Engine): Promise<PythonResults> {
  const allocating = await runsIn("programs", engine);
  const pure = await runsIn("pure", engine);
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
