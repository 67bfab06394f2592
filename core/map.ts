/**
 * The map of slices: for any 32-bit number, is it an address in a pool, and in which?
 *
 * One byte for each slice of the address space, in leaves that exist only where arenas are. It says how far
 * the slice is into its pool. No memory that is not ours is read (the check of Python 2.3 read the
 * caller's page first).
 */

import { root, tableRealloc } from "./host";
import { LEAF_BITS, LEAF_BYTES, MAP, Pool, SLICE_BITS, SLICE_MASK, SLICE_SIZE } from "./layout";

/** Where the address of the leaf for `p` is kept; 0 is kept where there is none. */
function leafEntry(p: usize): usize {
  return root + MAP + (p >>> LEAF_BITS) * sizeof<usize>();
}

/** The slice of its pool that `p` lies in, counted from 1; 0 when it lies in no pool. */
export function sliceInPool(p: usize): u32 {
  const leaf = load<usize>(leafEntry(p));
  return leaf === 0 ? 0 : load<u8>(leaf + ((p >>> SLICE_BITS) & (LEAF_BYTES - 1)));
}

export function addressInRange(p: usize): bool {
  return sliceInPool(p) !== 0;
}

/** The pool of an address for which `sliceInPool` said `slice`. */
export function poolAt(p: usize, slice: u32): Pool {
  return changetype<Pool>((p & ~SLICE_MASK) - ((<usize>slice) << SLICE_BITS) + SLICE_SIZE);
}

/** Where the pool begins that any address lies in; 0 when it lies in none. */
export function poolOf(p: usize): usize {
  const slice = sliceInPool(p);
  return slice === 0 ? 0 : changetype<usize>(poolAt(p, slice));
}

/** Makes sure that an address has a leaf; false when there is no memory for it. */
export function ensureLeaf(p: usize): bool {
  const entry = leafEntry(p);
  if (load<usize>(entry) !== 0) return true;
  const leaf = tableRealloc(0, LEAF_BYTES);
  if (leaf === 0) return false;
  memory.fill(leaf, 0, LEAF_BYTES);
  store<usize>(entry, leaf);
  return true;
}

/** Writes what the map says of so many slices, which have leaves: they are a pool, or in none. */
export function writeMap(first: usize, slices: u32, arePool: bool): void {
  for (let slice: u32 = 0; slice < slices; slice++) {
    const p = first + ((<usize>slice) << SLICE_BITS);
    const at = load<usize>(leafEntry(p)) + ((p >>> SLICE_BITS) & (LEAF_BYTES - 1));
    store<u8>(at, arePool ? <u8>(slice + 1) : 0);
  }
}
