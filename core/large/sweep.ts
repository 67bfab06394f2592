/**
 * What was given back becomes free memory, later and all at once.
 *
 * A short block that was given back waits for the next request of as much, as long as few of its length do. Of one more only the bit
 * in the map is cleared: it is dropped. A sweep finds it there, by rising addresses, and makes one of it and what is free beside
 * it. So giving back costs little, and what lies together is given out together.
 */

import { LONGEST_WAITING, SWEPT_BITS } from "../policy/policy";
import { clearBins, leaveOut } from "./bins";
import { layFree } from "./blocks";
import { granuleBits, largeRoot } from "./large-host";
import { blockBefore, clearStart, clearUsed, freeStarts, granuleOf, isUsed, lengthAt } from "./map";
import { state, waitingCell } from "./state";

/** A block in use is free from now on, and in no bin before the next sweep. */
export function drop(granule: u32, length: u32): void {
  clearUsed(granule);
  leaveOut(granule);
  state().dropped += length;
}

/** Fills the bins anew. Highest addresses come first, so that the lowest are first in their bins. */
function sweep(): void {
  const s = state();
  s.dropped = 0;
  clearBins();
  const first = granuleOf(largeRoot);
  let word = granuleOf(s.end) | 31;
  for (;;) {
    for (let starts = freeStarts(word); starts !== 0; ) {
      let granule = (word & ~31) + 31 - <u32>clz(starts);
      const behind = granule + lengthAt(granule);
      for (let left = blockBefore(granule); !isUsed(left); left = blockBefore(granule)) {
        clearStart(granule);
        granule = left;
      }
      layFree(granule, behind - granule);
      // Those of this word that lie before it, and the word that it begins in.
      word = granule | 31;
      starts = freeStarts(word) & ((1 << granule) - 1);
    }
    if ((word & ~31) <= first) return;
    word -= 32;
  }
}

/** All that wait are dropped, and all that was dropped becomes free memory; was there anything? */
export function settle(): bool {
  const s = state();
  if (s.waits !== 0) {
    s.waits = 0;
    for (let length: u32 = 1; (<usize>length) << granuleBits <= LONGEST_WAITING; length++) {
      const cell = waitingCell(length);
      let p = load<usize>(cell);
      store<u64>(cell, 0);
      while (p !== 0) {
        const next = load<usize>(p);
        drop(granuleOf(p), length);
        p = next;
      }
    }
  }
  if (s.dropped === 0) return false;
  sweep();
  return true;
}

/** Sweeps where a good part of the memory was dropped. */
export function sweepInTime(): void {
  const s = state();
  if (s.dropped > granuleOf(s.end - largeRoot) >>> SWEPT_BITS) sweep();
}
