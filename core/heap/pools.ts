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
  LENT,
  LIST_SIZE,
  LISTS,
  List,
  POOL_HEADER,
  Pool,
  RECENT,
  SIZE_CLASSES,
  STATE_FREE_MASK,
  STATE_USED_ONE,
} from "../layout";
import { CARVE_BYTES, GROWTH_BITS, LEAN_GROWTH_BITS, LEAN_THRESHOLD } from "../policy/policy";
import {
  approachArena,
  arenaAt,
  books,
  givePool,
  giveSpares,
  holdsOff,
  isLean,
  mayStayEmpty,
  reserve,
  sliceAt,
  sliceCountOf,
  slicesOf,
  takePool,
} from "./arenas";
import { root } from "./heap-host";
import { releaseKept } from "./kept";
import { classOf, isMultipleOf16, leastSlicesFor, sizeOf, slicesFor, unseenOf } from "./sizes";

/** Where malloc looks for a block of a class. (As the load's own offset HEADS costs no instruction.) */
export function currentOf(sizeClass: usize): Pool {
  return load<Pool>(root + sizeClass * HEAD_SIZE, HEADS);
}

export function makeCurrent(pool: Pool, sizeClass: usize): void {
  store<Pool>(root + sizeClass * HEAD_SIZE, pool, HEADS);
}

export function listOf(sizeClass: usize): List {
  return changetype<List>(root + LISTS + sizeClass * LIST_SIZE);
}

/** The end of a list in the guise of a pool that has no free block. */
export function asPool(list: List): Pool {
  return changetype<Pool>(list);
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
    const list = listOf(sizeClass);
    list.next = asPool(list);
    list.prev = asPool(list);
    makeCurrent(asPool(list), sizeClass);
  }
  setRecent(asPool(listOf(0)));
}

function setBias(pool: Pool, bias: i32): void {
  pool.state += (<u32>(bias - <i32>pool.bias)) << 16;
  pool.bias = <i16>bias;
}

/** Puts a pool in front of the list of its class. One that was pinned there has to make room, or to go. */
function link(pool: Pool, list: List): void {
  const first = list.next;
  pool.next = first;
  pool.prev = asPool(list);
  first.prev = pool;
  list.next = pool;
  if (first !== asPool(list) && unpin(first)) retire(first);
  const only = list.next;
  const isAlone = only !== asPool(list) && only.next === asPool(list);
  if (isAlone && only.bias === 0 && mayStayEmpty(only)) setBias(only, 1);
}

/** Is this the current pool of that class? Then it is not any more. */
function forget(pool: Pool, sizeClass: usize): void {
  if (currentOf(sizeClass) === pool) makeCurrent(asPool(listOf(sizeClass)), sizeClass);
}

/** The pool that a block was freed into last. */
export function recentPool(): Pool {
  return load<Pool>(root + RECENT);
}

export function setRecent(pool: Pool): void {
  store<Pool>(root + RECENT, pool);
}

