/**
 * The debug heap's own books: the ledger, and what is reached from it. A wild write can hit them as well as anything
 * else, so nothing that stands in them is used before it was checked: an address lies in the memory and has the
 * mark there that says what it leads to, a number is in its range. What does not hold is reported as a broken
 * invariant, and when the host lets the program go on, it is dropped: memory is lost then, but nothing loops or traps.
 */

import { fault, root } from "./debug-host";
import { BROKEN_INVARIANT, Ledger, MAGIC, RAW } from "./debug-layout";

export function ledger(): Ledger {
  return changetype<Ledger>(root);
}

/** Does the memory reach over so many bytes from an address that is not 0? */
export function isInMemory(p: usize, bytes: u64): bool {
  return p !== 0 && <u64>p + bytes <= (<u64>memory.size()) << 16;
}

/** What a mark stands for. */
export const TABLE: u32 = 0;
export const SHADOW: u32 = 1;
export const RING: u32 = 2;
export const SPARE: u32 = 3;

const OF_RAW: u32 = 4;

/** What `markOf` says for SPARE, RAW and 0: a constant, because nothing is started in a program that this was linked into. */
export const SPARE_MARK: u32 = MAGIC ^ (OF_RAW | SPARE);

/** The first word of a table or a shadow, which says for which number (of a page, of 1024 pages) of a layer it is. */
export function markOf(what: u32, layer: u32, index: usize): u32 {
  return MAGIC ^ <u32>((index << 3) | (layer === RAW ? <usize>OF_RAW : 0) | what);
}

export function isMarked(p: usize, bytes: usize, mark: u32): bool {
  return isInMemory(p, bytes) && load<u32>(p) === mark;
}

/** Reports an invariant of the books that is broken at an address. It returns when the program is to go on. */
export function blameBooks(invariant: u32, address: usize): void {
  const book = ledger();
  book.faultCode = BROKEN_INVARIANT;
  book.faultInvariant = invariant;
  book.faultAddress = address;
  book.faultBlock = 0;
  book.faultEntry = 0;
  fault();
  book.lost = 1;
}
