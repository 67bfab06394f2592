/**
 * The pure-Python programs of pyperformance, CPython's own benchmark suite: installed and linked against stock. Its sources
 * are not ours, so where they are is an option. A program brings its own measurements; in the place of pyperf, which makes
 * them there, it finds `pyperformance/pyperf.py`.
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AllocatorName,
  Interpreter,
  linkedPyodideFolder,
} from "../interpreter/interpreter.js";
import { rotated } from "../measure/measure.js";
import { UsageError } from "../process/process.js";
import type { Engine } from "./engines.js";
import { geometricMean, recordOf } from "./paired.js";
import { inPlacements, PLACEMENTS, type Spread, spreadOf } from "./placements.js";
import { findPrograms, type Program } from "./pyperformance/programs.js";
import { randomNumbers, shuffled } from "./random.js";
import { stockFolder } from "./stock.js";
import { ratio, ratios, table } from "./table.js";

const ROUNDS = 4;

/** The stock interpreter, once more as a control, and ours. */
const kinds = ["stock", "control", "installed", "linked"] as const;
type Kind = (typeof kinds)[number];

const allocatorOf: Readonly<Record<Kind, AllocatorName>> = {
  stock: "malloc",
  control: "malloc",
  installed: "pymalloc",
  linked: "linked",
};

/** Where the Pyodide of each kind is. */
type Folders = Readonly<Record<Kind, string>>;

/** What one process has measured. */
interface Measured {
  /** Seconds of CPU time of the shortest rounds. */
  readonly benchmarks: Readonly<Record<string, Readonly<Record<Kind, number>>>>;
  /** Programs that do not run here, and why. */
  readonly leftOut: Readonly<Record<string, string>>;
}

/** Against stock, over the processes. */
type Ratios = Readonly<Record<Exclude<Kind, "stock">, Spread>>;

export interface PyperformanceResults {
  readonly processes: number;
  /** In each process; of them the shortest counts. */
  readonly rounds: number;
  readonly benchmarks: readonly (Ratios & {
    readonly name: string;
    /** Of the stock interpreter. */
    readonly milliseconds: number;
  })[];
  /** Geometric means. */
  readonly means: Ratios;
  readonly leftOut: Measured["leftOut"];
}

const driver = fileURLToPath(new URL("pyperformance/main.py", import.meta.url));

/** CPU time of this process. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** A piece of work, done so often; the seconds that it took. */
type Work = (loops: number) => number;

/** A measurement takes at least so many seconds. */
const LONG_ENOUGH = 0.1;

/** How often each piece of work is done, so that a measurement is long enough: as often on all allocators. */
class Loops {
  readonly #loops = new Map<string, number>();

  of(name: string, work: Work): number {
    const known = this.#loops.get(name);
    if (known !== undefined) return known;
    let loops = 1;
    while (work(loops) < LONG_ENOUGH) loops *= 2;
    this.#loops.set(name, loops);
    return loops;
  }
}

/** What we use of Pyodide. */
interface Pyodide {
  registerJsModule(name: string, module: object): void;
}

/** A program that the stock interpreter does not run, and the last line that it wrote. */
class DoesNotRun extends Error {}

/** An interpreter with a program; what it has measured, by the benchmarks' names. */
class Contestant {
  readonly #interpreter: Interpreter;
  readonly #errors: Uint8Array[];
  readonly #seconds = new Map<string, number>();

  private constructor(interpreter: Interpreter, errors: Uint8Array[], loops: Loops) {
    this.#interpreter = interpreter;
    this.#errors = errors;
    (interpreter.pyodide as unknown as Pyodide).registerJsModule("bench", {
      cpu_seconds: cpuSeconds,
      measure: (name: string, work: Work) => {
        this.#seconds.set(name, work(loops.of(name, work)));
      },
    });
  }

  static async load(kind: Kind, program: Program, folders: Folders, loops: Loops) {
    const errors: Uint8Array[] = [];
    const interpreter = await Interpreter.load({
      allocator: allocatorOf[kind],
      folder: folders[kind],
      script: {
        ...{ path: driver, file: driver, cwd: dirname(program.file) },
        arguments: [program.file, ...program.arguments],
      },
      streams: {
        stdin: () => new Uint8Array(),
        stdout: () => {},
        stderr: (bytes) => void errors.push(bytes.slice()),
      },
      // Texts have the same hashes everywhere: sets and dicts are laid out alike.
      env: { PYTHONHASHSEED: "1" },
    });
    return new Contestant(interpreter, errors, loops);
  }

