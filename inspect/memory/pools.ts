/**
 * Our pools, found in a memory by the map of slices, and their blocks that are live. See core/layout.ts.
 *
 * Nothing that is read is believed: whoever wrote over a map, a header or a free list makes blocks be missed, and no more.
 */
import { type Address, booksLayout as B, layout as L } from "../../base/base.js";
import { Numbers } from "../graph/graph.js";
import type { MemoryImage } from "./image.js";

/**
 * Where all pools begin, by rising addresses. In the lowest bits, which a pool's address has not, stands which of the roots it
 * belongs to.
 */
export function findPools(image: MemoryImage, roots: readonly Address[]): Uint32Array {
  const { u8, u32 } = image;
  const pools = new Numbers(1024);
  for (const [index, root] of roots.entries()) {
    const origin = u32[(root + L.MAP) >>> 2] as number;
    const most = Math.floor(u8.length / L.SLICE_SIZE);
    const slices = Math.min(u32[(root + L.MAP + 4) >>> 2] as number, most, u8.length - origin);
    for (let slice = 0; slice < slices; slice++) {
      if (u8[origin + slice] === 0) pools.push(slice * L.SLICE_SIZE + index);
    }
  }
  return roots.length > 1 ? pools.values().sort() : pools.values();
}

/** No pool has more blocks. */
const MOST_BLOCKS = L.LONGEST_ARENA / L.ALIGNMENT;

/** One pool after another: its numbers, as its header has them. */
export class PoolReader {
  readonly #image: MemoryImage;
  readonly #indents: readonly number[];
  /** For each 8 bytes of a pool, the number of the pool (of those read so far) that last had a free block there. */
  readonly #freeIn = new Uint32Array(MOST_BLOCKS);
  #reads = 0;

  /** Where it begins, and up to where it may have blocks. */
  start: Address = 0;
  end: Address = 0;
  /** Bytes in a block. */
  size = 0;
  /** Offset of its first block, and of the first one that was never used. */
  first = 0;
  carved = 0;
  /** Its blocks, and those in use. */
  capacity = 0;
  used = 0;

  constructor(image: MemoryImage, roots: readonly Address[]) {
    this.#image = image;
    this.#indents = roots.map((root) => image.u32[(root + L.INDENT) >>> 2] as number);
  }

  /** Reads the header of a pool that `findPools` found; false where it can't be one. */
  read(found: number): boolean {
    const { u16, u32 } = this.#image;
    const root = found % L.SLICE_SIZE;
    const start = found - root;
    const size = u16[(start + L.POOL_BLOCK_SIZE) >>> 1] as number;
    const carved = u16[(start + B.POOL_CARVED) >>> 1] as number;
    const bias = ((u16[(start + B.POOL_BIAS) >>> 1] as number) << 16) >> 16;
    const end = (u16[(start + B.POOL_END) >>> 1] as number) & ~B.LENT;
    const used = ((u32[start >>> 2] as number) >>> 16) - bias;
    const indent = size % (2 * L.ALIGNMENT) === 0 ? (this.#indents[root] as number) : 0;
    const first = L.POOL_HEADER + indent;
    this.start = start;
    this.end = start + end;
    this.size = size;
    this.first = first;
    this.carved = carved;
    this.capacity = Math.floor((end - first) / size);
    this.used = used & 0xffff;
    return (
      size > 0 &&
      size <= L.SMALL_REQUEST_THRESHOLD &&
      size % L.ALIGNMENT === 0 &&
      indent <= L.ALIGNMENT &&
      carved >= first &&
      carved <= end &&
      (carved - first) % size === 0 &&
      this.used <= (carved - first) / size &&
      this.end <= this.#image.u8.length
    );
  }

  /**
   * Is the block at an offset in the free list? To be asked after `markFree`.
   */
  isFree(offset: number): boolean {
    return this.#freeIn[offset >>> 3] === this.#reads;
  }

  /** Walks the free list of the pool that was read, as far as it is one. */
  markFree(): void {
    const { u16, u32 } = this.#image;
    const { start, first, carved, size } = this;
    const number = ++this.#reads;
    let left = (carved - first) / size - this.used;
    let offset = (u32[start >>> 2] as number) & 0xffff;
    while (left-- > 0 && offset >= first && offset < carved && (offset - first) % size === 0) {
      this.#freeIn[offset >>> 3] = number;
      offset = u16[(start + offset) >>> 1] as number;
    }
  }
}
