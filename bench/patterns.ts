/** Patterns of requests that are no program's, some of which nobody tunes for: the same call again and again. */
import { makeContestants, makeTape, replay, type Tape } from "../measure/measure.js";
import { Op } from "../trace/trace.js";
import type { Engine } from "./engines.js";
import { recordOf } from "./paired.js";
import { inPlacements, PLACEMENTS, placeContestants, type Spread, spreadOf } from "./placements.js";
import { randomNumbers, shuffled } from "./random.js";
import { ratios, table, times } from "./table.js";

const ROUNDS = 9;
/** Events of each pattern, about. */
const EVENTS = 200_000;

/** Calls that are noted down, and played later. */
class Calls {
  readonly #ops: number[] = [];
  readonly #blocks: number[] = [];
  readonly #sizes: number[] = [];
  #made = 0;

  /** @returns the block's number */
  malloc(bytes: number): number {
    this.#note(Op.malloc, this.#made, bytes);
    return this.#made++;
  }

  free(block: number): void {
    this.#note(Op.free, block, 0);
  }

  #note(op: number, block: number, bytes: number): void {
    this.#ops.push(op);
    this.#blocks.push(block);
    this.#sizes.push(bytes);
  }

  tape(): Promise<Tape> {
    const ops = Uint8Array.from(this.#ops);
    const blocks = Uint32Array.from(this.#blocks);
    const sizes = Uint32Array.from(this.#sizes);
    return makeTape([{ count: ops.length, ops, blocks, sizes }]);
  }
}

type SizeOf = (at: number) => number;

/** 16 to 72 bytes, in turn. */
const eightSizes: SizeOf = (at) => 16 + 8 * (at % 8);

/** So many blocks are made and then freed, again and again. */
function inRows(calls: Calls, count: number, size: SizeOf, order: "first" | "last"): void {
  for (let events = 0; events < EVENTS; events += 2 * count) {
    const blocks = Array.from({ length: count }, (_, at) => calls.malloc(size(at)));
    for (const block of order === "first" ? blocks : blocks.reverse()) calls.free(block);
  }
}

/** So many blocks live; any of them is freed, and a new one made. */
function atRandom(calls: Calls, count: number, size: SizeOf): void {
  const random = randomNumbers(1);
  const blocks = Array.from({ length: count }, (_, at) => calls.malloc(size(at)));
  for (let events = 0; events < EVENTS; events += 2) {
    const at = Math.floor(random() * count);
    calls.free(blocks[at] as number);
    blocks[at] = calls.malloc(size(Math.floor(random() * 8)));
  }
}

/** So many blocks of 16 to 512 bytes live; the oldest is freed for each new one. */
function inQueue(calls: Calls, count: number): void {
  const random = randomNumbers(1);
  const queue: number[] = [];
  for (let events = 0; events < EVENTS; events += 2) {
    queue.push(calls.malloc(16 + Math.floor(random() * 497)));
    if (queue.length > count) calls.free(queue.shift() as number);
  }
}

/** So many blocks of 16 to 64 bytes, which all live before they are freed in any order. */
function buildUp(calls: Calls, count: number): void {
  const random = randomNumbers(1);
  const blocks = Array.from({ length: count }, () => calls.malloc(16 + Math.floor(random() * 49)));
  for (const block of shuffled(blocks, random)) calls.free(block);
}

const patterns: Readonly<Record<string, (calls: Calls) => void>> = {
  "a pair of 48 bytes": (calls) => inRows(calls, 1, () => 48, "first"),
  "pairs of eight sizes": (calls) => {
    for (let at = 0; at < EVENTS / 2; at++) calls.free(calls.malloc(eightSizes(at)));
  },
  "64 of 48 bytes, last first": (calls) => inRows(calls, 64, () => 48, "last"),
  "64 of 48 bytes, first first": (calls) => inRows(calls, 64, () => 48, "first"),
  "64 of eight sizes, first first": (calls) => inRows(calls, 64, eightSizes, "first"),
  "1,000 of 32 bytes, first first": (calls) => inRows(calls, 1000, () => 32, "first"),
  "random among 1,000 of 32 bytes": (calls) => atRandom(calls, 1000, () => 32),
  "random among 10,000 of 32 bytes": (calls) => atRandom(calls, 10_000, () => 32),
  "random among 1,000 of eight sizes": (calls) => atRandom(calls, 1000, eightSizes),
  "a queue of 5,000 of 16 to 512 bytes": (calls) => inQueue(calls, 5000),
  "100,000 of 16 to 64 bytes, freed at random": (calls) => buildUp(calls, 100_000),
};

/** In the order of the table; the floor allocates nothing. */
const COMPARED = ["floor", "dlmalloc", "pymalloc", "mimalloc"] as const;
const BASE = "dlmalloc";

type Allocator = (typeof COMPARED)[number];

export interface PatternsResults {
  readonly placements: number;
  /** In each placement; of them the shortest counts. */
  readonly rounds: number;
  readonly patterns: readonly {
    readonly name: string;
    /** Of an event. */
    readonly nanoseconds: Readonly<Record<Allocator, Spread>>;
    /** Of pymalloc's time to dlmalloc's. */
    readonly ratio: Spread;
  }[];
}

/** Plays all patterns in this process: nanoseconds an event. @param seed of the placement */
export async function playPatterns(seed: number): Promise<Record<Allocator, number>[]> {
  const contestants = await makeContestants(COMPARED);
  placeContestants(Object.values(contestants), seed);
  const played: Record<Allocator, number>[] = [];
  for (const note of Object.values(patterns)) {
    const calls = new Calls();
    note(calls);
    const options = { contestants, base: BASE, rounds: ROUNDS, freshRounds: 1, step() {} };
    const results = replay(await calls.tape(), options);
    played.push(
      recordOf(COMPARED, (name) => results[COMPARED.indexOf(name)]?.warm.min ?? Number.NaN),
    );
  }
  return played;
}

export async function benchPatterns(engine: Engine): Promise<PatternsResults> {
  const played = await inPlacements((seed) => engine.run(import.meta.url, playPatterns, seed));
  return {
    placements: PLACEMENTS,
    rounds: ROUNDS,
    patterns: Object.keys(patterns).map((name, at) => {
      const all = played.map((process) => process[at] as Record<Allocator, number>);
      return {
        name,
        nanoseconds: recordOf(COMPARED, (allocator) => spreadOf(all.map((one) => one[allocator]))),
        ratio: spreadOf(all.map(({ pymalloc, dlmalloc }) => pymalloc / dlmalloc)),
      };
    }),
  };
}

export function renderPatterns({ placements, rounds, patterns }: PatternsResults): string {
  const rows = patterns.map(({ name, nanoseconds, ratio }) => [
    name,
    ...COMPARED.map((allocator) => times(nanoseconds[allocator])),
    ratios(ratio),
  ]);
  return [
    table(["an event of", ...COMPARED, "pymalloc / dlmalloc"], rows),
    "",
    `\`bench/patterns.ts\`, with ${placements} placements of the code: in each the shortest of ${rounds} rounds in turn, over used memory;`,
    "shown are the mean and the range of the placements. The floor is the time of the replay itself, without an allocator.",
  ].join("\n");
}
