/** What the linked core remembers, in linear memory as everything: behind the root. */

import { root } from "../host";
import { ROOT_SIZE } from "../layout";

@unmanaged
export class State {
  /** Were the records looked at since the program last asked for PYTHONMALLOC? */
  settled: bool;
  /** Does PYTHONMALLOC want pools? */
  wanted: bool;
  /** Are they in force in a domain, bare or below debug hooks? */
  placed: bool;
  /** Is PYTHONMALLOCSTATS set? */
  reports: bool;
  /** What stood in the method table of `sys`. */
  theirBlocks: u32;
  theirStats: u32;
}

/** Bytes from the root on that the linked core takes before there is a heap: the root, this state, then texts. */
export const STATE: usize = (ROOT_SIZE + 7) & ~7;
export const TEXTS: usize = (STATE + offsetof<State>() + 7) & ~7;

export function state(): State {
  return changetype<State>(root + STATE);
}
