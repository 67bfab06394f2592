/**
 * Arenas for the core's pools, where the malloc has room: it knows its holes. They begin at multiples of a slice, so that no slice is
 * lost, and in the lowest hole that has room for one, be it a short one: so the holes farther up stay long, for large blocks, and the
 * memory grows only where there is none.
 */

import { LONGEST_ARENA, SLICE_SIZE, Spare, UNIT_SIZE } from "../layout";
import { lowestFit, placeIn } from "./bins";
import { cut } from "./blocks";
import { isReady } from "./break";
import { find } from "./find";
import { granuleBits } from "./large-host";
import { addressOf, lengthAt } from "./map";

/** The core's arena allocator: see core/heap/heap-host.ts. */
export function arenaAlloc(): usize {
  if (!isReady()) return 0;
  const step = <u32>(SLICE_SIZE >>> granuleBits);
  const unit = <u32>(UNIT_SIZE >>> granuleBits);
  const longest = <u32>(LONGEST_ARENA >>> granuleBits);
  let free = lowestFit(unit, step);
  if (free === 0) free = find(longest, step);
  if (free === 0) return 0;
  const granule = placeIn(free, step);
  const units = min(free + lengthAt(free) - granule, longest) / unit;
  cut(free, granule, units * unit);
  const arena = addressOf(granule);
  changetype<Spare>(arena).units = units;
  return arena;
}
