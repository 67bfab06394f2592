/** The live blocks of a memory: one walk over it by rising addresses, from pool to pool and along the system malloc's rows. */
import { type Address, debugLayout as D } from "../../base/base.js";
import { longer } from "../graph/graph.js";
import { BlockKind, type Blocks } from "./blocks.js";
import type { MemoryImage } from "./image.js";
import { type Frames, findFrames, hookedSize, ledgerIn } from "./shadows.js";
import { walkMemory } from "./walk.js";

const NO_FRAMES: Frames = {
  count: 0,
  starts: new Uint32Array(),
  sizes: new Uint32Array(),
  live: new Uint32Array(),
};

/** Blocks have some 128 bytes in the mean, with all that is not in use between them. */
const MEAN_BITS = 7;

/** What a block of our debug modes takes more than the user's bytes: as much in front of them as behind. */
const FRAME_BYTES = 2 * D.FRONT;

/** Takes blocks as the allocators have them, by rising addresses, and finds in each what its user has. */
class Collector {
  readonly #image: MemoryImage;
  readonly #frames: Frames;
  /** The lowest kind of blocks in which there may be pads of CPython's own hooks. */
  readonly #hooked: number;
  /** Is the system malloc someone else's, whose blocks only the debug mode knows? */
  readonly #isForeign: boolean;
  #count = 0;
  #starts: Uint32Array;
  #sizes: Uint32Array;
  #taken: Uint32Array;
  #kinds: Uint8Array;
  /** The first frame that was not passed yet. */
  #frame = 0;
  /** Where the last block ends. */
  #end: Address = 0;

  constructor(image: MemoryImage) {
    const ledger = ledgerIn(image);
    this.#image = image;
    this.#frames = ledger === 0 ? NO_FRAMES : findFrames(image, ledger);
    const { allocator } = image.marks;
    // Where we were installed, CPython has no name for it, and its hooks may be below us.
    if (allocator.endsWith("_debug")) this.#hooked = BlockKind.pool;
    else this.#hooked = allocator === "" ? BlockKind.system : Number.POSITIVE_INFINITY;
    this.#isForeign = image.marks.chunks.to === 0;
    const room = Math.max(image.u8.length >>> MEAN_BITS, 1024);
    this.#starts = new Uint32Array(room);
    this.#sizes = new Uint32Array(room);
    this.#taken = new Uint32Array(room);
    this.#kinds = new Uint8Array(room);
  }

