/** Plays a tape on several allocators in turn, and measures. */

import { instantiate, wordsAt } from "../base/base.js";
import type { HeapStats } from "../src/report/report.js";
import type { Contestant, Field } from "./contestants.js";
import { median, rotated } from "./paired.js";
import { eventsIn, sizesAfter, type Tape, wordsOf } from "./tape.js";

/** Events that are in the memory at a time. */
const WINDOW = 1 << 18;

/**
 * The heaps of the passes over untouched memory begin at different addresses, so many bytes apart: where a large
 * block or an arena finds room depends on that by luck, and the median of some is not luck.
 */
const APART = 5008;

interface Player {
  replay(tape: number, events: number, slots: number): number;
}

/** Times in nanoseconds per event. */
export interface Times {
  readonly min: number;
  readonly median: number;
  /** The shortest round against that of the allocator that all are compared with. */
  readonly ratio: number;
}

/** Where the bytes are at the moment of the most live bytes. The parts sum to `taken`. */
export interface Breakdown {
  readonly requested: number;
  readonly roundingUp: number;
  readonly freeBlocks: number;
  readonly poolHeaders: number;
  readonly poolTails: number;
  readonly unusedPools: number;
  readonly arenaAlignment: number;
  /** Large blocks' headers, holes, tables: what the system malloc has beyond the requests. */
  readonly systemMalloc: number;
  readonly taken: number;
}

export interface ReplayResult {
  readonly allocator: string;
  readonly title: string;
  /** Over memory that was used before, and the first time over an untouched memory. */
  readonly warm: Times;
  readonly fresh: Times;
  /** Bytes taken from the memory in one pass (median of the untouched ones), and that against the most live bytes. */
  readonly takenBytes: number;
  readonly perLiveByte: number;
  /** Requests that got no memory. */
  readonly failures: number;
  readonly breakdown?: Breakdown;
}

/** A tape in a field, ready to be played. */
class Stage {
  readonly #field: Field;
  readonly #tape: Tape;
  readonly #player: Player;
  readonly #slots: number;
  failures = 0;

  /** @param shift so many bytes more lie below the heap */
  constructor(contestant: Contestant, tape: Tape, shift = 0) {
    const window = 4 * wordsOf(Math.min(WINDOW, tape.events));
    this.#field = contestant.fresh(window + 4 * tape.slots + shift);
    this.#tape = tape;
    this.#slots = this.#field.tape + window;
    const { memory, functions } = this.#field;
    const { malloc, calloc, realloc, free } = functions;
    const host = { malloc, calloc, realloc, free };
    this.#player = instantiate("replay", {
      env: { memory },
      replay: host,
    }) as unknown as Player;
  }

  /** Plays some words; nanoseconds, without the time that it takes to bring them there. */
  #play(words: Uint32Array): number {
    const { memory, tape } = this.#field;
    let elapsed = 0;
    for (let at = 0; at < words.length; at += wordsOf(WINDOW)) {
      const window = words.subarray(at, at + wordsOf(WINDOW));
      wordsAt(memory, tape, window.length).set(window);
      const started = performance.now();
      this.failures += this.#player.replay(tape, eventsIn(window), this.#slots);
      elapsed += performance.now() - started;
    }
    return elapsed * 1e6;
  }

  /** One pass; nanoseconds per event. Afterwards everything is freed, off the clock. */
  pass(): number {
    const { words, cleanup, events } = this.#tape;
    const elapsed = this.#play(words);
    this.#play(cleanup);
    return elapsed / events;
  }

  taken(): number {
    return this.#field.taken();
  }

  /** Plays up to the moment of the most live bytes, and looks where the bytes are. */
  breakdown(): Breakdown | undefined {
    const { books, memory } = this.#field;
    if (books === undefined) return undefined;
    const { peak, words } = this.#tape;
    this.#play(words.subarray(0, wordsOf(peak.events)));
    const addresses = wordsAt(memory, this.#slots, this.#tape.slots);
    let pooled = 0;
    for (const [slot, size] of sizesAfter(this.#tape, peak.events)) {
      if (books.inPool(addresses[slot] as number)) pooled += size;
    }
    return breakdownOf(peak.bytes, pooled, books.stats(), this.taken());
  }
}

/** @param pooled of the bytes that were asked for, those in pools */
function breakdownOf(
  requested: number,
  pooled: number,
  { bytes, arenas }: HeapStats,
  taken: number,
): Breakdown {
  return {
    requested,
    roundingUp: bytes.inUse - pooled,
    freeBlocks: bytes.available,
    poolHeaders: bytes.poolHeaders,
    poolTails: bytes.quantization,
    unusedPools: bytes.unusedPools,
    arenaAlignment: bytes.arenaAlignment,
    systemMalloc: taken - arenas.current * arenas.size - (requested - pooled),
    taken,
  };
}

function timesOf(rounds: readonly number[], base: readonly number[]): Times {
  const min = Math.min(...rounds);
  return { min, median: median(rounds), ratio: min / Math.min(...base) };
}

export interface ReplayOptions {
  readonly contestants: Readonly<Record<string, Contestant>>;
  /** The one that the others are compared with. */
  readonly base: string;
  readonly rounds: number;
  /** Rounds over untouched memories. */
  readonly freshRounds: number;
  readonly step: (what: string) => void;
}

/** Plays the tape in rounds, with another allocator first in each. */
export function replay(tape: Tape, options: ReplayOptions): ReplayResult[] {
  const { contestants, base, rounds, freshRounds, step } = options;
  const names = Object.keys(contestants);
  const entries = names.map((name) => ({
    name,
    contestant: contestants[name] as Contestant,
    fresh: [] as number[],
    warm: [] as number[],
    taken: [] as number[],
    stage: undefined as Stage | undefined,
  }));
  // The first pass of all is the compiler's: it does not count, wherever it is.
  for (let round = -1; round < freshRounds; round++) {
    for (const entry of rotated(entries, Math.max(round, 0))) {
      step(`untouched memory, round ${round + 1}: ${entry.name}`);
      entry.stage = new Stage(entry.contestant, tape, (round + 1) * APART);
      const time = entry.stage.pass();
      entry.taken.push(entry.stage.taken());
      if (round >= 0) entry.fresh.push(time);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const entry of rotated(entries, round)) {
      step(`round ${round + 1} of ${rounds}: ${entry.name}`);
      entry.warm.push((entry.stage as Stage).pass());
    }
  }
  const reference = entries.find(({ name }) => name === base) as (typeof entries)[number];
  return entries.map(({ name, contestant, fresh, warm, taken, stage }) => {
    const breakdown = new Stage(contestant, tape).breakdown();
    const takenBytes = median(taken);
    return {
      allocator: name,
      title: contestant.title,
      warm: timesOf(warm, reference.warm),
      fresh: timesOf(fresh, reference.fresh),
      takenBytes,
      perLiveByte: takenBytes / tape.peak.bytes,
      failures: (stage as Stage).failures,
      ...(breakdown === undefined ? {} : { breakdown }),
    };
  });
}
