/** C programs that live from malloc, on ours and on wasi-libc's: time and memory. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "../measure/measure.js";
import { createHeap } from "../src/index.js";
import { compilerEnvironment } from "../tools/compiler.js";
import { pairedRatio, timePaired } from "./paired.js";
import { inProcess } from "./processes.js";

/** The exports of guests/programs.c, and what they are called with. */
const PROGRAMS = { trees: 16, strings: 100_000 };

type ProgramName = keyof typeof PROGRAMS;

/** One program in one process. */
export interface GuestTimes {
  readonly name: string;
  /** Milliseconds of the shortest round. */
  readonly ours: number;
  readonly stock: number;
  /** Median, over the rounds, of the ratios of our time to that of wasi-libc's malloc. */
  readonly median: number;
  /** Ratios of the memories' lengths: after the first run, and after all rounds. */
  readonly memory: number;
  readonly memoryAfter: number;
}

export interface GuestResults {
  readonly processes: number;
  /** In each process. */
  readonly rounds: number;
  readonly programs: readonly (GuestTimes & {
    /** The shortest of all rounds against the shortest of all rounds. */
    readonly ofMinima: number;
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

function instantiateOurs(folder: string): Candidate {
  const heap = createHeap({ malloc: "pymalloc" });
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

function measure(name: ProgramName, folder: string, rounds: number): GuestTimes {
  const candidates = { ours: instantiateOurs(folder), stock: instantiateStock(folder) };
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
  const { ours, stock } = timePaired(works, rounds);
  return {
    name,
    ours: ours.min,
    stock: stock.min,
    median: pairedRatio(ours.samples, stock.samples),
    memory,
    memoryAfter: ratio(),
  };
}

/** All programs in this process; the compiled ones are in `folder`. */
export function measureGuests(folder: string, rounds: number): GuestTimes[] {
  return (Object.keys(PROGRAMS) as ProgramName[]).map((name) => measure(name, folder, rounds));
}

/** In several processes: see `benchTraces`. */
export async function benchGuests(processes: number, rounds: number): Promise<GuestResults> {
  const folder = mkdtempSync(join(tmpdir(), "pymalloc-bench-"));
  try {
    compile(folder);
    const measured: GuestTimes[][] = [];
    for (let index = 0; index < processes; index++) {
      measured.push(await inProcess("guests-process.ts", [folder, `${rounds}`]));
    }
    const programs = (measured[0] as GuestTimes[]).map((first, at) => {
      const all = measured.map((times) => times[at] as GuestTimes);
      const ours = Math.min(...all.map((times) => times.ours));
      const stock = Math.min(...all.map((times) => times.stock));
      const ratios = median(all.map((times) => times.median));
      return { ...first, ours, stock, ofMinima: ours / stock, median: ratios };
    });
    return { processes, rounds, programs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
