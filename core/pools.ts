/**
 * Pools: a page of equal blocks each, in one circular list per size class.
 *
 *     free, in its arena --- malloc finds no block in the class ---> in the list of its class
 *            ^                                                          |              ^
 *            |                                          malloc finds it without     one of its blocks
 *            |                                          a block                     is freed
 *            |                                                          v              |
 *            +------------- its last block is freed                   full, in no list
 *
 * (A full pool that gets one block back waits for the next malloc before it goes into the list: `settle`.)
 *
 * The only pool in a list is pinned: it stays there when its last block is freed, since the next malloc
 * of its class would have to bring it back. A pinned pool counts one block more than are in use, so that
 * free never sees it become empty and stays on its short path.
 *
 * Blocks are carved lazily: a pool's memory is linked into its free list a kilobyte at a time,
 * so that what is never asked for is never touched.
 */

import { givePool, holdsOff, mayStayEmpty, newArena, takePool } from "./arenas";
import { root } from "./host";
import {
  CARVE_BYTES,
  HEAD_SIZE,
  HEADS,
  Head,
  POOL_END,
  POOL_HEADER,
  POOL_MASK,
  Pool,
  SIZE_CLASSES,
  STATE_FREE_MASK,
  STATE_FULL,
  STATE_USED_ONE,
} from "./layout";
import { classOf, sizeOf } from "./sizes";

export function headOf(sizeClass: usize): Head {
  return changetype<Head>(root + HEADS + sizeClass * HEAD_SIZE);
}

/** A head in the guise of a pool that has no free block. */
export function asPool(head: Head): Pool {
  return changetype<Pool>(head);
}

/** The pool that an address in range lies in. */
export function poolOf(p: usize): Pool {
  return changetype<Pool>(p & ~POOL_MASK);
}

/** Blocks of a pool that are in use. */
export function usedIn(pool: Pool): u32 {
  return ((pool.state & ~STATE_FULL) >>> 16) - pool.pinned;
}

export function resetPools(): void {
  for (let sizeClass: usize = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const head = headOf(sizeClass);
    head.next = asPool(head);
    head.prev = asPool(head);
    head.current = asPool(head);
  }
}

function pin(pool: Pool): void {
  pool.pinned = 1;
  pool.state += STATE_USED_ONE;
}

function unpin(pool: Pool): void {
  pool.state -= <u32>pool.pinned * STATE_USED_ONE;
  pool.pinned = 0;
}

/** Puts a pool in front of the list of its class. */
function link(pool: Pool, head: Head): void {
  if (head.next !== asPool(head)) unpinOrRetire(head.next);
  const first = head.next;
  if (first === asPool(head) && mayStayEmpty(pool)) pin(pool);
  pool.next = first;
  pool.prev = asPool(head);
  first.prev = pool;
  head.next = pool;
}

function unlink(pool: Pool): void {
  pool.next.prev = pool.prev;
  pool.prev.next = pool.next;
  const head = headOf(classOf(pool.size));
  if (head.current === pool) head.current = asPool(head);
}

/** Takes a pool out of the list of its class and gives it back. */
function retire(pool: Pool): void {
  unlink(pool);
  if (givePool(pool)) collectEmpty(false);
}

/** Ends the privilege of a pool that was pinned, or not. */
function unpinOrRetire(pool: Pool): void {
  unpin(pool);
  if (pool.state < STATE_USED_ONE) retire(pool);
}

/** Links the next few blocks into the free list, which is empty, in the order of their addresses. */
function carve(pool: Pool): void {
  const size = <usize>pool.size;
  const base = changetype<usize>(pool);
  const first = <usize>pool.carved;
  const end = min(POOL_END, first + max(CARVE_BYTES, size));
  let offset = first;
  for (; offset + 2 * size <= end; offset += size) store<u16>(base + offset, <u16>(offset + size));
  store<u16>(base + offset, 0);
  pool.carved = <u16>(offset + size);
  pool.state |= <u32>first;
}

/** Are there blocks that were never in the free list? */
function hasUncarved(pool: Pool): bool {
  return <usize>pool.carved + <usize>pool.size <= POOL_END;
}

/** Unpins pools: all that are empty, or all that are in arenas where they may not stay. */
function collectEmpty(all: bool): void {
  for (let sizeClass: usize = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const head = headOf(sizeClass);
    const pool = head.next;
    if (pool === asPool(head) || pool.pinned === 0) continue;
    if (all ? usedIn(pool) === 0 : !mayStayEmpty(pool)) unpinOrRetire(pool);
  }
}

/** A pool from anywhere: a usable arena, another class that does not need it, a new arena; 0 for none. */
function findPool(): usize {
  const pool = takePool();
  if (pool !== 0) return pool;
  if (holdsOff()) return 0;
  collectEmpty(true);
  const collected = takePool();
  if (collected !== 0) return collected;
  return newArena() ? takePool() : 0;
}

/**
 * Makes a pool with a free block the current one of a class, when that has none: carves more blocks, or
 * takes full pools out of the list, or adds a pool. False when there is no memory.
 */
export function refill(sizeClass: usize): bool {
  const head = headOf(sizeClass);
  for (let pool = head.next; pool !== asPool(head); pool = head.next) {
    const hasFree = (pool.state & STATE_FREE_MASK) !== 0;
    if (hasFree || hasUncarved(pool)) {
      if (!hasFree) carve(pool);
      head.current = pool;
      return true;
    }
    unlink(pool);
    unpin(pool);
    pool.state |= STATE_FULL;
  }
  const address = findPool();
  if (address === 0) return false;
  const pool = changetype<Pool>(address);
  pool.state = 0;
  pool.size = <u16>sizeOf(sizeClass);
  pool.carved = <u16>POOL_HEADER;
  pool.pinned = 0;
  carve(pool);
  link(pool, head);
  head.current = pool;
  return true;
}

/** A full pool has free blocks again, and comes back into the list of its class. */
function relink(pool: Pool, head: Head): void {
  pool.state &= ~STATE_FULL;
  link(pool, head);
}

/**
 * The two rare ends of a free, after the block is in the free list: the pool was full, or no block of it
 * is in use any more.
 *
 * A full pool that gets its first block back becomes the current one and stays out of the list: the next
 * malloc of the class takes just that block, and the pool is full again without having been linked in
 * and out. Only when another free comes first does a pool with free blocks need a place in the list.
 */
export function settle(pool: Pool): void {
  if (<i32>pool.state < 0) {
    const head = headOf(classOf(pool.size));
    const first = changetype<usize>(pool) + (pool.state & STATE_FREE_MASK);
    if (load<u16>(first) === 0) {
      const before = head.current;
      head.current = pool;
      const waits = <i32>before.state < 0 && (before.state & STATE_FREE_MASK) !== 0;
      if (waits && before !== pool) relink(before, head);
      return;
    }
    relink(pool, head);
  }
  if (pool.state < STATE_USED_ONE) retire(pool);
}
