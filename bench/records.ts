/** Many records in JavaScript objects, in typed arrays or in a heap: time, memory, and pauses. */
import { median, rotated } from "../measure/measure.js";
import { inProcess } from "./processes.js";
import { ENTRIES, OPERATIONS, type RecordsResult, SLOTS } from "./records/measure.js";

/** What is done, and where the records lie for it, in the order of the table. */
const patterns = {
  cache: {
    objects: "Map, linked JavaScript objects",
    columns: "typed arrays, a column a field",
    heap: "blocks of a heap, by `u32`",
    cursor: "blocks of a heap, by a cursor",
  },
  strings: {
    objects: "a Uint8Array each",
    buffers: "a Buffer each",
    columns: "one typed array, longest length each",
    heap: "blocks of a heap",
  },
} as const;

export type Pattern = keyof typeof patterns;

export interface RecordsResults {
  readonly rounds: number;
  readonly operations: number;
  /** Records in the cache, and slots for strings. */
  readonly entries: number;
  readonly slots: number;
  /** Medians of the rounds. */
  readonly patterns: Readonly<
    Record<Pattern, readonly (RecordsResult & { readonly title: string })[]>
  >;
}

function medianOf(results: readonly RecordsResult[]): RecordsResult {
  const of = (key: keyof RecordsResult) => median(results.map((result) => result[key] ?? 0));
  const copies = results.some(({ copy }) => copy !== undefined);
  return {
    nanoseconds: of("nanoseconds"),
    residentBytes: of("residentBytes"),
    longestBatch: of("longestBatch"),
    longestPause: of("longestPause"),
    pauses: of("pauses"),
    ...(copies ? { copy: of("copy") } : {}),
  };
}

async function benchPattern(pattern: Pattern, rounds: number) {
  const ways = Object.entries(patterns[pattern]);
  const results = new Map(ways.map(([way]) => [way, [] as RecordsResult[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [way] of rotated(ways, round)) {
      const result = await inProcess<RecordsResult>("records-process.ts", [pattern, way]);
      results.get(way)?.push(result);
    }
  }
  return ways.map(([way, title]) => ({ title, ...medianOf(results.get(way) ?? []) }));
}

/** Each way in a process of its own, in turn. */
export async function benchRecords(rounds: number): Promise<RecordsResults> {
  return {
    rounds,
    operations: OPERATIONS,
    entries: ENTRIES,
    slots: SLOTS,
    patterns: {
      cache: await benchPattern("cache", rounds),
      strings: await benchPattern("strings", rounds),
    },
  };
}
