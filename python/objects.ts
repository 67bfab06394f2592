/** Python's objects in the blocks of an interpreter: which type, and what it is called. Nothing here believes what it reads. */
import { type Address, MemoryViews } from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";

/** Where CPython 3.12 to 3.15 have the fields of an object and of a type, in 32 bits (Include/cpython/object.h). */
const Offsets = {
  type: 4,
  length: 8,
  typeName: 12,
  basicSize: 16,
  itemSize: 20,
  typeFlags: 84,
} as const;

/** Flags of a type (Include/object.h). */
export const TypeFlags = {
  /** Two words come before the object: its dictionary or its inline values, and its weak references. */
  preHeader: (1 << 3) | (1 << 4),
  /** The collector's two words come before the object. */
  collected: 1 << 14,
  list: 1 << 25,
  tuple: 1 << 26,
  dict: 1 << 29,
  type: 1 << 31,
} as const;

const LONGEST_NAME = 80;
const MOST_BYTES = 1 << 20;
const MOST_METATYPES = 8;

/** How many bytes can come before an object in its block: that depends on its type. */
export const LEADS = [0, 8, 16] as const;

export interface PythonObject {
  readonly address: Address;
  readonly type: Address;
}

export class ObjectReader {
  readonly #views: MemoryViews;
  readonly #heapBase: Address;
  readonly #typeOfTypes: Address | undefined;
  /** What is known of addresses that were taken for a type's: its name, if it is one. */
  readonly #names = new Map<Address, string | undefined>();

  constructor({ memory, heapBase, addressOf }: EmscriptenProgram) {
    this.#views = new MemoryViews(memory);
    this.#heapBase = heapBase;
    this.#typeOfTypes = addressOf("PyType_Type");
  }

  /** The word at an address; 0 outside of the memory, and where no word can lie. */
  word(address: Address): number {
    return address % 4 === 0 ? (this.#views.u32[address >>> 2] ?? 0) : 0;
  }

  /** The object in the block of an object at an address; undefined where there is none that is known to be one. */
  objectAt(block: Address): PythonObject | undefined {
    for (const lead of LEADS) {
      const address = block + lead;
      const type = this.word(address + Offsets.type);
      if (this.nameOf(type) !== undefined && this.#leadOf(type) === lead) return { address, type };
    }
    return undefined;
  }

  /** How many bytes it has from its address on, as its type says: no more than a megabyte. */
  sizeOf({ address, type }: PythonObject): number {
    const items = this.word(type + Offsets.itemSize) * this.word(address + Offsets.length);
    const size = this.word(type + Offsets.basicSize) + items;
    return Math.min(size, MOST_BYTES);
  }

  /**
   * Is the object gone? CPython keeps the blocks of some, for the next ones of their type, and makes lists of them: then the
   * count is 0, or the address of the next. (Counts of immortal objects are beyond all addresses.)
   */
  isGone({ address }: PythonObject): boolean {
    const count = this.word(address);
    return count === 0 || (count >= this.#heapBase && count < this.#views.u8.length);
  }

  /** Has the type one of these flags? */
  has(type: Address, flags: number): boolean {
    return (this.word(type + Offsets.typeFlags) & flags) !== 0;
  }

  #leadOf(type: Address): number {
    const ahead = this.has(type, TypeFlags.preHeader) ? 8 : 0;
    return ahead + (this.has(type, TypeFlags.collected) ? 8 : 0);
  }

  /** The name of the type at an address; undefined where there is none. */
  nameOf(type: Address): string | undefined {
    if (this.#names.has(type)) return this.#names.get(type);
    const name = this.#isType(type) ? this.#textAt(this.word(type + Offsets.typeName)) : undefined;
    this.#names.set(type, name);
    return name;
  }

  /** The types of types end at `type`, after few steps. */
  #isType(address: Address): boolean {
    let type = this.word(address + Offsets.type);
    for (let steps = 0; steps < MOST_METATYPES; steps++) {
      if (!this.has(type, TypeFlags.type)) return false;
      if (type === this.#typeOfTypes) return true;
      type = this.word(type + Offsets.type);
    }
    return false;
  }

  /** A text of C's that can be a name: without blanks, or what is no character. */
  #textAt(start: Address): string | undefined {
    const { u8 } = this.#views;
    let text = "";
    for (let at = start; text.length < LONGEST_NAME; at++) {
      const byte = u8[at] ?? 0;
      if (byte === 0) break;
      if (byte <= 0x20 || byte >= 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    return text === "" ? undefined : text;
  }
}
