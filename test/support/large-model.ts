/**
 * Random programs on the malloc of an own memory, against a model: where each block is, how long, what stands in it. It is made to
 * play a hundred million steps: all of the model is in typed arrays.
 */
import assert from "node:assert/strict";
import { largeLayout as L, layout } from "../../base/base.js";
import {
  LARGE_ROOT,
  type Large,
  LargeBlocks,
  largeEnd,
  standaloneHost,
} from "../../hosts/hosts.js";
import { PAGE } from "./large.js";

/** Random bits: the same in every run. */
export type Bits = () => number;

/** Where a game is played. */
export interface Field {
  readonly name: string;
  /** Granules of 64 bytes, as beside pools, or of 16? */
  readonly pools: boolean;
  readonly maximumPages: number;
  /** The number of live blocks goes up and down between a half and all of this, at most 65,536. */
  readonly blocks: number;
  /** The bytes of a request. */
  bytes(bits: Bits): number;
}

/** A bound of 0 gives 0. */
export const below = (bits: Bits, bound: number) => Math.floor((bits() / 2 ** 32) * bound);

/** Blocks up to so many bytes are made by calloc, and are moved. */
const LONGEST_TOUCHED = 1 << 20;
/** No block may be longer; the malloc refuses it. */
const LONGEST = 0x7fffffff;
/** The malloc's memory ends here at the latest. */
const LAST_PAGE = 65535;
/** Of the requests that are refused, one in so many is looked at: was there no room indeed? */
const LOOKED_AT = 32;
/** So many pieces are left to others at a time. */
const MOST_LEFT = 6;

interface Left {
  readonly from: number;
  readonly to: number;
}

export class LargeGame {
  readonly #field: Field;
  readonly #memory: WebAssembly.Memory;
  readonly #system: Large;
  readonly #granule: number;
  readonly #maximum: number;
  #words: Uint32Array;
  #state: number;
  /** The live blocks: address, bytes that may be used, what is written into it. */
  readonly #p: Uint32Array;
  readonly #size: Uint32Array;
  readonly #mark: Uint32Array;
  #count = 0;
  /** Does the number of live blocks go up? */
  #rises = true;
  readonly #left: Left[] = [];
  /** Requests that were refused for want of memory. */
  refused = 0;
  /** The highest break. */
  highest = 0;

