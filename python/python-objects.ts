/** Python's objects in the blocks of an interpreter: which type, and what it is called. Nothing here believes what it reads. */
import { type Address, MemoryViews } from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { LEADS, ObjectFields, TypeFlags } from "./structs.js";

const LONGEST_NAME = 80;
const MOST_BYTES = 1 << 20;
const MOST_METATYPES = 8;

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

  /** The byte at an address; 0 outside of the memory. */
  byte(address: Address): number {
    return this.#views.u8[address] ?? 0;
  }

  /** The object in the block of an object at an address; undefined where there is none that is known to be one. */
  objectAt(block: Address): PythonObject | undefined {
    for (const lead of LEADS) {
      const address = block + lead;
      const type = this.word(address + ObjectFields.type);
      if (this.nameOf(type) !== undefined && this.#leadOf(type) === lead) return { address, type };
    }
    return undefined;
  }

  /** How many bytes it has from its address on, as its type says: no more than a megabyte. */
  sizeOf({ address, type }: PythonObject): number {
    const items =
      this.word(type + ObjectFields.itemSize) * this.word(address + ObjectFields.length);
    const size = this.word(type + ObjectFields.basicSize) + items;
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
    return (this.word(type + ObjectFields.typeFlags) & flags) !== 0;
  }

  #leadOf(type: Address): number {
    const ahead = this.has(type, TypeFlags.preHeader) ? 8 : 0;
    return ahead + (this.has(type, TypeFlags.collected) ? 8 : 0);
  }

  /** The name of the type at an address; undefined where there is none. */
  nameOf(type: Address): string | undefined {
    if (this.#names.has(type)) return this.#names.get(type);
    const name = this.#isType(type)
      ? this.#textAt(this.word(type + ObjectFields.typeName))
      : undefined;
    this.#names.set(type, name);
    return name;
  }

  /** The types of types end at `type`, after few steps. */
  #isType(address: Address): boolean {
    let type = this.word(address + ObjectFields.type);
    for (let steps = 0; steps < MOST_METATYPES; steps++) {
      if (!this.has(type, TypeFlags.type)) return false;
      if (type === this.#typeOfTypes) return true;
      type = this.word(type + ObjectFields.type);
    }
    return false;
  }

  /** A text of C's that can be a name: without blanks, or what is no character. */
  #textAt(start: Address): string | undefined {
    let text = "";
    for (let at = start; text.length < LONGEST_NAME; at++) {
      const byte = this.byte(at);
      if (byte === 0) break;
      if (byte <= 0x20 || byte >= 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    return text === "" ? undefined : text;
  }
}
