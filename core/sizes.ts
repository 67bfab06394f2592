/** Size classes: class `c` serves the requests of `8 * c + 1` to `8 * c + 8` bytes. Pure arithmetic. */

import {
  ALIGNMENT,
  ALIGNMENT_BITS,
  POOL_END,
  POOL_HEADER,
  SMALL_REQUEST_THRESHOLD,
} from "./layout";

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

/** How many blocks of `size` bytes a pool holds. */
export function capacityOf(size: usize): usize {
  return (POOL_END - POOL_HEADER) / size;
}
