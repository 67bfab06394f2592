/** The invariants of a heap, each by its number in docs/invariants.md, and the error where one is broken. */
import { hex } from "./address.js";
import { PyMemError } from "./errors.js";
import { fillIn } from "./patterns.js";
import type { Address } from "./types.js";

/** What docs/invariants.md says at length. */
export const invariants: Readonly<Record<number, string>> = {
  1: "each slot of the table of arenas holds an arena or is in the list of unused slots",
  2: "an arena of one to eight units lies in the memory, and only its whole slices can be free",
  3: "the map of slices knows every slice of every pool",
  4: "the slices of an arena that are not free are those of its pools",
  5: "a pool knows its arena",
  6: "the arenas have as many units as the books say",
  7: "at most one arena is wholly free, the others are given back",
  8: "each arena with free slices is in the list for their number",
  9: "a pool's blocks are of one size class and fill it from its header on",
  10: "a pool has no more blocks in use than carved, and no more carved than fit",
  11: "a full pool is in no list, and fewer of its blocks are free than make free look at it",
  12: "a pool's free list holds each of its free blocks once",
  13: "the list of a size class is circular, it and the current pool are of that class, and the last free was in a pool",
  14: "an empty pool stays in the list of its class only while it is alone there",
  15: "a pool that is not full is in the list of its class",
  16: "units allocated = units reclaimed + current, and none is above the high-water mark",
  17: "the count of a class's slices is that of the slices of its pools",
  18: "memory for an arena that is in no table lies in the memory",
  19: "the numbers of the debug heap's ledger are in their ranges, and its counts are right",
  20: "the debug heap's directories lead to its tables, and those to its shadows",
  21: "an entry of the shadow is what the debug heap wrote there",
  22: "the quarantine holds dead blocks, and as many bytes as the debug heap's ledger says",
};

/** Those of the malloc of an own memory. */
const ofMalloc: Record<number, string> = {
  23: "the state of an own memory's malloc knows its granule, and a break in the memory",
  24: "that malloc's maps lie in a block of its own, and reach up to the break",
  25: "its blocks follow each other from its state up to the break, behind which none begins",
  26: "the length of a long block stands at both ends of its part of the maps",
  27: "free blocks lie side by side only where they were dropped",
  28: "each free block is in the bin for its length, once",
  29: "a block that waits is in use and in the list for its length, once",
};

/** How it is said that the one of this number, `%d`, is broken at the address `%a`; what it says follows. */
export const invariantPattern = "heap invariant %d is broken at %a: ";

function broken(invariant: number, address: Address, what: string | undefined): PyMemError {
  const message = `${fillIn(invariantPattern, { d: invariant, a: hex(address) })}${what}`;
  return new PyMemError("broken-invariant", message, { address, invariant });
}

/** The error of `validate` for an invariant, by its number. */
export function brokenInvariant(invariant: number, address: Address): PyMemError {
  return broken(invariant, address, invariants[invariant]);
}

/** ... for one of the malloc's of an own memory. */
export function brokenInMalloc(invariant: number, address: Address): PyMemError {
  return broken(invariant, address, ofMalloc[invariant]);
}
