/**
 * malloc, calloc, realloc and free of the object domain: small requests from pools, the rest from the
 * raw domain (CPython: Objects/obmalloc.c, _PyObject_Malloc and its kin).
 *
 * An exported function *is* its fast path: a call level more would cost as much as the work. `takeFrom` and
 * `put` make no call, so the compiler copies them into every function that uses them.
 */

import {
  ALIGNMENT,
  MAX_REQUEST,
  NO_POOL,
  Pool,
  ROOT_SIZE,
  STATE_FREE_MASK,
  STATE_USED_ONE,
} from "../layout";
import { WORDWISE } from "../policy/policy";
import { books, giveSpares } from "./arenas";
import { root } from "./heap-host";
import { largeCalloc, largeFree, largeMalloc, largeRealloc, releaseKept } from "./kept";
import { isMapped, mappedSlice, poolAt, sliceInPool } from "./map";
import {
  currentOf,
  hasFree,
  makeCurrent,
  recentPool,
  refill,
  resetPools,
  setQuiet,
  setRecent,
  settle,
  wasLent,
} from "./pools";
import { rawMalloc } from "./raw";
import { classOf, isSmall, roundUp } from "./sizes";

/** Writes the state of an empty heap into the root; `indent` is what `Books` says. */
export function initialize(indent: u32): void {
  memory.fill(root, 0, ROOT_SIZE);
  resetPools();
  books().indent = indent;
}

/** The first free block of a pool that has one. */
export function takeFrom(pool: Pool): usize {
  const state = pool.state;
  const offset = state & STATE_FREE_MASK;
  const p = changetype<usize>(pool) + offset;
  pool.state = state - offset + STATE_USED_ONE + <u32>load<u16>(p);
  return p;
}

/** Every other case of malloc. */
export function takeSlowly(bytes: usize): usize {
  if (bytes === 0) return malloc(1);
  if (!isSmall(bytes)) return counted(largeMalloc(bytes));
  const recent = recentPool();
  if (<usize>recent.size === roundUp(bytes) && hasFree(recent)) {
    makeCurrent(recent, classOf(bytes));
    return takeFrom(recent);
  }
  if (refill(classOf(bytes))) return takeFrom(currentOf(classOf(bytes)));
  // A small block of the raw domain is to fill a hole, and a block that waits may lie in one.
  releaseKept();
  // The raw domain also serves what no arena could be had for, as whole words: we copy and clear those.
  return counted(rawMalloc(roundUp(bytes)));
}

/** A block that the raw domain gave, if it is one. */
function counted(p: usize): usize {
  if (p !== 0) books().rawBlocks++;
  return p;
}

/** Puts a block back into the free list of its pool; true when the pool then has to be settled. */
export function put(pool: Pool, p: usize): bool {
  const state = pool.state;
  store<u16>(p, <u16>state);
  const after = ((state - STATE_USED_ONE) & ~STATE_FREE_MASK) | <u32>(p - changetype<usize>(pool));
  pool.state = after;
  setRecent(pool);
  return after < STATE_USED_ONE;
}

/** A block that is not in a pool. */
export function putRaw(p: usize): void {
  if (p === 0) return;
  largeFree(p); // first: a debug hook below may refuse it by throwing
  books().rawBlocks--;
}

/**
 * A block of at least `bytes` bytes, 8-aligned; 0 when there is no memory or `bytes` is over
 * 0x7fffffff. 0 bytes give a block of their own.
 */
export function malloc(bytes: usize): usize {
  if (isSmall(bytes)) {
    const current = currentOf(classOf(bytes));
    if (hasFree(current)) return takeFrom(current);
  }
  return takeSlowly(bytes);
}

/** Gives a block back; 0 is ignored, and what is not ours goes to the raw domain. */
export function free(p: usize): void {
  // Not `sliceInPool`: that would make one condition of two, and test it once more.
  if (isMapped(p)) {
    const slice = mappedSlice(p);
    if (slice !== NO_POOL) {
      const pool = poolAt(p, slice);
      if (put(pool, p)) settle(pool);
      return;
    }
  }
  putRaw(p);
}

/** A block for `count * size` bytes, all 0; 0 when the product is over 0x7fffffff or there is no memory. */
export function calloc(count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  if (bytes > MAX_REQUEST) return 0;
  if (!isSmall(<usize>bytes) && bytes !== 0) {
    return counted(largeCalloc(count, size));
  }
  const p = malloc(<usize>bytes);
  if (p !== 0) clear(p, roundUp(<usize>bytes));
  return p;
}

/**
 * Changes the size of a block and keeps its content up to the smaller one; the block may move. 0 as in
 * malloc, and then `p` is as it was. `realloc(0, n)` is malloc(n); 0 bytes leave a block of the smallest
 * kind. A block stays when the new size fits and is of its class, or fills over three quarters of it. In a pool that was
 * lent nobody knows of which class a block is: its pool's, or the next smaller one.
 */
export function realloc(p: usize, bytes: usize): usize {
  if (p === 0) return malloc(bytes);
  // A block that is not ours stays where it is: nobody here knows how much of it could be copied.
  const slice = sliceInPool(p);
  if (slice === NO_POOL) return largeRealloc(p, bytes);
  const pool = poolAt(p, slice);
  const size = <usize>pool.size;
  const fits = bytes <= size;
  const least = wasLent(pool) ? size - ALIGNMENT : size;
  if (fits && (roundUp(max<usize>(bytes, 1)) >= least || bytes * 4 > size * 3)) return p;
  giveSpares(); // what the realloc before this one may have left
  const moved = malloc(bytes);
  // A smaller block that can't be had is no failure: the old one still serves.
  if (moved === 0) return fits ? p : 0;
  copy(moved, p, fits ? roundUp(bytes) : size);
  // What somebody throws who is called from here on would take `moved` with it.
  setQuiet(true);
  free(p);
  setQuiet(false);
  return moved;
}

function clear(p: usize, bytes: usize): void {
  if (bytes > WORDWISE) {
    memory.fill(p, 0, bytes);
  } else {
    for (const end = p + bytes; p < end; p += 8) store<u64>(p, 0);
  }
}

function copy(to: usize, from: usize, bytes: usize): void {
  if (bytes > WORDWISE) {
    memory.copy(to, from, bytes);
  } else {
    for (const end = from + bytes; from < end; from += 8, to += 8) store<u64>(to, load<u64>(from));
  }
}