  /** Runs the program once. @throws DoesNotRun */
  async run(): Promise<ReadonlyMap<string, number>> {
    this.#seconds.clear();
    this.#errors.length = 0;
    const status = await this.#interpreter.run();
    const lines = Buffer.concat(this.#errors).toString().trimEnd().split("\n");
    if (status !== 0) throw new DoesNotRun(lines.at(-1) || `status ${status}`);
    return new Map(this.#seconds);
  }
}

type Benchmarks = Record<string, Record<Kind, number>>;

/**
 * Rounds of a program on all kinds in turn; in what order they are loaded places their code.
 * @throws DoesNotRun, Error where only ours does not run it
 */
async function measureProgram(
  program: Program,
  order: readonly Kind[],
  folders: Folders,
): Promise<Benchmarks> {
  const loops = new Loops();
  const contestants = {} as Record<Kind, Contestant>;
  const failures = new Map<Kind, unknown>();
  for (const kind of order) {
    contestants[kind] = await Contestant.load(kind, program, folders, loops);
    // After a first run, modules are imported and code is compiled.
    await contestants[kind].run().catch((error) => failures.set(kind, error));
  }
  const [failed] = failures.keys();
  if (failures.has("stock")) throw failures.get("stock");
  if (failed !== undefined) {
    throw new Error(`${program.name} runs on stock, but not ${failed}`, {
      cause: failures.get(failed),
    });
  }
  const benchmarks: Benchmarks = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of rotated(kinds, round)) {
      for (const [name, seconds] of await contestants[kind].run()) {
        benchmarks[name] ??= recordOf(kinds, () => Infinity);
        benchmarks[name][kind] = Math.min(seconds, benchmarks[name][kind]);
      }
    }
  }
  return benchmarks;
}

/** Measures each program of a folder in this process. @param seed of the placement */
export async function measurePyperformance(path: string, seed: number): Promise<Measured> {
  const folders = {
    stock: stockFolder(0),
    // What it differs by from stock is what a figure can differ by for no reason but where code lies.
    control: stockFolder(1),
    installed: stockFolder(2),
    linked: await linkedPyodideFolder(),
  };
  const random = randomNumbers(seed);
  const benchmarks: Benchmarks = {};
  const leftOut: Record<string, string> = {};
  for (const program of findPrograms(path)) {
    try {
      const order = shuffled(kinds, random);
      Object.assign(benchmarks, await measureProgram(program, order, folders));
    } catch (error) {
      if (!(error instanceof DoesNotRun)) throw error;
      leftOut[program.name] = error.message;
    }
  }
  return { benchmarks, leftOut };
}

/** The ratios of each process, put together. */
function against(of: (kind: Kind) => readonly number[]): Ratios {
  const { stock: _, ...ratios } = recordOf(kinds, (kind) => spreadOf(of(kind)));
  return ratios;
}

/** @param path the folder with the programs */
export async function benchPyperformance(
  engine: Engine,
  path: string | undefined,
): Promise<PyperformanceResults> {
  if (path === undefined) {
    throw new UsageError(
      "the part pyperformance needs --programs PATH: where its bm_* folders are",
    );
  }
  const folder = resolve(path);
  findPrograms(folder);
  const all = await inPlacements((seed) =>
    engine.run(import.meta.url, measurePyperformance, folder, seed),
  );
  const [first] = all as [Measured];
  const ratiosOf = (name: string, kind: Kind) =>
    all.flatMap(({ benchmarks }) => {
      const seconds = benchmarks[name];
      return seconds === undefined ? [] : [seconds[kind] / seconds.stock];
    });
  return {
    ...{ processes: PLACEMENTS, rounds: ROUNDS, leftOut: first.leftOut },
    benchmarks: Object.entries(first.benchmarks).map(([name, { stock }]) => ({
      name,
      milliseconds: stock * 1000,
      ...against((kind) => ratiosOf(name, kind)),
    })),
    means: against((kind) =>
      all.map(({ benchmarks }) =>
        geometricMean(Object.values(benchmarks).map((seconds) => seconds[kind] / seconds.stock)),
      ),
    ),
  };
}

export function renderPyperformance(results: PyperformanceResults): string {
  const { processes, rounds, benchmarks, means, leftOut } = results;
  const others = kinds.filter((kind) => kind !== "stock");
  const worst = (kind: (typeof others)[number]) =>
    ratio(Math.max(...benchmarks.map((benchmark) => benchmark[kind].mean)));
  const reasons = Object.entries(leftOut).map(([name, reason]) => `${name} (${reason})`);
  return [
    table(
      ["benchmark", ...kinds],
      [
        ...benchmarks.map(({ name, milliseconds, ...of }) => [
          name,
          `${milliseconds.toFixed(0)} ms`,
          ...others.map((kind) => ratios(of[kind])),
        ]),
        ["**geometric mean**", "", ...others.map((kind) => ratios(means[kind]))],
        ["**worst**", "", ...others.map(worst)],
      ],
    ),
    "",
    `CPU time of pyperformance's pure-Python programs in ${processes} processes, whose interpreters are loaded in another order each: in`,
    `each the shortest of ${rounds} rounds in turn, against the stock interpreter; shown are the mean and the range of the processes.`,
    "The control is the stock program again, which the engine compiles and places anew.",
    ...(reasons.length > 0 ? [`Left out: ${reasons.join(", ")}.`] : []),
  ].join("\n");
}
