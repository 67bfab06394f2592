/**
 * Arenas for the core's pools, where the malloc has room: it knows its holes. They begin at multiples of a slice, so that no slice is
 * lost. A hole that is too short for a long arena gets a shorter one, and only then the last free block is used, behind which the
 * memory grows.
 */

import { LONGEST_ARENA, SLICE_SIZE, Spare, UNIT_SIZE } from "../layout";
import { ARENA_UNITS } from "../policy/policy";
import { bestFit, lengthOf, longestFit, placeIn } from "./bins";
import { cut } from "./blocks";
import { findLast, free as freeBlock, isReady } from "./large";
import { granuleBits } from "./large-host";
import { addressOf } from "./map";

/** The core's arena allocator: see core/heap/heap-host.ts. */
export function arenaAlloc(): usize {
  if (!isReady()) return 0;
  const step = <u32>(SLICE_SIZE >>> granuleBits);
  const longest = <u32>(LONGEST_ARENA >>> granuleBits);
  const shortest = <u32>(UNIT_SIZE >>> granuleBits);
  let length = longest;
  let free = bestFit(longest, step);
  if (free === 0) {
    free = longestFit(shortest, longest, step);
    if (free !== 0) {
      const room = lengthOf(free) - (placeIn(free, step) - free);
      length = room - (room % shortest);
    } else {
      free = findLast(longest, step);
      if (free === 0) return 0;
    }
  }
  const granule = placeIn(free, step);
  cut(free, granule, length);
  const arena = addressOf(granule);
  changetype<Spare>(arena).units = min(length / shortest, <u32>ARENA_UNITS);
  return arena;
}

export function arenaFree(p: usize, _bytes: usize): void {
  freeBlock(p);
}
