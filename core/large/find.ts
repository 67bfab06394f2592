/** Where a block can be: in free memory, in what was given back, in more memory. */

import { ALL, bestFit, lastFit, MANY, SOME } from "./bins";
import { grow } from "./break";
import { joinInTime, settle } from "./sweep";

/** A free block for so many granules at a multiple of `step`: a good hole, or the last one before the break; 0 for none. */
function fit(length: u32, step: u32, most: u32): u32 {
  const hole = bestFit(length, step, most);
  return hole !== 0 ? hole : lastFit(length, step);
}

/** The same; where there is none, with all that was given back made free, and then with more memory. */
export function find(length: u32, step: u32): u32 {
  joinInTime();
  let free = fit(length, step, SOME);
  if (free !== 0) return free;
  settle();
  free = fit(length, step, MANY);
  if (free !== 0) return free;
  free = grow(length, step);
  return free !== 0 ? free : fit(length, step, ALL);
}
