/**
 * What was given back becomes free memory, later and all at once.
 *
 * A short block that was given back waits for the next request of as much, as long as few of its length do. One more is dropped: its
 * bit in the map is cleared, and it is in a bin of its own. A sweep finds it in the map, by rising addresses, and makes one of it
 * and what is free beside it. So giving back costs little, and what lies together is given out together.
 *
 * A sweep reads all of the map and touches all free blocks. Where few were dropped, each of them is joined by itself.
 */

import { LONGEST_WAITING, SWEPT_BITS, SWEPT_EACH_BITS } from "../policy/policy";
import { clearBins, DROPPED, firstOf, putDropped, take } from "./bins";
import { layFree, release } from "./blocks";
import { granuleBits, largeRoot } from "./large-host";
import { blockBefore, clearStart, clearUsed, freeStarts, granuleOf, isUsed, lengthAt } from "./map";
import { state, waitingCell } from "./state";

/** A block in use is free from now on, but not a part of the free memory yet. */
export function drop(granule: u32, length: u32): void {
  const s = state();
  clearUsed(granule);
  putDropped(granule);
  s.dropped += length;
  s.drops++;
}

/** Fills the bins anew. Highest addresses come first, so that the lowest are first in their bins. */
function sweep(): void {
  const s = state();
  clearBins();
  let found: u32 = 0;
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
      found++;
      // Those of this word that lie before it, and the word that it begins in.
      word = granule | 31;
      starts = freeStarts(word) & ((1 << granule) - 1);
    }
    if ((word & ~31) <= first) break;
    word -= 32;
  }
  s.swept = found;
}

/** Joins what was dropped with what is free beside it: by a sweep, where that is worth it. */
function join(): void {
  const s = state();
  const words = granuleOf(s.end - largeRoot) >>> 5;
  if (s.drops << SWEPT_EACH_BITS >= max(words, s.swept)) {
    sweep();
  } else {
    for (let granule = firstOf(DROPPED); granule !== 0; granule = firstOf(DROPPED)) {
      take(granule);
      release(granule, lengthAt(granule));
    }
  }
  s.dropped = 0;
  s.drops = 0;
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
  if (s.drops === 0) return false;
  join();
  return true;
}

/** Joins what was dropped where that is a good part of the memory. */
export function joinInTime(): void {
  const s = state();
  if (s.dropped > granuleOf(s.end - largeRoot) >>> SWEPT_BITS) join();
}
