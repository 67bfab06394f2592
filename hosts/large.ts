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
  /** The malloc's own two blocks: granules. */
  readonly #root: number;
  readonly #map: number;
  /** A bit for each granule where a block begins that waits (core/large/waiting.ts). */
  readonly #waits: Uint32Array;

  /**
   * @param root where the malloc's state is @param end the break, or where less is known
   * @param words the memory, which ends at or behind `end`
   */
  constructor(words: Uint32Array, root: Address, end: Address) {
    const field = (offset: number) => words[(root + offset) >>> 2] ?? 0;
    this.#words = words;
    this.#bits = field(L.STATE_BITS);
    this.#starts = field(L.STATE_STARTS) >>> 2;
    this.#uses = field(L.STATE_USES) >>> 2;
    this.#root = root >>> this.#bits;
    this.#map = field(L.STATE_MAP) >>> this.#bits;
    const isThere = Object.values<number>(GRANULE_BITS).includes(this.#bits) && this.#map !== 0;
    this.rows = isThere ? this.#findRows(root, end) : [];
    this.#waits = new Uint32Array(isThere ? (end >>> (this.#bits + 5)) + 1 : 0);
    if (isThere) this.#findWaiting(root + L.WAITING);
    this.overhead = this.#lengthOf(this.#root) + this.#lengthOf(this.#map);
  }

  #has(map: number, granule: number): boolean {
    return (((this.#words[map + (granule >>> 5)] as number) >>> (granule & 31)) & 1) !== 0;
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

  #findRows(root: Address, end: Address): Row[] {
    const rows: Row[] = [];
    const last = end >>> this.#bits;
    const add = (from: number, to: number) => {
      if (from === to) return;
      rows.push({ from: from * this.#bytes, to: to * this.#bytes, end: to * this.#bytes });
    };
    let from = root >>> this.#bits;
    for (let start = from; start < last; ) {
      const next = this.#startFrom(start + 1, last);
      if (this.#isLeft(start, next - start)) {
        add(from, start);
        from = next;
      }
      start = next;
    }
    if (from < last) add(from, last);
    return rows;
  }

  get #bytes(): number {
    return 1 << this.#bits;
  }

  /** Notes the blocks that wait. One list holds those of one length, and no list is believed farther than the maps bear it out. */
  #findWaiting(lists: Address): void {
    const words = this.#words;
    const waits = this.#waits;
    for (let length = 1; length << this.#bits <= L.LONGEST_WAITING; length++) {
      for (let p = words[(lists + 8 * length) >>> 2] as number; p !== 0; ) {
        const granule = p >>> this.#bits;
        const isKnown = ((waits[granule >>> 5] ?? -1) >>> (granule & 31)) & 1;
        if (isKnown !== 0 || this.sizeOf(p) !== length * this.#bytes) break;
        waits[granule >>> 5] = (waits[granule >>> 5] as number) | (1 << (granule & 31));
        p = words[p >>> 2] as number;
      }
    }
  }

  #waitsAt(granule: number): boolean {
    return (((this.#waits[granule >>> 5] as number) >>> (granule & 31)) & 1) !== 0;
  }

  /** The bytes of the block that begins at a granule in a row, which is in use; else 0. */
  #lengthOf(granule: number): number {
    const p = granule * this.#bytes;
    const row = this.rows.find(({ from, to }) => p >= from && p < to);
    if (row === undefined) return 0;
    if (!this.#has(this.#starts, granule) || !this.#has(this.#uses, granule)) return 0;
    return (this.#startFrom(granule + 1, row.to >>> this.#bits) - granule) * this.#bytes;
  }

  #isOwn(granule: number): boolean {
    return granule === this.#root || granule === this.#map;
  }

  /** The bytes of the block that begins at an address, when there is one that somebody has; else 0. */
  sizeOf(block: Address): number {
    const granule = block >>> this.#bits;
    if (granule * this.#bytes !== block || this.#isOwn(granule)) return 0;
    const length = this.#lengthOf(granule);
    return length === 0 || this.#waitsAt(granule) ? 0 : length;
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
