/** One way of keeping records, measured in this process, which does nothing else. */
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { randomNumbers } from "../random.js";
import { caches } from "./caches.js";
import { LONGEST, SHORTEST, stringStores } from "./strings.js";

/** Records in the cache, keys that are asked for, and how often one is. */
export const ENTRIES = 1_000_000;
const KEYS = 2_000_000;
export const OPERATIONS = 4_000_000;

/** Slots for byte strings. */
export const SLOTS = 500_000;

/** Operations between two looks at the clock. */
const BATCH = 1000;

export interface RecordsResult {
  /** CPU time of the process for each operation, its garbage collector's threads included, in nanoseconds. */
  readonly nanoseconds: number;
  /** What the resident set grew by, in bytes. */
  readonly residentBytes: number;
  /** The longest time that a thousand operations took, and the longest pause of the garbage collector, in milliseconds. */
  readonly longestBatch: number;
  readonly longestPause: number;
  /** All of the collector's pauses, in milliseconds. */
  readonly pauses: number;
  /** Milliseconds for a copy to another thread, where the pattern has one. */
  readonly copy?: number;
}

/** Whole numbers that are the same in each process: `count` of them, each made of a number from 0 to 1. */
function wholeNumbers(count: number, make: (random: number) => number): Uint32Array {
  const random = randomNumbers(1);
  return Uint32Array.from({ length: count }, () => make(random()));
}

interface Work {
  operation(at: number): void;
  copy?(): unknown;
}

/** What is asked for is made first; then the empty store, which is what is measured. */
type Prepare = (way: string) => () => Work;

/** Low keys are asked for more often than high ones: a little more than half are found. */
const prepareCache: Prepare = (way) => {
  const keys = wholeNumbers(OPERATIONS, (random) => random ** 2 * KEYS);
  return () => {
    const cache = caches[way as keyof typeof caches](ENTRIES);
    return {
      operation(at) {
        const key = keys[at] as number;
        const value = cache.get(key);
        if (value === undefined) cache.add(key, key >>> 1);
        else if (value !== key >>> 1) throw new Error(`${way}: key ${key} has ${value}`);
      },
      copy: () => cache.copy(),
    };
  };
};

/** Every other operation replaces a string by one of another length; short ones are more frequent. */
const prepareStrings: Prepare = (way) => {
  const source = Uint8Array.from({ length: LONGEST }, (_, at) => at);
  const slots = wholeNumbers(OPERATIONS, (random) => random * SLOTS);
  const lengths = wholeNumbers(OPERATIONS, (random) => {
    // Not the number that has chosen the slot, but its lower digits.
    const other = (random * 4096) % 1;
    return SHORTEST + other ** 3 * (LONGEST - SHORTEST);
  });
  return () => {
    const store = stringStores[way as keyof typeof stringStores](SLOTS);
    return {
      operation(at) {
        const slot = slots[at] as number;
        if (at % 2 === 0) store.replace(slot, source.subarray(0, lengths[at]));
        else if (store.read(slot) < 1) throw new Error(`${way}: slot ${slot} has no length`);
      },
    };
  };
};

const patterns = { cache: prepareCache, strings: prepareStrings } as const;

/** Collects all garbage. */
function collect(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/**
 * @param pattern `"cache"` or `"strings"`
 * @param way where the records lie: a name in `caches` or `stringStores`
 */
export async function measureRecords(pattern: string, way: string): Promise<RecordsResult> {
  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => {
    pauses.push(...list.getEntries().map(({ duration }) => duration));
  });
  const make = patterns[pattern as keyof typeof patterns](way);
  collect();
  await setTimeout(20);
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage.rss();
  const started = process.cpuUsage();
  const { operation, copy } = make();
  let longestBatch = 0;
  for (let at = 0; at < OPERATIONS; at += BATCH) {
    const batch = performance.now();
    for (let next = at; next < at + BATCH; next++) operation(next);
    longestBatch = Math.max(longestBatch, performance.now() - batch);
  }
  const { user, system } = process.cpuUsage(started);
  const residentBytes = process.memoryUsage.rss() - before;
  // The observer is told between turns of the event loop.
  await setTimeout(20);
  observer.disconnect();
  const copyStarted = performance.now();
  copy?.();
  return {
    nanoseconds: ((user + system) * 1000) / OPERATIONS,
    residentBytes,
    longestBatch,
    longestPause: Math.max(0, ...pauses),
    pauses: pauses.reduce((sum, pause) => sum + pause, 0),
    ...(copy ? { copy: performance.now() - copyStarted } : {}),
  };
}
