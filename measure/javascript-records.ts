/** @thi.ng/malloc, which is JavaScript: the same loop there, on the beginning of a trace only. */
import { pathToFileURL } from "node:url";
import type { Domain } from "../base/base.js";
import { findFile } from "../interpreter/interpreter.js";
import { Op } from "../trace/trace.js";
import type { Contestant } from "./contestants.js";
import { median } from "./paired.js";
import { eventsIn, opOf, slotOf, type Tape, wordsOf } from "./tape.js";

/** Each of its frees walks over the blocks in use: more events would take minutes. */
export const SHORTENED = 20_000;

interface Pool {
  malloc(bytes: number): number;
  calloc(bytes: number): number;
  realloc(p: number, bytes: number): number;
  free(p: number): boolean;
}

interface PoolModule {
  readonly MemPool: new (options: { buf: ArrayBuffer }) => Pool;
}

export interface JavaScriptResult {
  readonly allocator: string;
  readonly events: number;
  /** Nanoseconds per event, called from JavaScript: of the shortest round, and median. */
  readonly min: number;
  readonly median: number;
  /** The same for the allocator that all are compared with, and the ratio of the shortest rounds. */
  readonly baseMin: number;
  readonly ratio: number;
}

/** The replay's loop. It writes into the first and the last word of a block, as that one does. */
function play({ words, slots }: Tape, functions: Domain, memory: () => Uint32Array): number {
  const addresses = new Uint32Array(slots);
  const started = performance.now();
  for (let at = 0; at < words.length; at += wordsOf(1)) {
    const first = words[at] as number;
    const bytes = words[at + 1] as number;
    const slot = slotOf(first);
    const op = opOf(first);
    if (op === Op.free) {
      functions.free(addresses[slot] as number);
      continue;
    }
    const old = addresses[slot] as number;
    const p =
      op === Op.malloc
        ? functions.malloc(bytes)
        : op === Op.calloc
          ? functions.calloc(1, bytes)
          : functions.realloc(old, bytes);
    addresses[slot] = p;
    if (bytes >= 4 && p !== 0) {
      const view = memory();
      view[p >>> 2] = p;
      view[(p + bytes - 4) >>> 2] = p;
    }
  }
  return ((performance.now() - started) * 1e6) / eventsIn(words);
}

/** Compares it with `base` in turn; undefined where it is not installed. */
export async function replayThing(
  tape: Tape,
  base: Contestant,
  rounds: number,
): Promise<JavaScriptResult | undefined> {
  const file = findFile("@thi.ng/malloc");
  if (file === undefined) return undefined;
  const { MemPool } = (await import(pathToFileURL(file).href)) as PoolModule;
  const times: number[] = [];
  const baseTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const buffer = new ArrayBuffer(1 << 26);
    const pool = new MemPool({ buf: buffer });
    const view = new Uint32Array(buffer);
    const functions: Domain = {
      malloc: (bytes) => pool.malloc(bytes),
      calloc: (count, size) => pool.calloc(count * size),
      realloc: (p, bytes) => pool.realloc(p, bytes),
      free: (p) => void pool.free(p),
    };
    const { memory, functions: theirs } = base.fresh(0);
    let words = new Uint32Array(memory.buffer);
    const current = () => {
      if (words.length === 0) words = new Uint32Array(memory.buffer);
      return words;
    };
    baseTimes.push(play(tape, theirs, current));
    times.push(play(tape, functions, () => view));
  }
  const [min, baseMin] = [Math.min(...times), Math.min(...baseTimes)];
  return {
    allocator: "thing",
    events: tape.events,
    min,
    median: median(times),
    baseMin,
    ratio: min / baseMin,
  };
}
