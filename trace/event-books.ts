/** The books of a sequence of events: what it adds up to, and whether it can have happened. */
import { type EventChunk, Op, type TraceSummary } from "./events.js";
import { DamageError } from "./format.js";
import { longer, Places } from "./places.js";

/** Blocks have numbers below this one. */
const MAX_BLOCKS = 2 ** 32 - 1;

/** Grows with the live blocks only. */
export class Books {
  readonly #live = new Places();
  /** By place: how long the block is. */
  #sizes = new Uint32Array(1024);
  readonly #counts = [0, 0, 0, 0];
  #events = 0;
  #liveBytes = 0;
  #peakLiveBytes = 0;
  #peakLiveBlocks = 0;

  /** Blocks that were allocated so far; the next one's number. */
  get blocks(): number {
    return (this.#counts[Op.malloc] as number) + (this.#counts[Op.calloc] as number);
  }

  /** @throws DamageError at an event that can't come next; what is before it is booked */
  add({ count, ops, blocks, sizes }: EventChunk): void {
    for (let i = 0; i < count; i++) {
      const op = ops[i] as number;
      const block = blocks[i] as number;
      const size = sizes[i] as number;
      if (op >= Op.realloc) {
        const place = this.#live.find(block);
        if (place === 0) throw this.#impossible(op, block);
        this.#liveBytes -= this.#sizes[place] as number;
        if (op === Op.free) this.#live.release(block);
        else this.#sizes[place] = size;
      } else if (block !== this.blocks || block >= MAX_BLOCKS) {
        throw this.#impossible(op, block);
      } else {
        const place = this.#live.take(block);
        while (this.#live.limit > this.#sizes.length) this.#sizes = longer(this.#sizes);
        this.#sizes[place] = size;
      }
      if (op !== Op.free) this.#liveBytes += size;
      if (this.#liveBytes > this.#peakLiveBytes) this.#peakLiveBytes = this.#liveBytes;
      if (this.#live.size > this.#peakLiveBlocks) this.#peakLiveBlocks = this.#live.size;
      this.#counts[op] = (this.#counts[op] as number) + 1;
      this.#events++;
    }
  }

  #impossible(op: number, block: number): DamageError {
    const name = Object.keys(Op)[op];
    const why =
      op < Op.realloc
        ? `the next block is ${this.blocks}`
        : block < this.blocks
          ? "which was freed before"
          : "which was never allocated";
    return new DamageError(
      `event ${this.#events} is impossible: ${name} of block ${block}, ${why}`,
    );
  }

  summary(): TraceSummary {
    const [mallocs = 0, callocs = 0, reallocs = 0, frees = 0] = this.#counts;
    return {
      events: this.#events,
      mallocs,
      callocs,
      reallocs,
      frees,
      peakLiveBytes: this.#peakLiveBytes,
      peakLiveBlocks: this.#peakLiveBlocks,
    };
  }
}
