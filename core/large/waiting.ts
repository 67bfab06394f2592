/**
 * Blocks that wait: what was given back, up to LONGEST_WAITING granules, is the first to be given out again for as much. Such a block
 * is in use as far as the maps know. Before the memory becomes longer they all become free memory.
 */

import { release } from "./blocks";
import { granuleOf } from "./map";
import { LONGEST_WAITING, state, waitingCell } from "./state";

/** All that wait become free memory; were there any? */
export function releaseWaiting(): bool {
  const s = state();
  if (s.waits === 0) return false;
  s.waits = 0;
  for (let length: u32 = 1; length <= LONGEST_WAITING; length++) {
    const cell = waitingCell(length);
    let p = load<usize>(cell);
    store<usize>(cell, 0);
    while (p !== 0) {
      const next = load<usize>(p);
      release(granuleOf(p), length);
      p = next;
    }
  }
  return true;
}