function unlink(pool: Pool): void {
  pool.next.prev = pool.prev;
  pool.prev.next = pool.next;
  const sizeClass = classOf(pool.size);
  forget(pool, sizeClass);
  if (recentPool() === pool) setRecent(asPool(listOf(0)));
  // It may be lent.
  if (sizeClass !== 0) forget(pool, sizeClass - 1);
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

/** Ends the privilege of a pool, if it is pinned; is it empty? */
function unpin(pool: Pool): bool {
  if (pool.bias <= 0) return false;
  setBias(pool, 0);
  return pool.state < STATE_USED_ONE;
}

/** Unpins the pools of an arena up to one that is empty; NONE when no more is. */
function unpinIn(slot: u32): Pool {
  const arena = arenaAt(slot);
  if (arena.base === 0) return NONE;
  for (let slice: u32 = 0; slice < sliceCountOf(arena); ) {
    const pool = changetype<Pool>(sliceAt(arena, slice));
    const isFree = ((arena.free >>> slice) & 1) !== 0;
    if (!isFree && unpin(pool)) return pool;
    slice += isFree ? 1 : slicesOf(pool);
  }
  return NONE;
}

/** Gives an empty pool back, and when its arena begins to empty, all that wait empty there. It calls out last. */
function retire(first: Pool): void {
  const slot = first.arena;
  if (giveBack(first)) {
    for (let pool = unpinIn(slot); pool !== NONE; pool = unpinIn(slot)) giveBack(pool);
  }
  if (!isQuiet) giveSpares();
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

export function hasFree(pool: Pool): bool {
  return (pool.state & STATE_FREE_MASK) !== 0;
}

/** Are there blocks that were never in the free list? */
function hasUncarved(pool: Pool): bool {
  return <usize>pool.carved + <usize>pool.size <= <usize>pool.end;
}

/** Gives back the pools that wait empty, each class's once: whoever is called meanwhile may make others. */
function collectEmpty(): void {
  for (let sizeClass: usize = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const list = listOf(sizeClass);
    const pool = list.next;
    // Its state counts its bias, too, which is 1.
    if (pool === asPool(list) || pool.state >= 2 * STATE_USED_ONE) continue;
    if (unpin(pool)) retire(pool);
  }
}

/** Adds a pool from a usable arena to a class, as its current one. False when there is no such arena. */
function addPool(sizeClass: usize): bool {
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
  link(pool, listOf(sizeClass));
  makeCurrent(pool, sizeClass);
  return true;
}

/** The first pool of a class that is not full, after those that are were taken out of its list; NONE for none. */
function usablePool(sizeClass: usize): Pool {
  const list = listOf(sizeClass);
  for (let pool = list.next; pool !== asPool(list); pool = list.next) {
    if (hasFree(pool) || hasUncarved(pool)) return pool;
    unlink(pool);
    const capacity = <i32>usedIn(pool);
    setBias(pool, unseenOf(capacity) - capacity);
  }
  return NONE;
}

/**
 * Lends a class a pool of the next larger one for its current pool, where that has blocks that came back: they
 * would lie idle while the memory grows. False when it has none.
 */
function borrow(sizeClass: usize): bool {
  // The next larger class's blocks are not at multiples of 16.
  if (sizeClass === SIZE_CLASSES - 1 || firstBlockOf(sizeOf(sizeClass)) !== POOL_HEADER)
    return false;
  const pool = usablePool(sizeClass + 1);
  if (pool === NONE || !hasFree(pool) || hasUncarved(pool)) return false;
  // The only pool, and as good as empty: it will be its own class's again, and nobody could tell.
  if (pool.bias === 0 || usedIn(pool) > 1) pool.end |= LENT;
  makeCurrent(pool, sizeClass);
  return true;
}

/** May blocks of this pool have been asked for as such of the next smaller class? */
export function wasLent(pool: Pool): bool {
  return (pool.end & LENT) !== 0;
}

/** Makes a pool that the class has the current one. False when none of them has room. */
function useOwn(sizeClass: usize): bool {
  const pool = usablePool(sizeClass);
  if (pool === NONE) return false;
  if (!hasFree(pool)) carve(pool);
  makeCurrent(pool, sizeClass);
  return true;
}

/**
 * Makes a pool with a free block the current one of a class, when that has none: one that the class has, or one
 * from anywhere. False when there is no memory, or the raw domain should serve the request. It may call out, and
 * so after that looks for a pool as if for the first time.
 */
export function refill(sizeClass: usize): bool {
  if (useOwn(sizeClass)) return true;
  if (isLean() && sizeOf(sizeClass) > LEAN_THRESHOLD) return false;
  if (addPool(sizeClass) || (isLean() && borrow(sizeClass))) return true;
  if (holdsOff()) return false;
  collectEmpty();
  // Its place may be what an arena lacks.
  releaseKept();
  // What is found after a step serves; only when there is nothing still, the step after that makes an arena.
  do {
    if (useOwn(sizeClass) || addPool(sizeClass)) return true;
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
    link(pool, listOf(classOf(pool.size)));
  }
}
