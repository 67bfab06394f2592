/** What the linked core remembers: in linear memory as everything, behind the root. */

import { root } from "../heap/heap";
import { ROOT_SIZE } from "../layout";

@unmanaged
export class State {
  /** Which layout the heap has; whoever comes later can see whether it is one that he knows. */
  layout: u32;
  /** Were the records looked at? It is done once. */
  settled: bool;
  /** Does PYTHONMALLOC want pools? */
  wanted: bool;
  /** Are they in force in a domain, bare or below debug hooks? */
  placed: bool;
  /** Is PYTHONMALLOCSTATS set? */
  reports: bool;
  /** Was the memory for the foundation asked for? See `foundation.ts`. */
  founded: bool;
  /** Where it begins, its first arena that was never taken, and the list of those that came back; 0 for none. */
  foundation: usize;
  foundationNext: usize;
  foundationReturned: usize;
  /** What stood in the method table of `sys`. */
  theirBlocks: u32;
  theirStats: u32;
  /** Were debug hooks called? Only where the debug heap is linked in as well: see `pydebug/raw.ts`. */
  debugs: bool;
  /** Are mimalloc's blocks counted, and how many are there? See `counted.ts`. */
  isCounted: bool;
  counted: u32;
  /** The reserve's cell: see core/limit. */
  reserve: usize;
}

const STATE: usize = (ROOT_SIZE + 7) & ~7;

/** Offsets from the root. */
export const STATE_LAYOUT: usize = STATE + offsetof<State>("layout");
export const STATE_PLACED: usize = STATE + offsetof<State>("placed");
export const STATE_FOUNDATION: usize = STATE + offsetof<State>("foundation");
export const STATE_RESERVE: usize = STATE + offsetof<State>("reserve");
/** Room for two of CPython's records of allocators, where others stand in front of them. */
export const FRONTED: usize = STATE + offsetof<State>();
export const FRONTED_BYTES: usize = 40;
/** Where the texts begin; they are the last of what is taken before there is a heap. */
export const TEXTS: usize = (FRONTED + FRONTED_BYTES + 7) & ~7;

export function state(): State {
  return changetype<State>(root + STATE);
}
