/** What a root is, and what roots are looked for with. */
import type { Address } from "../../base/base.js";
import type { MemoryImage } from "../memory/memory.js";

/** Something that holds an object from outside of the heap. */
export interface Root {
  /** "modules", "frames", "JavaScript", "interned strings", "static types", "interpreter", "static data", "C stack". */
  readonly group: string;
  /** `module app`, `local i of f (app.py:12)`, `PyList_Type +0x84`. */
  readonly name: string;
  /** What it holds: an object, or a plain block. */
  readonly address: Address;
  /** Is it a word of which is not known what it is? */
  readonly isWord?: boolean;
}

/** What is known of the blocks of the memory. */
export interface Lookup {
  /** The node that an address is the beginning of; 0 for none. */
  nodeAt(address: Address): number;
  /** Where blocks begin: below is static data. */
  readonly from: Address;
  /** The data of libraries that were loaded: blocks with static data of theirs. */
  readonly libraries: readonly Range[];
}

/** Finds what holds the objects of a heap from outside. */
export type RootFinder = (image: MemoryImage, lookup: Lookup) => readonly Root[];

/** Addresses from one up to another. */
export interface Range {
  readonly from: Address;
  readonly to: Address;
}
