/** Times the guests, in a process of their own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createHeap, type Heap } from "../../src/index.js";
import { recordOf, timePaired } from "../paired.js";
import { callsOf, place } from "../placements.js";
import {
  type Binary,
  binaries,
  type Candidate,
  candidates,
  fileOf,
  type OfOurs,
  ofOurs,
  programs,
} from "./programs.js";

export const ROUNDS = 9;

/** One program in one process. */
export interface GuestTimes {
  readonly title: string;
  /** Milliseconds of the shortest round. */
  readonly times: Readonly<Record<Candidate, number>>;
  /** The memories' lengths, against that with the language's own malloc: after the first run, and after all rounds. */
  readonly memory: Readonly<Record<OfOurs, number>>;
  readonly memoryAfter: Readonly<Record<OfOurs, number>>;
}

interface Guest {
  readonly exports: Record<string, (n: number) => number>;
  readonly memory: WebAssembly.Memory;
}

/** A constructor may look for what WASI gives; there is nothing. */
const NOSYS = 52;
const wasi = new Proxy({}, { get: () => () => NOSYS }) as WebAssembly.ModuleImports;
const imports = { wasi_snapshot_preview1: wasi };

type Start = (bytes: Uint8Array<ArrayBuffer>) => Guest;

/** In a memory of its own. */
const startAlone: Start = (bytes) => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  const initialize = exports["_initialize"] as (() => void) | undefined;
  initialize?.();
  const memory = exports["memory"] as WebAssembly.Memory;
  return { exports: exports as Guest["exports"], memory };
};

const startIn =
  (heap: Heap): Start =>
  (bytes) => {
    const { exports } = heap.instantiate(bytes, imports);
    return { exports: exports as Guest["exports"], memory: heap.memory };
  };

function startAll(binary: Binary, folder: string, heap: Heap): Record<Candidate, Guest> {
  const read = (candidate: Candidate) =>
    new Uint8Array(readFileSync(join(folder, fileOf(binary, candidate))));
  return {
    stock: startAlone(read("stock")),
    hosted: startIn(heap)(read("hosted")),
    linked: startAlone(read("linked")),
  };
}

const newHeap = () => createHeap({ malloc: "pymalloc" });

function measure(program: (typeof programs)[number], folder: string): GuestTimes {
  const { title, binary, name, argument } = program;
  const guests = startAll(binary, folder, newHeap());
  const run = (candidate: Candidate) => guests[candidate].exports[name]?.(argument);
  const memory = () => {
    const length = (candidate: Candidate) => guests[candidate].memory.buffer.byteLength;
    return recordOf(ofOurs, (candidate) => length(candidate) / length("stock"));
  };
  const answers = candidates.map(run);
  if (new Set(answers).size !== 1) throw new Error(`${title} answers ${answers.join(", ")}`);
  const first = memory();
  const works = recordOf(candidates, (candidate) => () => void run(candidate));
  const timings = timePaired(works, ROUNDS);
  const times = recordOf(candidates, (candidate) => timings[candidate].min);
  return { title, times, memory: first, memoryAfter: memory() };
}

/** All programs in this process; the compiled ones are in `folder`. @param seed of the placement */
export function measureGuests(folder: string, seed: number): GuestTimes[] {
  const calls = binaries.flatMap((binary) => {
    const heap = newHeap();
    const guests = Object.values(startAll(binary, folder, heap));
    const small = programs
      .filter((program) => program.binary === binary)
      .flatMap(({ name, small }) =>
        guests.map(
          ({ exports }) =>
            () =>
              exports[name]?.(small),
        ),
      );
    return [...callsOf(heap.object), ...callsOf(heap.raw), ...small];
  });
  place(calls, seed);
  return programs.map((program) => measure(program, folder));
}
