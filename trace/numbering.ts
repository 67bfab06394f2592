/** From notes with addresses, as trace/recorder.ts takes them, to events with block numbers. */
import { type EventChunk, Op } from "./events.js";
import { NumberMap } from "./number-map.js";

const NOTE_WORDS = 4;

/**
 * Gives each block its number. Blocks from before the first note are nobody's: their frees are left out, and a
 * realloc of one brings a new block, as a malloc would.
 */
export class Numbering {
  /** Live blocks: address to number. */
  readonly #numbers = new NumberMap();
  #next = 0;

  /** The events of these notes. */
  number(notes: Uint32Array): EventChunk {
    const limit = notes.length / NOTE_WORDS;
    const ops = new Uint8Array(limit);
    const blocks = new Uint32Array(limit);
    const sizes = new Uint32Array(limit);
    let count = 0;
    for (let at = 0; at < notes.length; at += NOTE_WORDS) {
      let op = notes[at] as number;
      const passed = notes[at + 2] as number;
      const returned = notes[at + 3] as number;
      let block = passed === 0 ? -1 : this.#numbers.delete(passed);
      if (block === -1) {
        if (op === Op.free) continue;
        if (op === Op.realloc) op = Op.malloc;
        block = this.#next++;
      }
      if (op !== Op.free) this.#numbers.set(returned, block);
      ops[count] = op;
      blocks[count] = block;
      sizes[count] = notes[at + 1] as number;
      count++;
    }
    const columns = [ops, blocks, sizes].map((column) => column.subarray(0, count));
    const [someOps, someBlocks, someSizes] = columns as [Uint8Array, Uint32Array, Uint32Array];
    return { count, ops: someOps, blocks: someBlocks, sizes: someSizes };
  }
}
