/** What a call from JavaScript costs: against empty exports, and against @thi.ng/malloc. */
import { MemPool } from "@thi.ng/malloc";
import { createHeap } from "../src/index.js";
import type { Engine } from "./engines.js";
import type * as Loop from "./loop.js";
import type { Pair } from "./loop.js";
import { recordOf, timePaired } from "./paired.js";
import { callsOf, inPlacements, PLACEMENTS, place, type Spread, spreadOf } from "./placements.js";
import { randomNumbers } from "./random.js";
import { ns, table, times } from "./table.js";

/** (module (func (export "malloc") (param i32) (result i32) local.get 0) (func (export "free") (param i32))) */
const EMPTY_EXPORTS = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 10, 2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 0, 3, 3, 2,
  0, 1, 7, 17, 2, 6, 0x6d, 0x61, 0x6c, 0x6c, 0x6f, 0x63, 0, 0, 4, 0x66, 0x72, 0x65, 0x65, 0, 1, 10,
  9, 2, 4, 0, 0x20, 0, 0x0b, 2, 0, 0x0b,
]);

/** In one process: nanoseconds of the shortest round. */
interface JavaScriptTimes {
  /** A pair of malloc and free of 48 bytes. */
  readonly pair: Readonly<Record<"empty" | "pymalloc" | "malloc" | "thing", number>>;
  /** The same with 10,000 live blocks, freed and made anew in random order. */
  readonly churn: Readonly<Record<"pymalloc" | "malloc" | "thing", number>>;
  /** Milliseconds of createHeap() in a process that made one before: median and longest. */
  readonly createHeap: Readonly<Record<"median" | "longest", number>>;
}

/** The same of all placements. */
export type JavaScriptResults = { readonly placements: number } & {
  readonly [Key in keyof JavaScriptTimes]: {
    readonly [Name in keyof JavaScriptTimes[Key]]: Spread;
  };
};

const BYTES = 48;
const LIVE = 10_000;
const ROUNDS = 25;
const PAIRS = 500_000;
const CHURNS = 100_000;
const THING_CHURNS = 2_000;

async function loopOf(name: string): Promise<typeof Loop> {
  const file = `./loop.ts?${name}`;
  return await import(file);
}

function candidates(): Record<keyof JavaScriptTimes["pair"], Pair> {
  const heap = createHeap({ malloc: "pymalloc" });
  const plain = createHeap({ malloc: "malloc" });
  const thing = new MemPool({ buf: new ArrayBuffer(1 << 24) });
  const empty = new WebAssembly.Instance(new WebAssembly.Module(EMPTY_EXPORTS)).exports;
  return {
    empty: empty as unknown as Pair,
    pymalloc: heap.object,
    malloc: plain.object,
    thing: { malloc: (bytes: number) => thing.malloc(bytes), free: (p: number) => thing.free(p) },
  };
}

type Candidates = ReturnType<typeof candidates>;

/** Places that a program with a heap of its age would free: the same for all candidates. */
function picks(): Uint32Array {
  const random = randomNumbers(1);
  return Uint32Array.from({ length: 1 << 16 }, () => Math.floor(random() * LIVE));
}

function perCall(milliseconds: number, calls: number): number {
  return (milliseconds * 1e6) / calls;
}

async function measurePairs(all: Candidates): Promise<JavaScriptTimes["pair"]> {
  const work = async (name: keyof typeof all) => {
    const { pairs } = await loopOf(`pairs-${name}`);
    return () => void pairs(all[name], BYTES, PAIRS);
  };
  const { empty, pymalloc, malloc, thing } = timePaired(
    {
      empty: await work("empty"),
      pymalloc: await work("pymalloc"),
      malloc: await work("malloc"),
      thing: await work("thing"),
    },
    ROUNDS,
  );
  return {
    empty: perCall(empty.min, PAIRS),
    pymalloc: perCall(pymalloc.min, PAIRS),
    malloc: perCall(malloc.min, PAIRS),
    thing: perCall(thing.min, PAIRS),
  };
}