  /** @param base where the allocator's block begins @param room the bytes that its user has @param taken all that it takes */
  add(kind: number, base: Address, room: number, taken: number): void {
    if (this.#isForeign) this.#addUnknown(base);
    if (base < this.#end) return;
    this.#end = base + room;
    if (this.#frames.count > 0) this.#addFramed(kind, base, room, taken);
    else if (kind >= this.#hooked) this.#addHooked(kind, base, room, taken);
    else this.#push(kind, base, room, taken);
  }

  /** Adds the blocks up to an address that only the shadow knows. */
  #addUnknown(to: Address): void {
    const { count, starts, sizes, live } = this.#frames;
    while (this.#frame < count && (starts[this.#frame] as number) < to) {
      const start = starts[this.#frame] as number;
      const end = start + (sizes[this.#frame] as number);
      // One that lies in it is the user's.
      const inner = this.#frame + 1 < count && (starts[this.#frame + 1] as number) < end ? 1 : 0;
      const at = this.#frame + inner;
      this.#frame = at + 1;
      if (live[at] === 0 || start < this.#end) continue;
      this.#end = end;
      const user = starts[at] as number;
      const size = Math.min(sizes[at] as number, end - user);
      this.#push(BlockKind.system, user, size, end - start + FRAME_BYTES);
    }
  }

  /** The innermost frame in a block is the user's; where it is a dead one, the block waits in the quarantine. */
  #addFramed(kind: number, base: Address, room: number, taken: number): void {
    const { count, starts, sizes, live } = this.#frames;
    while (this.#frame < count && (starts[this.#frame] as number) < base) this.#frame++;
    let found = -1;
    while (this.#frame < count && (starts[this.#frame] as number) < base + room) {
      found = this.#frame++;
    }
    if (found < 0) this.#push(kind, base, room, taken);
    else if (live[found] === 1) {
      const start = starts[found] as number;
      this.#push(kind, start, Math.min(sizes[found] as number, base + room - start), taken);
    }
  }

  /** A block of the mem and object families that is too long for pools has a second frame in that of the raw domain. */
  #addHooked(kind: number, base: Address, room: number, taken: number): void {
    let start = base;
    let size = room;
    for (let layer = 0; layer < 2; layer++) {
      const inner = hookedSize(this.#image, start, size);
      if (inner < 0) break;
      start += D.FRONT;
      size = inner;
    }
    this.#push(kind, start, size, taken);
  }

  #push(kind: number, start: Address, size: number, taken: number): void {
    const index = this.#count++;
    if (index === this.#kinds.length) this.#grow();
    this.#starts[index] = start;
    this.#sizes[index] = size;
    this.#taken[index] = taken;
    this.#kinds[index] = kind;
  }

  #grow(): void {
    this.#starts = longer(this.#starts);
    this.#sizes = longer(this.#sizes);
    this.#taken = longer(this.#taken);
    const kinds = new Uint8Array(2 * this.#kinds.length);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
  }

  blocks(): Blocks {
    if (this.#isForeign) this.#addUnknown(this.#image.u8.length);
    const count = this.#count;
    const starts = this.#starts.subarray(0, count);
    const sizes = this.#sizes.subarray(0, count);
    const taken = this.#taken.subarray(0, count);
    const kinds = this.#kinds.subarray(0, count);
    return { count, starts, sizes, taken, kinds, indexAt: lookup(starts, sizes) };
  }
}

/** Granules of the table of blocks: blocks of ours begin at multiples of 8, and so do all mallocs'. */
const GRANULE_BITS = 3;

/** Finds the block that an address lies in, by a table that is made at the first question. */
function lookup(starts: Uint32Array, sizes: Uint32Array): (address: Address) => number {
  let table: Uint32Array | undefined;
  const lowest = ((starts[0] ?? 0) >>> GRANULE_BITS) << GRANULE_BITS;
  function fill(): Uint32Array {
    const last = starts.length - 1;
    const end = last < 0 ? lowest : (starts[last] as number) + Math.max(sizes[last] as number, 1);
    const filled = new Uint32Array(((end - lowest) >>> GRANULE_BITS) + 1);
    for (let block = 0; block <= last; block++) {
      const from = ((starts[block] as number) - lowest) >>> GRANULE_BITS;
      const bytes = Math.max(sizes[block] as number, 1);
      const to = ((starts[block] as number) + bytes - 1 - lowest) >>> GRANULE_BITS;
      for (let granule = from; granule <= to; granule++) filled[granule] = block + 1;
    }
    return filled;
  }
  return (address) => {
    table ??= fill();
    const block = (table[(address - lowest) >>> GRANULE_BITS] ?? 0) - 1;
    if (block < 0 || address < lowest) return -1;
    const offset = address - (starts[block] as number);
    return offset >= 0 && offset < Math.max(sizes[block] as number, 1) ? block : -1;
  };
}

/**
 * Finds all live blocks. What was freed is none, be it held back by a debug mode or kept for the next request. It never throws:
 * in a damaged memory it finds what can be found.
 */
export function findBlocks(image: MemoryImage): Blocks {
  const collector = new Collector(image);
  walkMemory(image, {
    pool(reader) {
      const { start, first, size, carved, used } = reader;
      const isFull = used * size === carved - first;
      if (!isFull) reader.markFree();
      for (let offset = first; offset < carved; offset += size) {
        if (isFull || !reader.isFree(offset)) {
          collector.add(BlockKind.pool, start + offset, size, size);
        }
      }
    },
    block: (block, size, room) => collector.add(BlockKind.system, block, room, size),
  });
  return collector.blocks();
}
