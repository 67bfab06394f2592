/** A trace, made ready to be played: blocks have slots instead of numbers, and slots are used again. */
import { replayLayout } from "../../src/generated/modules.js";
import { type EventChunk, Op } from "../trace/events.js";

/** The layout of modules/replay.ts. */
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

/** A list of words that grows. */
class Words {
  #words = new Uint32Array(1 << 16);
  #length = 0;

  push(first: number, second: number): void {
    if (this.#length + 2 > this.#words.length) {
      const longer = new Uint32Array(this.#words.length * 2);
      longer.set(this.#words);
      this.#words = longer;
    }
    this.#words[this.#length++] = first;
    this.#words[this.#length++] = second;
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
  const slots = new Map<number, number>();
  const sizes: number[] = [];
  const free: number[] = [];
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
      if (slot === undefined) {
        slot = free.pop() ?? made++;
        slots.set(block, slot);
      } else liveBytes -= sizes[slot] as number;
      words.push((op << KIND_SHIFT) | slot, size);
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
  for (const slot of slots.values()) cleanup.push((Op.free << KIND_SHIFT) | slot, 0);
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

/** The sizes of the blocks that are live after some events, by slot. */
export function sizesAfter({ words }: Tape, events: number): Map<number, number> {
  const sizes = new Map<number, number>();
  for (let at = 0; at < wordsOf(events); at += WORDS) {
    const first = words[at] as number;
    if (opOf(first) === Op.free) sizes.delete(slotOf(first));
    else sizes.set(slotOf(first), words[at + 1] as number);
  }
  return sizes;
}
