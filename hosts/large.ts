/** The malloc of a heap that owns its memory: where it is, how fine it is, and its blocks, seen in the memory. See core/large. */
import { type Address, largeLayout as L } from "../base/base.js";
import type { Row } from "./dlmalloc-state.js";

/** Where a heap of ours has it: behind address 0, which is NULL, at a multiple of any granule. */
export const LARGE_ROOT = 64;

/** A granule has `1 << bits` bytes: where small blocks come from pools, and where they do not. */
export const GRANULE_BITS = { large: 6, any: 4 } as const;

/** How fine the malloc of a memory is. Whatever else stands there is for others to find out. */
export function granuleBitsIn(bytes: Uint8Array): number {
  const bits = bytes[LARGE_ROOT + L.STATE_BITS];
  return bits === GRANULE_BITS.any ? bits : GRANULE_BITS.large;
}

/** Where the memory ends that the malloc at `LARGE_ROOT` has taken, or that was left to others. */
export function largeEnd(words: Uint32Array): Address {
  return Math.min(words[(LARGE_ROOT + L.STATE_END) >>> 2] as number, 4 * words.length);
}

/** The lowest bit that is set. */
function lowestOf(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/**
 * The blocks of the malloc at an address, as its two maps say (core/large/map.ts). A block begins at each bit of `starts`, and ends
 * where the next one begins: whatever was written over, there is always a next one, or the end.
 */
export class LargeBlocks {
  /** Its blocks lie one behind the other in each of these; what lies between two was left to others (guests). */
  readonly rows: readonly Row[];
  /** The bytes that its state and its maps take, in the rows. */
  readonly overhead: number;
  readonly #words: Uint32Array;
  readonly #bits: number;
  /** The places among the words where the maps were, did they begin with granule 0. */
  readonly #starts: number;
  readonly #uses: number;
  /** Granules: the malloc's own two blocks, and the break. */
  readonly #root: number;
  readonly #map: number;
  readonly #end: number;
  /** A bit for each granule where a block begins that waits (core/large/waiting.ts). */
  readonly #waits: Uint32Array;

  /**
   * @param words the memory, which ends at or behind `end`
   * @param root where the malloc's state is
   * @param end the break
   */
  constructor(words: Uint32Array, root: Address, end: Address) {
    const field = (offset: number) => words[(root + offset) >>> 2] ?? 0;
    const isAny = field(L.STATE_BITS) === GRANULE_BITS.any;
    const isThere = isAny || field(L.STATE_BITS) === GRANULE_BITS.large;
    const bits = isAny ? GRANULE_BITS.any : GRANULE_BITS.large;
    this.#words = words;
    this.#bits = bits;
    this.#starts = field(L.STATE_STARTS) >>> 2;
    this.#uses = field(L.STATE_USES) >>> 2;
    this.#root = root >>> bits;
    this.#map = field(L.STATE_MAP) >>> bits;
    this.#end = isThere ? end >>> bits : 0;
    this.rows = this.#findRows();
    this.#waits = new Uint32Array((this.#end >>> 5) + 1);
    this.#findWaiting(root + L.WAITING);
    this.overhead = this.#lengthAt(this.#root) + this.#lengthAt(this.#map);
  }

  get #bytes(): number {
    return 1 << this.#bits;
  }

  /** Has a map a granule's bit? */
  #has(map: number, granule: number, words = this.#words): boolean {
    return (((words[map + (granule >>> 5)] as number) >>> (granule & 31)) & 1) !== 0;
  }

  #waitsAt(granule: number): boolean {
    return this.#has(0, granule, this.#waits);
  }

  /** The first granule from one on at which a block begins; `end` where none does before that. */
  #startFrom(granule: number, end: number): number {
    const words = this.#words;
    const last = end >>> 5;
    let word = granule >>> 5;
    let bits = (words[this.#starts + word] as number) & (-1 << (granule & 31));
    while (bits === 0 && word < last) bits = words[this.#starts + ++word] as number;
    return bits ? Math.min(32 * word + lowestOf(bits), end) : end;
  }

  /** Was the block of so many granules that begins here left to others? Only a long one can be. */
  #isLeft(granule: number, length: number): boolean {
    const word = granule >>> 5;
    if (((granule + length) >>> 5) - word < 2 || !this.#has(this.#uses, granule)) return false;
    return ((this.#words[this.#uses + word + 1] as number) & L.LEFT) !== 0;
  }

  #findRows(): Row[] {
    const rows: Row[] = [];
    let from = this.#root;
    const add = (last: number) => {
      const to = last * this.#bytes;
      if (from < last) rows.push({ from: from * this.#bytes, to, end: to });
    };
    for (let start = from; start < this.#end; ) {
      const next = this.#startFrom(start + 1, this.#end);
      if (this.#isLeft(start, next - start)) {
        add(start);
        from = next;
      }
      start = next;
    }
    add(this.#end);
    return rows;
  }

  /** Notes the blocks that wait. One list holds those of one length, and none is believed farther than the maps bear it out. */
  #findWaiting(lists: Address): void {
    const words = this.#words;
    for (let length = 1; length << this.#bits <= L.LONGEST_WAITING; length++) {
      let p = words[(lists + 8 * length) >>> 2] as number;
      // One that is known has no size, so a list that leads back into itself ends.
      while (p !== 0 && this.sizeOf(p) === length << this.#bits) {
        const granule = p >>> this.#bits;
        const word = granule >>> 5;
        this.#waits[word] = (this.#waits[word] as number) | (1 << (granule & 31));
        p = words[p >>> 2] as number;
      }
    }
  }

  /** The bytes of the block in use that begins at a granule; else 0. */
  #lengthAt(granule: number): number {
    const isBlock = granule < this.#end && this.#has(this.#starts, granule);
    if (!isBlock || !this.#has(this.#uses, granule)) return 0;
    return (this.#startFrom(granule + 1, this.#end) - granule) * this.#bytes;
  }

  #isOwn(granule: number): boolean {
    return granule === this.#root || granule === this.#map;
  }

  /** The bytes of the block that begins at an address, when there is one that somebody has; else 0. */
  sizeOf(block: Address): number {
    const granule = block >>> this.#bits;
    const isNone = granule * this.#bytes !== block || this.#isOwn(granule);
    return isNone || this.#waitsAt(granule) ? 0 : this.#lengthAt(granule);
  }

  /** Shows the blocks from where one begins up to an address, but for the malloc's own: each, its bytes, has somebody got it? */
  walk(
    from: Address,
    to: Address,
    see: (block: Address, size: number, inUse: boolean) => void,
  ): void {
    const end = to >>> this.#bits;
    for (let start = from >>> this.#bits; start < end; ) {
      const next = this.#startFrom(start + 1, end);
      const inUse = this.#has(this.#uses, start) && !this.#waitsAt(start);
      if (!this.#isOwn(start)) see(start * this.#bytes, (next - start) * this.#bytes, inUse);
      start = next;
    }
  }
}
