/** Size classes: class `c` serves the requests of `8 * c + 1` to `8 * c + 8` bytes. Pure arithmetic. */

import { ALIGNMENT, ARENA_SLICES, SLICE_SIZE } from "../layout";
import {
  ALIGNMENT_BITS,
  ARENA_RESERVE,
  LEAST_BLOCKS,
  MOST_UNSEEN,
  SLICE_BITS,
  SMALL_REQUEST_THRESHOLD,
  TAIL_BITS,
  UNSEEN_BITS,
} from "../policy/policy";

/** True for 1..SMALL_REQUEST_THRESHOLD; 0 wraps around and is not small. */
export function isSmall(bytes: usize): bool {
  return bytes - 1 < SMALL_REQUEST_THRESHOLD;
}

/** The class of a small request. */
export function classOf(bytes: usize): usize {
  return (bytes - 1) >>> ALIGNMENT_BITS;
}

/** The block size of a class, in bytes. */
export function sizeOf(sizeClass: usize): usize {
  return (sizeClass + 1) << ALIGNMENT_BITS;
}

/** A small request rounded up to the block size of its class. */
export function roundUp(bytes: usize): usize {
  return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/** Is the size a multiple of 16? */
export function isMultipleOf16(size: usize): bool {
  return (size & ALIGNMENT) === 0;
}

/** How many blocks of `size` bytes a pool holds whose first one is at `first`, and that ends at `end`. */
export function capacityOf(size: usize, first: usize, end: usize): usize {
  return (end - first) / size;
}

/** The slices of the shortest pool for blocks of `size` bytes, the first one at `first`. */
export function leastSlicesFor(size: usize, first: usize): u32 {
  const bytes = first + LEAST_BLOCKS * size + ARENA_RESERVE;
  return <u32>((bytes + SLICE_SIZE - 1) >>> SLICE_BITS);
}

/**
 * How many slices the next pool of a class should have: `least`, or a `1 << growthBits`th of those that it has, and more, up to
 * as many, where the blocks would leave too much of it unused. No block reaches into `lost` bytes of a pool.
 */
export function slicesFor(size: usize, least: u32, lost: usize, owned: u32, growthBits: u32): u32 {
  const most = min(owned, ARENA_SLICES);
  let slices = min(max(least, owned >>> growthBits), ARENA_SLICES);
  for (; slices < most; slices++) {
    const bytes = (<usize>slices) << SLICE_BITS;
    if ((bytes - lost) % size <= bytes >>> TAIL_BITS) break;
  }
  return slices;
}

/** After how many frees, at most, a full pool of so many blocks is looked at again. */
export function unseenOf(capacity: i32): i32 {
  return min(1 + (capacity >> UNSEEN_BITS), MOST_UNSEEN);
}
