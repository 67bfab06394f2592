/** What a call from JavaScript costs: against empty exports, and against @thi.ng/malloc. */
import { MemPool } from "@thi.ng/malloc";
import { createHeap } from "../src/index.js";
import type * as Loop from "./loop.js";
import type { Pair } from "./loop.js";
import { pairedRatio, timePaired } from "./paired.js";

/** (module (func (export "malloc") (param i32) (result i32) local.get 0) (func (export "free") (param i32))) */
const EMPTY_EXPORTS = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 10, 2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 0, 3, 3, 2,
  0, 1, 7, 17, 2, 6, 0x6d, 0x61, 0x6c, 0x6c, 0x6f, 0x63, 0, 0, 4, 0x66, 0x72, 0x65, 0x65, 0, 1, 10,
  9, 2, 4, 0, 0x20, 0, 0x0b, 2, 0, 0x0b,
]);

export interface JavaScriptResults {
  /** Nanoseconds of a pair of malloc and free of 48 bytes, shortest round. */
  readonly pair: Record<"empty" | "pymalloc" | "tlsf" | "thing", number>;
  /** Median, over the rounds, of the pair's time against two empty exports. */
  readonly pairRatio: number;
  /** The same with 10,000 live blocks, freed and made anew in random order. */
  readonly churn: Record<"pymalloc" | "tlsf" | "thing", number>;
  /** How many times longer @thi.ng/malloc takes there. */
  readonly thingRatio: number;
  /** Milliseconds of createHeap() in a process that made one before: median and longest. */
  readonly createHeap: { readonly median: number; readonly longest: number };
}

const BYTES = 48;
const LIVE = 10_000;
const ROUNDS = 25;
const PAIRS = 500_000;
const CHURNS = 100_000;
const THING_CHURNS = 2_000;

async function loopOf(name: string): Promise<typeof Loop> {
  return await import(`./loop.ts?${name}`);
}

function candidates() {
  const heap = createHeap({ malloc: "pymalloc" });
  const plain = createHeap({ malloc: "malloc" });
  const thing = new MemPool({ buf: new ArrayBuffer(1 << 24) });
  const empty = new WebAssembly.Instance(new WebAssembly.Module(EMPTY_EXPORTS)).exports;
  return {
    empty: empty as unknown as Pair,
    pymalloc: heap.object,
    tlsf: plain.object,
    thing: { malloc: (bytes: number) => thing.malloc(bytes), free: (p: number) => thing.free(p) },
  };
}

/** Places that a program with a heap of its age would free: the same for all candidates. */
function picks(): Uint32Array {
  let state = 1;
  return Uint32Array.from({ length: 1 << 16 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * LIVE);
  });
}

function perCall(milliseconds: number, calls: number): number {
  return (milliseconds * 1e6) / calls;
}

async function measurePairs(): Promise<Pick<JavaScriptResults, "pair" | "pairRatio">> {
  const all = candidates();
  const work = async (name: keyof typeof all) => {
    const { pairs } = await loopOf(`pairs-${name}`);
    return () => void pairs(all[name], BYTES, PAIRS);
  };
  const times = timePaired(
    {
      empty: await work("empty"),
      pymalloc: await work("pymalloc"),
      tlsf: await work("tlsf"),
      thing: await work("thing"),
    },
    ROUNDS,
  );
  return {
    pair: {
      empty: perCall(times.empty.min, PAIRS),
      pymalloc: perCall(times.pymalloc.min, PAIRS),
      tlsf: perCall(times.tlsf.min, PAIRS),
      thing: perCall(times.thing.min, PAIRS),
    },
    pairRatio: pairedRatio(times.pymalloc.samples, times.empty.samples),
  };
}

async function measureChurn(): Promise<Pick<JavaScriptResults, "churn" | "thingRatio">> {
  const { pymalloc, tlsf, thing } = candidates();
  const places = picks();
  const work = async (name: string, pair: Pair, times: number) => {
    const { churn } = await loopOf(`churn-${name}`);
    const live = Int32Array.from({ length: LIVE }, () => pair.malloc(BYTES));
    return () => churn(pair, live, places, BYTES, times);
  };
  const times = timePaired(
    {
      pymalloc: await work("pymalloc", pymalloc, CHURNS),
      tlsf: await work("tlsf", tlsf, CHURNS),
      thing: await work("thing", thing, THING_CHURNS),
    },
    ROUNDS,
  );
  const scale = CHURNS / THING_CHURNS;
  return {
    churn: {
      pymalloc: perCall(times.pymalloc.min, CHURNS),
      tlsf: perCall(times.tlsf.min, CHURNS),
      thing: perCall(times.thing.min, THING_CHURNS),
    },
    thingRatio: pairedRatio(times.thing.samples, times.pymalloc.samples) * scale,
  };
}

function measureCreateHeap(): JavaScriptResults["createHeap"] {
  const times = Array.from({ length: 41 }, () => {
    const started = performance.now();
    createHeap();
    return performance.now() - started;
  }).slice(1);
  const sorted = times.sort((a, b) => a - b);
  return { median: sorted[20] as number, longest: sorted[39] as number };
}

export async function benchJavaScript(): Promise<JavaScriptResults> {
  return { ...(await measurePairs()), ...(await measureChurn()), createHeap: measureCreateHeap() };
}
