/**
 * The memory as TLSF sees it: it ends at a break of our own, at or below the real end.
 *
 * TLSF traps where C's malloc returns NULL, and doubles the memory where a few pages would do. So it never grows
 * it: `large.ts` moves the break and gives TLSF what lies before it. The compiler is told to use this namespace
 * wherever TLSF says `memory` (`--use memory=core/large/break/break_`). The break is kept in linear memory, as
 * all state is: a copy of the memory is a copy of the heap.
 */

import { memory as linear } from "memory";
import { BREAK_SLACK_BITS } from "../policy/policy";

/** Where the break is kept, in pages: below the module's static data, which starts at 1024. */
export const BREAK: usize = 16;

/** The break at first. The pages behind it may be there already, and are room. */
const FIRST: i32 = 1;

/** A break behind page 65,536 would be at address 2^32, which is 0. */
const LAST: i32 = 65535;

export namespace break_ {
  /** Pages up to the break. */
  export function size(): i32 {
    const pages = load<i32>(BREAK);
    return pages !== 0 ? pages : FIRST;
  }

  /** Whoever asks TLSF for a block has seen that it has one. */
  export function grow(_pages: i32): i32 {
    return -1;
  }

  /** Moves the break to `end`, which is not below it; false where there is no memory up to there. */
  export function move(end: i32): bool {
    if (end > LAST) return false;
    const missing = end - linear.size();
    const more = min(max(missing, size() >> BREAK_SLACK_BITS), LAST - linear.size());
    if (missing > 0 && linear.grow(more) < 0 && linear.grow(missing) < 0) return false;
    store<i32>(BREAK, end);
    return true;
  }

  /** Moves the break back to where it was. What lies behind it then is room again. */
  export function back(end: i32): void {
    store<i32>(BREAK, end);
  }

  export function copy(to: usize, from: usize, bytes: usize): void {
    linear.copy(to, from, bytes);
  }

  export function fill(p: usize, byte: u8, bytes: usize): void {
    linear.fill(p, byte, bytes);
  }
}
