/** Many records in JavaScript objects, in typed arrays or in a heap: time, memory, and pauses. */
import { median, rotated } from "../measure/measure.js";
import { megabytes, whole } from "../process/process.js";
import type { Engine } from "./engines.js";
import {
  ENTRIES,
  measureRecords,
  OPERATIONS,
  type RecordsResult,
  SLOTS,
} from "./records/measure.js";
import { table } from "./table.js";

const ROUNDS = 5;

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

type Pattern = keyof typeof patterns;

export interface RecordsResults {
  readonly rounds: number;
  readonly operations: number;
  /** Records in the cache, and slots for strings. */
  readonly entries: number;
  readonly slots: number;
  readonly patterns: Readonly<
    Record<Pattern, readonly (RecordsResult & { readonly title: string })[]>
  >;
}

/** The memory in the middle of the rounds, and the least of each time: what else the machine does only adds to them. */
function resultOf(rounds: readonly RecordsResult[]): RecordsResult {
  const least = (key: keyof RecordsResult) => Math.min(...rounds.map((round) => round[key] ?? 0));
  const copies = rounds.every(({ copy }) => copy !== undefined);
  return {
    nanoseconds: least("nanoseconds"),
    residentBytes: median(rounds.map(({ residentBytes }) => residentBytes)),
    longestBatch: least("longestBatch"),
    longestPause: least("longestPause"),
    pauses: least("pauses"),
    ...(copies ? { copy: least("copy") } : {}),
  };
}

async function benchPattern(engine: Engine, pattern: Pattern) {
  const file = new URL("records/measure.ts", import.meta.url).href;
  const ways = Object.entries(patterns[pattern]);
  const results = new Map(ways.map(([way]) => [way, [] as RecordsResult[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way] of rotated(ways, round)) {
      results.get(way)?.push(await engine.run(file, measureRecords, pattern, way));
    }
  }
  return ways.map(([way, title]) => ({ title, ...resultOf(results.get(way) ?? []) }));
}

/** Each way in a process of its own, in turn. */
export async function benchRecords(engine: Engine): Promise<RecordsResults> {
  return {
    rounds: ROUNDS,
    operations: OPERATIONS,
    entries: ENTRIES,
    slots: SLOTS,
    patterns: {
      cache: await benchPattern(engine, "cache"),
      strings: await benchPattern(engine, "strings"),
    },
  };
}

export function renderRecords({
  rounds,
  operations,
  entries,
  slots,
  patterns,
}: RecordsResults): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const tableOf = (pattern: Pattern, name: string, hasCopy: boolean) =>
    table(
      [
        ...[name, "CPU an operation", "memory", "longest stall", "longest pause", "all pauses"],
        ...(hasCopy ? ["copy"] : []),
      ],
      patterns[pattern].map((result) => [
        result.title,
        `${result.nanoseconds.toFixed(0)} ns`,
        megabytes(result.residentBytes, 0),
        ...[result.longestBatch, result.longestPause, result.pauses].map(ms),
        ...(hasCopy ? [ms(result.copy ?? 0)] : []),
      ]),
    );
  return [
    tableOf("cache", `cache of ${whole(entries)} records`, true),
    "",
    tableOf("strings", `${whole(slots)} byte strings, 8 to 400 long`, false),
    "",
    `${whole(operations)} operations on what is empty at first, each line in processes of its own, ${rounds} rounds in turn.`,
    "Above: when the cache is full, the record that was not used for the longest time goes.",
    "Below: every other operation replaces a string by one of another length.",
    "Times are the shortest of the rounds. CPU: with the garbage collector's threads. Memory: what the resident set",
    "grew by (median). Longest stall: the longest that a thousand operations took. Pauses: the garbage collector's.",
    "Copy: of everything, for another thread.",
  ].join("\n");
}
