/**
 * Which blocks of a Python heap are objects, of which type, and which belong to an object: the items of a list, the keys of a dict.
 * Everything is in typed arrays, because there are millions of blocks. Nothing here believes what it reads.
 */
import type { Address } from "../../base/base.js";
import { LEADS, type ObjectLayout } from "../../python/python.js";
import { countBelow } from "../graph/graph.js";
import { BlockKind, type Blocks, type MemoryImage } from "../memory/memory.js";
import { Shape, type TypePlan, TypeTable } from "./types.js";

/** In `typeOf`: the object is gone, and its block is kept for the next one of its type. */
export const FREED = 2 ** 31;
/** In `typeOf`: the collector has it in its lists, so it is an object beyond doubt. */
const TRACKED = 1 << 30;
/** The number of a type in `typeOf`. */
export const TYPE_NUMBER = TRACKED - 1;
/** In `index`: not a node but a block that belongs to an object; the rest is the block's number. */
export const CLAIMED = 2 ** 31;
/** Counts from here on are those of objects that are never freed: no memory has so many references. */
export const LEAST_IMMORTAL = 2 ** 28;

/** Emscripten's programs have nothing before this address. */
const LEAST_ADDRESS = 1024;

/** Blocks of the system malloc from this size on may be the data of a library that was loaded, with types in it. */
const LEAST_DATA = 1024;

export class Objects {
  readonly image: MemoryImage;
  readonly blocks: Blocks;
  readonly layout: ObjectLayout;
  readonly types: TypeTable;
  /** For each block the number of its object's type, 0 for none, and FREED and TRACKED. */
  readonly typeOf: Uint32Array;
  /** For each block the block, + 1, with the object that it belongs to; 0 for none. */
  readonly owner: Uint32Array;
  /** Where blocks begin, rounded down to 8: what lies before is static data. */
  readonly from: Address;
  /** For each 8 bytes from `from` on: the block, + 1, that begins there; once nodes have numbers, those (see nodes.ts). */
  readonly index: Uint32Array;
  /** Blocks with data of libraries: objects lie in them where they like. */
  readonly libraries = new Set<number>();

  constructor(
    image: MemoryImage,
    blocks: Blocks,
    layout: ObjectLayout,
    text: (text: string) => number,
  ) {
    this.image = image;
    this.blocks = blocks;
    this.layout = layout;
    const bytes = image.u8.length;
    this.from = blocks.count === 0 ? bytes & ~7 : (blocks.starts[0] as number) & ~7;
    this.index = new Uint32Array((bytes - this.from + 7) >>> 3);
    this.typeOf = new Uint32Array(blocks.count);
    this.owner = new Uint32Array(blocks.count);
    this.types = new TypeTable(image, layout, text, (type) => this.#mayBeType(type));
    for (let block = 0; block < blocks.count; block++) {
      const start = blocks.starts[block] as number;
      if ((start & 7) === 0 && start < bytes) this.index[(start - this.from) >>> 3] = block + 1;
    }
    this.#findObjects();
  }

  /** The block that begins at an address; -1 for none. Only until nodes have numbers. */
  blockAt(address: number): number {
    if ((address & 7) !== 0 || address < this.from) return -1;
    return (this.index[(address - this.from) >>> 3] ?? 0) - 1;
  }

  /** The block that an address lies in; -1 for none. */
  blockAround(address: Address): number {
    const { starts, sizes, count } = this.blocks;
    const block = countBelow(starts, count, address + 1) - 1;
    return block >= 0 && address < (starts[block] as number) + (sizes[block] as number)
      ? block
      : -1;
  }

  /** Where a block's bytes lie. */
  rangeOf(block: number): { readonly from: Address; readonly to: Address } {
    const from = this.blocks.starts[block] as number;
    return { from, to: from + (this.blocks.sizes[block] as number) };
  }

  /** The plan of the live object's type in a block; undefined where there is none. */
  planOf(block: number): TypePlan | undefined {
    const type = this.typeOf[block] as number;
    return type === 0 || type >= FREED ? undefined : this.types.plans[type & TYPE_NUMBER];
  }

  /** Gives a block to an object's: the first that asks has it. @returns the block's number; -1 where none begins there */
  claim(address: number, owner: number): number {
    const block = this.blockAt(address);
    if (block < 0 || block === owner || this.owner[block] !== 0) return -1;
    if (((this.typeOf[block] as number) & TRACKED) !== 0) return -1;
    this.owner[block] = owner + 1;
    return block;
  }

  #mayBeType(address: Address): boolean {
    if (address < this.from) return true;
    if (LEADS.some((lead) => this.blockAt(address - lead) >= 0)) return true;
    const block = this.blockAround(address);
    if (block < 0 || this.blocks.kinds[block] !== BlockKind.system) return false;
    if ((this.blocks.sizes[block] as number) < LEAST_DATA) return false;
    this.libraries.add(block);
    return true;
  }

  #findObjects(): void {
    const { types, typeOf, blocks } = this;
    const { u32 } = this.image;
    const { plans } = types;
    const { starts, sizes, count } = blocks;
    for (let block = 0; block < count; block++) {
      const w = (starts[block] as number) >>> 2;
      const size = sizes[block] as number;
      for (let ahead = 0; ahead <= 16 && ahead + 8 <= size; ahead += 8) {
        const type = types.numberOf(u32[w + ahead / 4 + 1] as number);
        if (type === 0) continue;
        const plan = plans[type] as TypePlan;
        if (plan.lead !== ahead || ahead + plan.leastSize > size) continue;
        typeOf[block] = this.#verdict(w, type, plan, size);
        break;
      }
    }
  }

  /** What `typeOf` says of a block with what looks like an object of a type. */
  #verdict(w: number, type: number, plan: TypePlan, size: number): number {
    const { u32 } = this.image;
    if (plan.lead > 0) {
      // The collector's list leads back here.
      const head = w + plan.lead / 4 - 2;
      const next = (u32[head] as number) & ~3;
      if (next !== 0 && ((u32[(next >>> 2) + 1] ?? 0) & ~3) === head << 2) return type | TRACKED;
    }
    const at = w + plan.lead / 4;
    const count = u32[at] as number;
    // CPython makes lists of those that it keeps for the next ones of their type: by their count (3.14), else by other words.
    if (count === 0) return (type | FREED) >>> 0;
    if (count >= LEAST_IMMORTAL && count >= this.image.u8.length) return type;
    if ((count & 3) === 0 && u32[(count >>> 2) + 1] === plan.address) return (type | FREED) >>> 0;
    if (!this.#isObject(count)) return type;
    // Two pointers, the second to a type, in a block that is no object; or so many references.
    const length = u32[at + 2] as number;
    if (plan.shape === Shape.text || plan.shape === Shape.bytes) {
      return plan.leastSize + length <= size ? type : 0;
    }
    return 0;
  }

  /** Is a count rather the address of an object? */
  #isObject(count: number): boolean {
    if (count >= this.from) return this.blockAt(count) >= 0 || this.blockAt(count - 8) >= 0;
    if (count < LEAST_ADDRESS || (count & 3) !== 0) return false;
    return this.types.numberOf(this.image.u32[(count >>> 2) + 1] as number) !== 0;
  }
}
