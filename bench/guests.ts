/** C programs that live from malloc, on ours and on wasi-libc's: time and memory. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHeap, type Heap } from "../src/index.js";
import { compilerEnvironment } from "../tools/compiler.js";
import type { Engine } from "./engines.js";
import { timePaired } from "./paired.js";
import { callsOf, inPlacements, PLACEMENTS, place, type Spread, spreadOf } from "./placements.js";
import { ratio, ratios, table } from "./table.js";

/** The exports of guests/programs.c, and what they are called with. */
const PROGRAMS = { trees: 16, strings: 100_000 };

type ProgramName = keyof typeof PROGRAMS;

/** So small a number has a program end at once. */
const SMALL = 3;

const ROUNDS = 9;

interface MemoryRatios {
  /** Ratios of the memories' lengths, ours to that with wasi-libc's malloc: after the first run, and after all rounds. */
  readonly memory: number;
  readonly memoryAfter: number;
}

/** One program in one process. */
interface GuestTimes extends MemoryRatios {
  readonly name: string;
  /** Milliseconds of the shortest round. */
  readonly ours: number;
  readonly stock: number;
}

export interface GuestResults {
  readonly placements: number;
  /** In each placement; of them the shortest counts. */
  readonly rounds: number;
  readonly programs: readonly (MemoryRatios & {
    readonly name: string;
    /** Milliseconds. */
    readonly ours: Spread;
    readonly stock: Spread;
    /** Of our time to that with wasi-libc's malloc. */
    readonly time: Spread;
  })[];
}

interface Candidate {
  readonly exports: Record<string, (n: number) => number>;
  readonly memory: WebAssembly.Memory;
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Compiles the programs with both mallocs, into a folder. */
function compile(folder: string): void {
  const source = path("guests/programs.c");
  const include = path("../include");
  const ours = [`@${include}/guest.flags`, `-I${include}`, `${include}/pymalloc_malloc.c`];
  const stock = ["--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-flto"];
  for (const [name, flags] of Object.entries({ ours, stock })) {
    const { error, status } = spawnSync(
      "clang",
      [...flags, source, "-o", join(folder, `${name}.wasm`)],
      { stdio: "inherit", env: compilerEnvironment() },
    );
    if (error !== undefined || status !== 0) {
      throw new Error("the part guests needs clang, lld and wasi-libc: .ci/run installs them");
    }
  }
}

function instantiateOurs(folder: string, heap: Heap): Candidate {
  const { exports } = heap.instantiate(readFileSync(join(folder, "ours.wasm")));
  return { exports: exports as Candidate["exports"], memory: heap.memory };
}

function instantiateStock(folder: string): Candidate {
  const module = new WebAssembly.Module(readFileSync(join(folder, "stock.wasm")));
  const { exports } = new WebAssembly.Instance(module);
  (exports["_initialize"] as () => void)();
  const memory = exports["memory"] as WebAssembly.Memory;
  return { exports: exports as Candidate["exports"], memory };
}

function measure(name: ProgramName, folder: string): GuestTimes {
  const heap = createHeap({ malloc: "pymalloc" });
  const candidates = { ours: instantiateOurs(folder, heap), stock: instantiateStock(folder) };
  const run = ({ exports }: Candidate) => exports[name]?.(PROGRAMS[name]);
  const ratio = () =>
    candidates.ours.memory.buffer.byteLength / candidates.stock.memory.buffer.byteLength;
  const answers = [run(candidates.ours), run(candidates.stock)];
  if (answers[0] !== answers[1]) throw new Error(`${name} answers ${answers.join(" and ")}`);
  const memory = ratio();
  const works = {
    ours: () => void run(candidates.ours),
    stock: () => void run(candidates.stock),
  };
  const { ours, stock } = timePaired(works, ROUNDS);
  return { name, ours: ours.min, stock: stock.min, memory, memoryAfter: ratio() };
}

/** All programs in this process; the compiled ones are in `folder`. @param seed of the placement */
export function measureGuests(folder: string, seed: number): GuestTimes[] {
  const names = Object.keys(PROGRAMS) as ProgramName[];
  const heap = createHeap({ malloc: "pymalloc" });
  const guests = [instantiateOurs(folder, heap), instantiateStock(folder)];
  const small = guests.flatMap(({ exports }) => names.map((name) => () => exports[name]?.(SMALL)));
  place([...callsOf(heap.object), ...callsOf(heap.raw), ...small], seed);
  return names.map((name) => measure(name, folder));
}

export async function benchGuests(engine: Engine): Promise<GuestResults> {
  const folder = mkdtempSync(join(tmpdir(), "pymalloc-bench-"));
  try {
    compile(folder);
    const measured = await inPlacements((seed) =>
      engine.run(import.meta.url, measureGuests, folder, seed),
    );
    const programs = (measured[0] as GuestTimes[]).map(({ name, memory, memoryAfter }, at) => {
      const all = measured.map((times) => times[at] as GuestTimes);
      return {
        name,
        ours: spreadOf(all.map(({ ours }) => ours)),
        stock: spreadOf(all.map(({ stock }) => stock)),
        time: spreadOf(all.map(({ ours, stock }) => ours / stock)),
        memory,
        memoryAfter,
      };
    });
    return { placements: PLACEMENTS, rounds: ROUNDS, programs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function renderGuests({ placements, rounds, programs }: GuestResults): string {
  const rows = programs.map(({ name, ours, stock, time, memory, memoryAfter }) => [
    name,
    `${stock.mean.toFixed(1)} ms`,
    `${ours.mean.toFixed(1)} ms`,
    ratios(time),
    `${ratio(memory)} (${ratio(memoryAfter)})`,
  ]);
  const head = ["C program", "wasi-libc's malloc", "pymalloc", "time ratio", "memory ratio"];
  return [
    table(head, rows),
    "",
    `\`bench/guests/programs.c\`, compiled twice by clang, with ${placements} placements of the code: in each the shortest of`,
    `${rounds} rounds in turn; shown are the mean and the range of the placements. Memory: its length after the first run,`,
    "in brackets after all rounds.",
  ].join("\n");
}