async function measureChurn(all: Candidates): Promise<JavaScriptTimes["churn"]> {
  const places = picks();
  const work = async (name: keyof Candidates, times: number) => {
    const { churn } = await loopOf(`churn-${name}`);
    const pair = all[name];
    const live = Int32Array.from({ length: LIVE }, () => pair.malloc(BYTES));
    return () => churn(pair, live, places, BYTES, times);
  };
  const { pymalloc, malloc, thing } = timePaired(
    {
      pymalloc: await work("pymalloc", CHURNS),
      malloc: await work("malloc", CHURNS),
      thing: await work("thing", THING_CHURNS),
    },
    ROUNDS,
  );
  return {
    pymalloc: perCall(pymalloc.min, CHURNS),
    malloc: perCall(malloc.min, CHURNS),
    thing: perCall(thing.min, THING_CHURNS),
  };
}

function measureCreateHeap(): JavaScriptTimes["createHeap"] {
  const times = Array.from({ length: 41 }, () => {
    const started = performance.now();
    createHeap();
    return performance.now() - started;
  }).slice(1);
  const sorted = times.sort((a, b) => a - b);
  return { median: sorted[20] as number, longest: sorted[39] as number };
}

/** Calls of all that a heap exports. */
function callsOfHeaps(): (() => unknown)[] {
  const heaps = [createHeap({ malloc: "pymalloc" }), createHeap({ malloc: "malloc" })];
  return heaps.flatMap((heap) => [
    ...[heap.raw, heap.mem, heap.object].flatMap(callsOf),
    () => heap.isPymallocAddress(8),
    () => heap.getAllocatedBlocks(),
    () => heap.stats(),
  ]);
}

/** All of it in this process. @param seed of the placement */
export async function measureJavaScript(seed: number): Promise<JavaScriptTimes> {
  place(callsOfHeaps(), seed);
  return {
    pair: await measurePairs(candidates()),
    churn: await measureChurn(candidates()),
    createHeap: measureCreateHeap(),
  };
}

export async function benchJavaScript(engine: Engine): Promise<JavaScriptResults> {
  const all = await inPlacements((seed) => engine.run(import.meta.url, measureJavaScript, seed));
  const spreads = <Name extends string>(of: (one: JavaScriptTimes) => Record<Name, number>) => {
    const names = Object.keys(of(all[0] as JavaScriptTimes)) as Name[];
    return recordOf(names, (name) => spreadOf(all.map((one) => of(one)[name])));
  };
  return {
    placements: PLACEMENTS,
    pair: spreads(({ pair }) => pair),
    churn: spreads(({ churn }) => churn),
    createHeap: spreads(({ createHeap }) => createHeap),
  };
}

/** What the candidates are called. */
const titles: Readonly<Record<string, string>> = {
  empty: "two calls of an empty export",
  pymalloc: "**pymalloc**",
  malloc: "our system malloc",
  thing: "@thi.ng/malloc",
};

export function renderJavaScript({ placements, pair, churn, createHeap }: JavaScriptResults) {
  const churns: Readonly<Record<string, string>> = {
    ...Object.fromEntries(Object.entries(churn).map(([name, spread]) => [name, times(spread)])),
    thing: ns(churn.thing.mean),
  };
  // Figures of an older version may be of others.
  const rows = Object.entries(pair).map(([name, spread]) => [
    titles[name] ?? name,
    times(spread),
    churns[name] ?? "",
  ]);
  return [
    table(
      ["malloc + free of 48 bytes, from JavaScript", "no other block", "10,000 live blocks"],
      rows,
    ),
    "",
    `The shortest of ${ROUNDS} rounds in turn; the mean and the range of ${placements} placements of the code. \`createHeap()\``,
    `takes ${createHeap.median.mean.toFixed(2)} ms (median; longest ${createHeap.longest.most.toFixed(2)} ms) in a process that made one before.`,
  ].join("\n");
}