  /** @param damage makes a wrong malloc of the right one, for the test of this test */
  constructor(field: Field, seed: number, damage: (system: Large) => Partial<Large> = () => ({})) {
    const host = standaloneHost(1, field.maximumPages, field.pools);
    const system = host.system as Large;
    this.#field = field;
    this.#memory = host.memory;
    this.#system = { ...system, ...damage(system) };
    this.#granule = field.pools ? 64 : 16;
    this.#maximum = Math.min(field.maximumPages, LAST_PAGE) * PAGE;
    this.#words = new Uint32Array(host.memory.buffer);
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) | 1) >>> 0;
    this.#p = new Uint32Array(field.blocks);
    this.#size = new Uint32Array(field.blocks);
    this.#mark = new Uint32Array(field.blocks);
  }

  /** Its random bits. */
  readonly bits: Bits = () => {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  };

  play(steps: number): void {
    for (let step = 0; step < steps; step++) this.#step();
  }

  /** Takes what there still is, in blocks of a page at least. */
  fill(): void {
    const few = this.#field.blocks >>> 1;
    while (this.#count > few) this.#free(0);
    for (let bytes = 2 ** 30; bytes >= PAGE; bytes /= 2) {
      for (let p = 1; p !== 0 && this.#count < this.#field.blocks; ) {
        p = this.#system.malloc(bytes) >>> 0;
        this.#given(p, bytes, 1);
      }
    }
  }

  #step(): void {
    const what = this.bits() & 0xfff;
    if (this.#count >= this.#field.blocks) this.#rises = false;
    else if (this.#count <= this.#field.blocks >>> 1) this.#rises = true;
    if (what === 0) this.#leave();
    else if (what === 1) this.#takeBack();
    else if (what === 2) this.#askTooMuch();
    else if (what < 0x280 && this.#count > 0) this.#realloc();
    else if (this.#count < this.#field.blocks && what % 8 < (this.#rises ? 5 : 3)) this.#make();
    else if (this.#count > 0) this.#free(below(this.bits, this.#count));
  }

  /** The memory may have got longer by a call. */
  #look(): Uint32Array {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#memory.buffer);
    return this.#words;
  }

  #sizeOf(bytes: number): number {
    return Math.max(1, Math.ceil(bytes / this.#granule)) * this.#granule;
  }

  #make(): void {
    const bits = this.bits;
    const system = this.#system;
    const bytes = Math.min(this.#field.bytes(bits), LONGEST);
    const how = bits() & 31;
    if (how === 0 && this.#field.pools) {
      const p = system.arenaAlloc() >>> 0;
      if (p === 0) return;
      assert.equal(p % layout.SLICE_SIZE, 0);
      const units = this.#look()[(p + layout.SPARE_UNITS) >>> 2] as number;
      assert.ok(units >= 1 && units * layout.UNIT_SIZE <= layout.LONGEST_ARENA, `${units} units`);
      this.#keep(p, units * layout.UNIT_SIZE);
    } else if (how < 4 && bytes <= LONGEST_TOUCHED) {
      const p = system.calloc(1, bytes) >>> 0;
      const words = this.#look();
      if (p !== 0 && bytes >= 4) {
        const last = (bytes >>> 2) - 1;
        const zeros = [0, last, below(bits, last)].map((n) => words[(p >>> 2) + n]);
        assert.deepEqual(zeros, [0, 0, 0], "calloc");
      }
      this.#given(p, bytes, 1);
    } else if (how < 7) {
      const alignment = 2 ** (4 + below(bits, how === 6 ? 13 : 5));
      const p = system.memalign(alignment, bytes) >>> 0;
      assert.equal(p % alignment, 0);
      this.#given(p, bytes, alignment);
    } else if (how === 7) this.#given(system.realloc(0, bytes) >>> 0, bytes, 1);
    else this.#given(system.malloc(bytes) >>> 0, bytes, 1);
  }

  #given(p: number, bytes: number, alignment: number): void {
    if (p === 0) this.#assertNoRoom(this.#sizeOf(bytes) + Math.max(alignment - this.#granule, 0));
    else this.#keep(p, this.#sizeOf(bytes));
  }

  #keep(p: number, size: number): void {
    assert.equal(p % 16, 0);
    assert.equal(this.#system.usableSize(p) >>> 0, size, "usableSize");
    const block = this.#count++;
    this.#p[block] = p;
    this.#size[block] = size;
    this.#write(block);
  }

  /** Writes into the first word of a block, into one in the middle, and into the last. */
  #write(block: number): void {
    const words = this.#look();
    const mark = this.bits();
    const p = (this.#p[block] as number) >>> 2;
    const length = (this.#size[block] as number) >>> 2;
    words[p] = mark;
    words[p + (length >>> 1)] = mark + 1;
    words[p + length - 1] = mark + 2;
    this.#mark[block] = mark;
  }

  /** Are the words there that were written into a block when it had `length` words, as far as it has them still? */
  #assertContent(at: number, mark: number, length: number, now: number): void {
    const words = this.#look();
    const p = at >>> 2;
    const middle = length >>> 1;
    const isWhole =
      words[p] === mark &&
      (middle >= now || words[p + middle] === (mark + 1) >>> 0) &&
      (length > now || words[p + length - 1] === (mark + 2) >>> 0);
    assert.ok(isWhole, `the content of the block at ${at}, ${4 * now} bytes`);
  }

  #check(block: number): void {
    const length = (this.#size[block] as number) >>> 2;
    const mark = this.#mark[block] as number;
    this.#assertContent(this.#p[block] as number, mark, length, length);
  }

  #free(block: number): void {
    this.#check(block);
    this.#system.free(this.#p[block] as number);
    const last = --this.#count;
    this.#p[block] = this.#p[last] as number;
    this.#size[block] = this.#size[last] as number;
    this.#mark[block] = this.#mark[last] as number;
  }

  #realloc(): void {
    const block = below(this.bits, this.#count);
    this.#check(block);
    const old = this.#p[block] as number;
    const size = this.#size[block] as number;
    let bytes = Math.min(this.#field.bytes(this.bits), LONGEST);
    // A block that is long may have to be copied.
    if (size > LONGEST_TOUCHED) bytes %= size;
    const p = this.#system.realloc(old, bytes) >>> 0;
    const now = this.#sizeOf(bytes);
    if (p === 0) {
      assert.ok(now > size, "a block can always become shorter");
      this.#check(block);
      this.#assertNoRoom(now);
      return;
    }
    if (now <= size) assert.equal(p, old, "a block becomes shorter where it is");
    assert.equal(p % 16, 0);
    assert.equal(this.#system.usableSize(p) >>> 0, now, "usableSize");
    this.#assertContent(p, this.#mark[block] as number, size >>> 2, now >>> 2);
    this.#p[block] = p;
    this.#size[block] = now;
    this.#write(block);
  }

  #askTooMuch(): void {
    const bytes = LONGEST + 1 + below(this.bits, LONGEST + 1);
    const { malloc, realloc, calloc, memalign } = this.#system;
    const parts = [malloc(bytes), calloc(1 << 16, 1 << 17), memalign(64, bytes)];
    if (this.#count > 0) parts.push(realloc(this.#p[0] as number, bytes));
    assert.ok(parts.every((p) => p === 0));
  }

  /** So many bytes were refused: no piece is so long, free or waiting, and the memory can't get so much longer. */
  #assertNoRoom(size: number): void {
    if (this.refused++ % LOOKED_AT !== 0) return;
    const words = this.#look();
    const end = largeEnd(words);
    const large = new LargeBlocks(words, LARGE_ROOT, end);
    let [before, piece] = [0, 0];
    for (const { from, to } of large.rows) {
      large.walk(from, to, (p, bytes, inUse) => {
        if (inUse) return;
        piece = p === before ? piece + bytes : bytes;
        before = p + bytes;
        assert.ok(piece < size, `${size} bytes were refused, ${piece} are free at ${before}`);
      });
    }
    const reach = words[(LARGE_ROOT + L.STATE_REACH) >>> 2] as number;
    const last = before === end ? piece : 0;
    // Longer maps need room as well.
    const maps = reach >= this.#maximum ? 0 : (this.#maximum / this.#granule / 4) * 1.2 + 2 * PAGE;
    const room = this.#maximum - end + last;
    assert.ok(room < size + maps, `${size} bytes were refused, there is room for ${room}`);
  }

  /** Some memory at the end becomes someone else's. */
  #leave(): void {
    if (this.#left.length >= MOST_LEFT) return;
    const end = this.#system.end() >>> 0;
    const from = Math.max(end, PAGE) + PAGE * below(this.bits, 2);
    const bytes = 128 * this.#granule + below(this.bits, 3 * PAGE);
    const to = from + bytes;
    if (to > this.#maximum || this.#system.leave(from, to) === 0) {
      assert.equal(this.#system.end() >>> 0, end);
      return;
    }
    const words = this.#look();
    words[from >>> 2] = from;
    words[(to >>> 2) - 1] = to;
    const granule = this.#granule;
    this.#left.push({ from, to: Math.ceil(to / granule) * granule });
  }

  #takeBack(): void {
    const at = below(this.bits, this.#left.length);
    const [left] = this.#left.splice(at, 1);
    if (left === undefined) return;
    const { from, to } = left;
    assert.equal(this.#look()[from >>> 2], from, "what is someone else's");
    this.#system.takeBack(from);
    if (this.#system.end() >>> 0 !== from) return;
    const zeros = this.#look().subarray(from >>> 2, to >>> 2);
    assert.ok(zeros.every((word) => word === 0));
  }

  /** The books balance: what the malloc says of its memory is what the model knows. */
  assertBalanced(): void {
    const words = this.#look();
    const end = this.#system.end() >>> 0;
    this.highest = Math.max(this.highest, end);
    assert.equal(this.#system.validate(), 0, `broken at ${this.#system.brokenAt() >>> 0}`);
    if (end === 0) return;
    // Sorted by the address, with the number of the block behind it.
    const all = Float64Array.from({ length: this.#count }, (_, n) => {
      return (this.#p[n] as number) * 65536 + n;
    }).sort();
    const large = new LargeBlocks(words, LARGE_ROOT, end);
    let [block, used, free, left, last] = [0, 0, 0, 0, LARGE_ROOT];
    const others = this.#left.toSorted((one, other) => one.from - other.from);
    for (const { from, to } of large.rows) {
      for (; last < from; left++) {
        assert.equal(last, others[left]?.from);
        last = others[left]?.to as number;
      }
      assert.equal(last, from, "a row begins where the last one or what was left to others ends");
      last = to;
      large.walk(from, to, (p, size, inUse) => {
        if (!inUse) free += size;
        else {
          const n = (all[block++] as number) % 65536;
          assert.deepEqual([p, size], [this.#p[n], this.#size[n]], "a block is as the model knows");
          used += size;
        }
      });
    }
    assert.equal(block, this.#count, "all blocks of the model are there");
    const lent = others.reduce((sum, { from, to }) => sum + to - from, 0);
    const parts = used + free + large.overhead + lent;
    assert.equal(parts, end - LARGE_ROOT, "the parts sum to the whole");
    for (let n = 0; n < this.#count; n++) this.#check(n);
    for (const { from } of others) assert.equal(words[from >>> 2], from);
  }
}
