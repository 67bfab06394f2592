/** What a trace tells about a program, computed in one pass. */
import { type EventChunk, Op, type TraceSummary } from "./events.js";
import { CLASS_BYTES, classOf, LiveBlocks, SMALL_BYTES } from "./live.js";
import { NumberMap } from "./number-map.js";

/** Requests of `bytes` bytes. */
export interface SizeCount {
  readonly bytes: number;
  readonly requests: number;
}

/** Requests of `from` to `to` bytes, or blocks that lived for so many allocations. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export interface TraceStatistics {
  readonly events: Omit<TraceSummary, "peakLiveBytes" | "peakLiveBlocks">;
  readonly peak: { readonly bytes: number; readonly blocks: number };
  /** Mallocs, callocs and reallocs, and the sum of what they asked for. */
  readonly requests: { readonly count: number; readonly bytes: number };
  /** Shares of the requests, and of their bytes, that are of at most 512 bytes. */
  readonly small: { readonly requests: number; readonly bytes: number };
  /** Requests by size: classes of 8 bytes up to 512, then powers of two; those with none are left out. */
  readonly classes: readonly Range[];
  /** The sizes that were asked for, the most frequent first; at most 65,536 of them. */
  readonly sizes: readonly SizeCount[];
  /** Freed blocks by the number of allocations between birth and death: 0, 1 to 9, 10 to 99, ... */
  readonly lifetimes: readonly Range[];
  /** Blocks that were never freed. */
  readonly neverFreed: number;
  /**
   * Frees of the newest live block of its class of 8 bytes; blocks of more than 512 bytes are one class. A block
   * is new in its class when it was allocated, or when a realloc brought it there.
   */
  readonly lifo: { readonly frees: number; readonly share: number };
  /** Reallocs, their share of all events, and where they lead by size, rounded up to multiples of 8 bytes. */
  readonly reallocs: {
    readonly count: number;
    readonly share: number;
    readonly grow: number;
    readonly shrink: number;
    readonly keep: number;
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function powerOfTen(n: number): number {
  let power = 0;
  for (let limit = 1; n >= limit; limit *= 10) power++;
  return power;
}

/** So many sizes are listed. Nobody reads more, and a text of all that there can be would be beyond any string. */
const MOST_SIZES = 65536;

/** How often each size was asked for. */
class SizeCounts {
  /** Of the sizes below its length. */
  readonly #small = new Float64Array(65536);
  /** Of the others, by what they have beyond that. */
  readonly #large = new NumberMap();

  count(bytes: number): void {
    const beyond = bytes - this.#small.length;
    if (beyond < 0) this.#small[bytes] = (this.#small[bytes] as number) + 1;
    else this.#large.increment(beyond);
  }

  /** Calls it for each size, in no order. */
  each(use: (bytes: number, requests: number) => void): void {
    for (let bytes = 0; bytes < this.#small.length; bytes++) {
      const requests = this.#small[bytes] as number;
      if (requests > 0) use(bytes, requests);
    }
    this.#large.each((beyond, requests) => use(beyond + this.#small.length, requests));
  }

  /** The first `most` by frequency; of those that are as frequent, the smaller ones. */
  mostFrequent(most: number): SizeCount[] {
    let distinct = 0;
    this.each(() => distinct++);
    const counts = new Float64Array(distinct);
    let at = 0;
    this.each((_, requests) => {
      counts[at++] = requests;
    });
    counts.sort();
    // Those that are asked for more often than this are among the first, and as many of the others as there is room for.
    const least = counts.at(-most) ?? 0;
    const sizes: SizeCount[] = [];
    const others = new Uint32Array(distinct);
    let ties = 0;
    this.each((bytes, requests) => {
      if (requests > least) sizes.push({ bytes, requests });
      else if (requests === least) others[ties++] = bytes;
    });
    for (const bytes of others
      .subarray(0, ties)
      .sort()
      .subarray(0, most - sizes.length)) {
      sizes.push({ bytes, requests: least });
    }
    return sizes.sort((a, b) => b.requests - a.requests || a.bytes - b.bytes);
  }
}

/** Takes the events in and tells what they come to. They are expected to be possible, as a reader's are. */
export class StatisticsBuilder {
  readonly #live = new LiveBlocks();
  readonly #sizes = new SizeCounts();
  /** By the power of ten. */
  readonly #lifetimes: number[] = [];
  #blocks = 0;
  #lifo = 0;
  #grow = 0;
  #shrink = 0;

  add({ count, ops, blocks, sizes }: EventChunk): void {
    for (let i = 0; i < count; i++) {
      const op = ops[i] as number;
      const block = blocks[i] as number;
      const bytes = sizes[i] as number;
      if (op === Op.free) {
        // Blocks are numbered as they are allocated.
        const lifetime = powerOfTen(this.#blocks - 1 - block);
        this.#lifetimes[lifetime] = (this.#lifetimes[lifetime] ?? 0) + 1;
        if (this.#live.free(block)) this.#lifo++;
        continue;
      }
      this.#sizes.count(bytes);
      if (op === Op.realloc) {
        const change = classOf(bytes) - classOf(this.#live.reallocate(block, bytes));
        if (change > 0) this.#grow++;
        if (change < 0) this.#shrink++;
      } else {
        this.#live.allocate(block, bytes);
        this.#blocks++;
      }
    }
  }

  #classes(): Range[] {
    const ranges = new Map<number, { from: number; to: number; count: number }>();
    this.#sizes.each((bytes, requests) => {
      const small = bytes <= SMALL_BYTES;
      const to = small ? (classOf(bytes) + 1) * CLASS_BYTES : 2 ** (32 - Math.clz32(bytes - 1));
      const from = small ? to - CLASS_BYTES + 1 : to / 2 + 1;
      const range = ranges.get(to) ?? { from: from === 1 ? 0 : from, to, count: 0 };
      range.count += requests;
      ranges.set(to, range);
    });
    return [...ranges.values()].sort((a, b) => a.to - b.to);
  }

  /** @param summary of the same trace */
  finish(summary: TraceSummary): TraceStatistics {
    const { peakLiveBytes, peakLiveBlocks, ...events } = summary;
    const requests = { count: 0, bytes: 0 };
    const small = { count: 0, bytes: 0 };
    this.#sizes.each((bytes, times) => {
      for (const sum of bytes <= SMALL_BYTES ? [requests, small] : [requests]) {
        sum.count += times;
        sum.bytes += times * bytes;
      }
    });
    const { reallocs, frees } = events;
    return {
      events,
      peak: { bytes: peakLiveBytes, blocks: peakLiveBlocks },
      requests,
      small: {
        requests: share(small.count, requests.count),
        bytes: share(small.bytes, requests.bytes),
      },
      classes: this.#classes(),
      sizes: this.#sizes.mostFrequent(MOST_SIZES),
      lifetimes: Array.from(this.#lifetimes, (count = 0, power) => ({
        from: power === 0 ? 0 : 10 ** (power - 1),
        to: 10 ** power - 1,
        count,
      })),
      neverFreed: this.#live.count,
      lifo: { frees: this.#lifo, share: share(this.#lifo, frees) },
      reallocs: {
        count: reallocs,
        share: share(reallocs, events.events),
        grow: this.#grow,
        shrink: this.#shrink,
        keep: reallocs - this.#grow - this.#shrink,
      },
    };
  }
}
