/**
 * Pools: equal blocks in a row of slices. The pools of a size class that may have a free block are in one
 * circular list.
 *
 *     no pool, free slices --- malloc finds no block in the class ---> in the list of its class
 *            ^                                                          |              ^
 *            |                                          malloc finds it without     some blocks of it
 *            |                                          a block                     are freed
 *            |                                                          v              |
 *            +------------- its last block is freed                   full, in no list
 *
 * The more slices a class has, the longer is its next pool: a rare size takes a kilobyte, a common one all that is free
 * in an arena. And before the memory of a lean heap grows, a class uses what the next larger one has got back.
 *
 * The only pool in a list is pinned: it stays there when its last block is freed, since the next malloc
 * of its class would have to bring it back. Its bias is 1, so that free never sees it become empty.
 *
 * A full pool has a bias that makes free look at it only when it has got some blocks back. Where many pools
 * are full, most frees meet a full one, and with each it would come into the list for a single malloc.
 *
 * Blocks are carved lazily: a pool's memory is linked into its free list a kilobyte at a time,
 * so that what is never asked for is never touched.
 *
 * What calls out of the core is `refill`, and `retire` with all that retires a pool: they do so last, or look at everything anew.
 */

import {
  CLASS_SLICES,
  HEAD_SIZE,
  HEADS,
  Head,
  LENT,
  POOL_HEADER,
  Pool,
  SIZE_CLASSES,
  STATE_FREE_MASK,
  STATE_USED_ONE,
} from "../layout";
import { CARVE_BYTES, GROWTH_BITS, LEAN_GROWTH_BITS, LEAN_THRESHOLD } from "../policy/policy";
import {
  approachArena,
  books,
  givePool,
  giveSpares,
  holdsOff,
  isLean,
  mayStayEmpty,
  reserve,
  slicesOf,
  takePool,
} from "./arenas";
import { root } from "./heap-host";
import { classOf, isMultipleOf16, leastSlicesFor, sizeOf, slicesFor, unseenOf } from "./sizes";

export function headOf(sizeClass: usize): Head {
  return changetype<Head>(root + HEADS + sizeClass * HEAD_SIZE);
}

/** A head in the guise of a pool that has no free block. */
export function asPool(head: Head): Pool {
  return changetype<Pool>(head);
}

/** Where the slices of a class's pools are counted. */
export function slicesCell(sizeClass: usize): usize {
  return root + CLASS_SLICES + sizeClass * sizeof<u32>();
}

/** Blocks of a pool that are in use. */
export function usedIn(pool: Pool): u32 {
  return (pool.state >>> 16) - <u32>(<i32>pool.bias);
}

/**
 * Offset of a pool's first block. In a heap that guests may live in, all blocks of a size that is a multiple of 16 are at
 * one as well, for C's malloc (`include/pymalloc_malloc.c`); they begin 8 bytes later for that.
 */
export function firstBlockOf(size: usize): usize {
  return isMultipleOf16(size) ? POOL_HEADER + books().indent : POOL_HEADER;
}

export function resetPools(): void {
  for (let sizeClass: usize = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const head = headOf(sizeClass);
    head.next = asPool(head);
    head.prev = asPool(head);
    head.current = asPool(head);
  }
}

function setBias(pool: Pool, bias: i32): void {
  pool.state += (<u32>(bias - <i32>pool.bias)) << 16;
  pool.bias = <i16>bias;
}

/** Puts a pool in front of the list of its class. One that was pinned there has to make room, or to go. */
function link(pool: Pool, head: Head): void {
  const first = head.next;
  pool.next = first;
  pool.prev = asPool(head);
  first.prev = pool;
  head.next = pool;
  if (first !== asPool(head) && first.bias !== 0) unpinOrRetire(first);
  const only = head.next;
  const isAlone = only !== asPool(head) && only.next === asPool(head);
  if (isAlone && only.bias === 0 && mayStayEmpty(only)) setBias(only, 1);
}

/** Is this the current pool of that class? Then it is not any more. */
function forget(pool: Pool, head: Head): void {
  if (head.current === pool) head.current = asPool(head);
}

function unlink(pool: Pool): void {
  pool.next.prev = pool.prev;
  pool.prev.next = pool.next;
  const sizeClass = classOf(pool.size);
  forget(pool, headOf(sizeClass));
  // It may be lent.
  if (sizeClass !== 0) forget(pool, headOf(sizeClass - 1));
}

let isQuiet: bool = false;

/** From now on, and until it is told otherwise, an arena that becomes empty waits among the spares, and nobody is called. */
export function setQuiet(quiet: bool): void {
  isQuiet = quiet;
}

/** Takes a pool out of the list of its class and gives it back. True when its arena begins to empty: see `givePool`. */
function giveBack(pool: Pool): bool {
  unlink(pool);
  const cell = slicesCell(classOf(pool.size));
  store<u32>(cell, load<u32>(cell) - slicesOf(pool));
  return givePool(pool);
}

/** For "no pool": also what null is. */
const NONE: Pool = changetype<Pool>(<usize>0);

/**
 * Unpins pools of the classes from one on, all that are empty or all that are where they may not stay, up to one that is empty;
 * NONE when no more is.
 */
function unpinFrom(first: usize, all: bool): Pool {
  for (let sizeClass = first; sizeClass < SIZE_CLASSES; sizeClass++) {
    const head = headOf(sizeClass);
    const pool = head.next;
    if (pool === asPool(head) || pool.bias === 0) continue;
    // Its state counts its bias, too, which is 1.
    const waits = pool.state < 2 * STATE_USED_ONE;
    if (all ? !waits : mayStayEmpty(pool)) continue;
    setBias(pool, 0);
    if (waits) return pool;
  }
  return NONE;
}

