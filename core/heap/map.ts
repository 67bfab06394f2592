/**
 * The map of slices: for any 32-bit number, is it an address in a pool, and in which?
 *
 * One byte for each slice of the address space up to the last arena. It says how far the slice is
 * into its pool. No memory that is not ours is read (the check of Python 2.3 read the caller's page first).
 */

import { MAP, NO_POOL, Pool, SliceMap } from "../layout";
import { MAP_GRANULE, MAP_SLACK_BITS, SLICE_BITS } from "../policy/policy";
import { root, tableFree, tableRealloc } from "./heap-host";

export function sliceMap(): SliceMap {
  return changetype<SliceMap>(root + MAP);
}

/** The slice of its pool that `p` lies in, counted from 0; NO_POOL when it lies in none. */
export function sliceInPool(p: usize): u32 {
  return isMapped(p) ? mappedSlice(p) : NO_POOL;
}

/** Is there a byte for the slice of `p`? If so, it is what `mappedSlice` reads. */
export function isMapped(p: usize): bool {
  return p >>> SLICE_BITS < sliceMap().count;
}

export function mappedSlice(p: usize): u32 {
  return load<u8>(sliceMap().origin + (p >>> SLICE_BITS));
}

export function addressInRange(p: usize): bool {
  return sliceInPool(p) !== NO_POOL;
}

/** The pool of an address for which `sliceInPool` said `slice`. */
export function poolAt(p: usize, slice: u32): Pool {
  return changetype<Pool>(((p >>> SLICE_BITS) - slice) << SLICE_BITS);
}

/** Where the pool begins that any address lies in; 0 when it lies in none. */
export function poolOf(p: usize): usize {
  const slice = sliceInPool(p);
  return slice === NO_POOL ? 0 : changetype<usize>(poolAt(p, slice));
}

/** Has the map a byte for each of so many slices from an address on? */
export function isCovered(p: usize, slices: usize): bool {
  return (p >>> SLICE_BITS) + slices <= sliceMap().count;
}

/** Makes the map longer, for so many slices from an address on; false when there is no memory for that. */
export function growMap(p: usize, slices: usize): bool {
  const map = sliceMap();
  const count = map.count;
  const old = map.origin;
  const needed = (p >>> SLICE_BITS) + slices;
  // The next arenas come behind this one.
  const after = needed + (needed >>> MAP_SLACK_BITS) + MAP_GRANULE;
  const bytes = tableRealloc(old, after);
  if (bytes === 0) return false;
  if (map.count !== count) {
    // The heap was used meanwhile: the map is another one, and longer already.
    tableFree(bytes);
    return true;
  }
  memory.fill(bytes + count, <u8>NO_POOL, after - count);
  map.origin = bytes;
  map.count = after;
  tableFree(old);
  return true;
}

/** Writes what the map says of so many slices, which are in it: they are a pool, or in none. */
export function writeMap(p: usize, slices: u32, arePool: bool): void {
  const at = sliceMap().origin + (p >>> SLICE_BITS);
  for (let slice: u32 = 0; slice < slices; slice++) {
    store<u8>(at + slice, <u8>(arePool ? slice : NO_POOL));
  }
}
