/** Where a block can be: in free memory, in what was given back, in more memory. */

import { bestFit, lastFit } from "./bins";
import { grow } from "./break";
import { settle, sweepInTime } from "./sweep";

/** A free block for so many granules at a multiple of `step`: the best hole, or the last one before the break; 0 for none. */
function fit(length: u32, step: u32): u32 {
  const hole = bestFit(length, step);
  return hole !== 0 ? hole : lastFit(length, step);
}

/** The same; where there is none, with all that was given back made free, and then with more memory. */
export function find(length: u32, step: u32): u32 {
  sweepInTime();
  let free = fit(length, step);
  if (free === 0 && settle()) free = fit(length, step);
  return free !== 0 ? free : grow(length + step - 1);
}