/** Gives an empty pool back, and when its arena begins to empty, all that wait empty where they may not. It calls out last. */
function retire(first: Pool): void {
  let begins = false;
  for (let pool = first; pool !== NONE; pool = begins ? unpinFrom(0, false) : NONE) {
    if (giveBack(pool)) begins = true;
  }
  if (!isQuiet) giveSpares();
}

/** Ends the privilege of a pinned pool. */
function unpinOrRetire(pool: Pool): void {
  setBias(pool, 0);
  if (pool.state < STATE_USED_ONE) retire(pool);
}

/** Links the next few blocks into the free list, which is empty, in the order of their addresses. */
function carve(pool: Pool): void {
  const size = <usize>pool.size;
  const base = changetype<usize>(pool);
  const first = <usize>pool.carved;
  const end = min(<usize>pool.end, first + max(CARVE_BYTES, size));
  let offset = first;
  for (; offset + 2 * size <= end; offset += size) store<u16>(base + offset, <u16>(offset + size));
  store<u16>(base + offset, 0);
  pool.carved = <u16>(offset + size);
  pool.state |= <u32>first;
}

function hasFree(pool: Pool): bool {
  return (pool.state & STATE_FREE_MASK) !== 0;
}

/** Are there blocks that were never in the free list? */
function hasUncarved(pool: Pool): bool {
  return <usize>pool.carved + <usize>pool.size <= <usize>pool.end;
}

/** Gives back the pools that wait empty, each class's once: whoever is called meanwhile may make others. */
function collectEmpty(): void {
  for (let pool = unpinFrom(0, true); pool !== NONE; ) {
    const next = classOf(pool.size) + 1;
    retire(pool);
    pool = unpinFrom(next, true);
  }
}

/** Adds a pool from a usable arena to a class, as its current one. False when there is no such arena. */
function addPool(sizeClass: usize, head: Head): bool {
  const size = sizeOf(sizeClass);
  const cell = slicesCell(sizeClass);
  const owned = load<u32>(cell);
  const growthBits = isLean() ? LEAN_GROWTH_BITS : GROWTH_BITS;
  const first = firstBlockOf(size);
  const least = leastSlicesFor(size, first);
  const most = slicesFor(size, least, first + reserve(), owned, growthBits);
  const address = takePool(least, most, size, first);
  if (address === 0) return false;
  const pool = changetype<Pool>(address);
  store<u32>(cell, owned + slicesOf(pool));
  carve(pool);
  link(pool, head);
  head.current = pool;
  return true;
}

/** The first pool of a class that is not full, after those that are were taken out of its list; 0 for none. */
function usablePool(head: Head): usize {
  for (let pool = head.next; pool !== asPool(head); pool = head.next) {
    if (hasFree(pool) || hasUncarved(pool)) return changetype<usize>(pool);
    unlink(pool);
    const capacity = <i32>usedIn(pool);
    setBias(pool, unseenOf(capacity) - capacity);
  }
  return 0;
}

/**
 * Lends a class a pool of the next larger one for its current pool, where that has blocks that came back: they
 * would lie idle while the memory grows. False when it has none.
 */
function borrow(sizeClass: usize, head: Head): bool {
  // The next larger class's blocks are not at multiples of 16.
  if (sizeClass === SIZE_CLASSES - 1 || firstBlockOf(sizeOf(sizeClass)) !== POOL_HEADER)
    return false;
  const address = usablePool(headOf(sizeClass + 1));
  if (address === 0) return false;
  const pool = changetype<Pool>(address);
  if (!hasFree(pool) || hasUncarved(pool)) return false;
  // The only pool, and as good as empty: it will be its own class's again, and nobody could tell.
  if (pool.bias === 0 || usedIn(pool) > 1) pool.end |= LENT;
  head.current = pool;
  return true;
}

/** May blocks of this pool have been asked for as such of the next smaller class? */
export function wasLent(pool: Pool): bool {
  return (pool.end & LENT) !== 0;
}

/** Makes a pool that the class has the current one. False when none of them has room. */
function useOwn(head: Head): bool {
  const address = usablePool(head);
  if (address === 0) return false;
  const pool = changetype<Pool>(address);
  if (!hasFree(pool)) carve(pool);
  head.current = pool;
  return true;
}

/**
 * Makes a pool with a free block the current one of a class, when that has none: one that the class has, or one
 * from anywhere. False when there is no memory, or the raw domain should serve the request. It may call out, and
 * so after that looks for a pool as if for the first time.
 */
export function refill(sizeClass: usize): bool {
  const head = headOf(sizeClass);
  if (useOwn(head)) return true;
  if (isLean() && sizeOf(sizeClass) > LEAN_THRESHOLD) return false;
  if (addPool(sizeClass, head) || (isLean() && borrow(sizeClass, head))) return true;
  if (holdsOff()) return false;
  collectEmpty();
  // What is found after a step serves; only when there is nothing still, the step after that makes an arena.
  do {
    if (useOwn(head) || addPool(sizeClass, head)) return true;
  } while (approachArena());
  giveSpares();
  return false;
}

/**
 * The rare end of a free, after the block is in the free list: the pool was full and has got enough blocks
 * back to be of use, or no block of it is in use any more. It calls out last.
 */
export function settle(pool: Pool): void {
  if (pool.bias === 0) {
    retire(pool);
  } else {
    setBias(pool, 0);
    link(pool, headOf(classOf(pool.size)));
  }
}
