/**
 * The memory as TLSF sees it: it ends at a break of our own, at or below the real end.
 *
 * TLSF traps where C's malloc returns NULL, so `index.ts` makes room beyond the break before it asks
 * TLSF for anything; TLSF then grows into that room. The compiler is told to use this namespace wherever
 * TLSF says `memory` (`--use memory=modules/tlsf/break/break_`). The break is kept in linear memory, as
 * all state is: a copy of the memory is a copy of the heap.
 */

import { memory as linear } from "memory";

/** Where the break is kept, in pages: below the module's static data, which starts at 1024. */
const BREAK: usize = 16;

/** The break at first. The pages behind it may be there already, and are room. */
const FIRST: i32 = 1;

export namespace break_ {
  /** Pages up to the break. */
  export function size(): i32 {
    const pages = load<i32>(BREAK);
    return pages !== 0 ? pages : FIRST;
  }

  /** Moves the break up, if the real memory reaches that far. */
  export function grow(pages: i32): i32 {
    const before = size();
    if (before + pages > linear.size()) return -1;
    store<i32>(BREAK, before + pages);
    return before;
  }

  /** Has the real memory `pages` pages beyond the break, or can it be made to have them? */
  export function makeRoom(pages: i32): bool {
    const end = size();
    const missing = end + pages - linear.size();
    if (missing <= 0) return true;
    // Growing costs some microseconds, so it grows by a sixteenth where it can.
    return linear.grow(max(missing, end >> 4)) >= 0 || linear.grow(missing) >= 0;
  }

  /** Leaves the pages from the break up to `end` to someone else; false where there is no memory for them. */
  export function skip(end: i32): bool {
    if (!makeRoom(end - size())) return false;
    store<i32>(BREAK, end);
    return true;
  }

  export function copy(to: usize, from: usize, bytes: usize): void {
    linear.copy(to, from, bytes);
  }

  export function fill(p: usize, byte: u8, bytes: usize): void {
    linear.fill(p, byte, bytes);
  }
}
