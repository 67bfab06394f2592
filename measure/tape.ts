/** A trace, made ready to be played: blocks have slots instead of numbers, and slots are used again. */
import { replayLayout } from "../base/base.js";
import { type EventChunk, longer, NumberMap, Op } from "../trace/trace.js";

/** The layout of measure/wasm/replay.ts. */
const { KIND_SHIFT, EVENT_SIZE } = replayLayout;
const WORDS = EVENT_SIZE / 4;

/** The `Op` in an event's first word, and the slot. */
export const opOf = (first: number) => first >>> KIND_SHIFT;
export const slotOf = (first: number) => first & ((1 << KIND_SHIFT) - 1);

export interface Tape {
  readonly events: number;
  /** Two words for each event. */
  readonly words: Uint32Array;
  /** The frees of what is live at the end, so that it can be played again. */
  readonly cleanup: Uint32Array;
  readonly slots: number;
  readonly peak: Peak;
}

/** The moment at which the live blocks have the most bytes. */
export interface Peak {
  /** So many events have happened. */
  readonly events: number;
  readonly bytes: number;
  readonly blocks: number;
}

/** A list of words that grows; there may be more of them than an array or a Map can have. */
class Words {
  #words = new Uint32Array(1024);
  #length = 0;

  push(word: number): void {
    if (this.#length === this.#words.length) this.#words = longer(this.#words);
    this.#words[this.#length++] = word;
  }

  pop(): number | undefined {
    return this.#length === 0 ? undefined : this.#words[--this.#length];
  }

  take(): Uint32Array {
    return this.#words.subarray(0, this.#length);
  }
}

/** Holds the whole trace in memory: 8 bytes an event. @param limit so many events at most */
export async function makeTape(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Tape> {
  const words = new Words();
  /** Of the live blocks, by their numbers. */
  const slots = new NumberMap();
  /** By slot. */
  let sizes = new Uint32Array(1024);
  const free = new Words();
  let made = 0;
  let events = 0;
  let liveBytes = 0;
  let peak: Peak = { events: 0, bytes: 0, blocks: 0 };

  for await (const { count, ops, blocks, sizes: requests } of chunks) {
    for (let i = 0; i < count && events < limit; i++) {
      const op = ops[i] as number;
      const block = blocks[i] as number;
      const size = requests[i] as number;
      let slot = slots.get(block);
      if (slot === -1) {
        slot = free.pop() ?? made++;
        while (made > sizes.length) sizes = longer(sizes);
        slots.set(block, slot);
      } else liveBytes -= sizes[slot] as number;
      words.push((op << KIND_SHIFT) | slot);
      words.push(size);
      events++;
      if (op === Op.free) {
        slots.delete(block);
        free.push(slot);
      } else {
        sizes[slot] = size;
        liveBytes += size;
        if (liveBytes > peak.bytes) peak = { events, bytes: liveBytes, blocks: slots.size };
      }
    }
    if (events >= limit) break;
  }

  const cleanup = new Words();
  slots.each((_, slot) => {
    cleanup.push((Op.free << KIND_SHIFT) | slot);
    cleanup.push(0);
  });
  return { events, words: words.take(), cleanup: cleanup.take(), slots: made, peak };
}

/** The words of so many events. */
export function wordsOf(events: number): number {
  return events * WORDS;
}

/** Events in some words of a tape. */
export function eventsIn(words: Uint32Array): number {
  return words.length / WORDS;
}

/** The blocks that are live after some events: their slots and their sizes. */
export function* sizesAfter(
  { words, slots }: Tape,
  events: number,
): Generator<[slot: number, size: number]> {
  const sizes = new Uint32Array(slots);
  const live = new Uint8Array(slots);
  for (let at = 0; at < wordsOf(events); at += WORDS) {
    const first = words[at] as number;
    const slot = slotOf(first);
    live[slot] = opOf(first) === Op.free ? 0 : 1;
    sizes[slot] = words[at + 1] as number;
  }
  for (let slot = 0; slot < slots; slot++) if (live[slot]) yield [slot, sizes[slot] as number];
}
