/**
 * Arenas: memory taken from the arena allocator in large pieces, cut into pools, and given back when
 * all of its pools are free again.
 *
 * Pools come from the usable arena with the *fewest* free pools, as in CPython: the full arenas stay
 * full, so that the emptier ones have a chance to become empty. CPython keeps one list sorted by that
 * number; here one list per number and a bit for each that is not empty do the same without a search.
 */

import { arenaAlloc, arenaFree, root, tableRealloc } from "./host";
import {
  ARENA_REQUEST,
  ARENA_SIZE,
  Arena,
  BOOKS,
  Books,
  BY_FREE_COUNT,
  EMPTY_LEAF,
  FIRST_ARENA_SLOTS,
  LEAF_BITS,
  LEAF_BYTES,
  MAP,
  MAP_ENTRIES,
  POOL_BITS,
  POOL_MASK,
  POOL_SIZE,
  Pool,
} from "./layout";

export function books(): Books {
  return changetype<Books>(root + BOOKS);
}

export function arenaAt(slot: u32): Arena {
  return changetype<Arena>(books().arenas + slot * offsetof<Arena>());
}

/** Pools start at multiples of their size; what lies before the first one is lost. */
export function firstPoolOf(base: usize): usize {
  return (base + POOL_MASK) & ~POOL_MASK;
}

/** How many whole pools an arena at `base` holds. */
export function poolCountOf(base: usize): u32 {
  return <u32>((base + ARENA_SIZE - firstPoolOf(base)) >>> POOL_BITS);
}

/** Writes the empty state into a root that is all zeros. */
export function resetArenas(): void {
  for (let entry: usize = 0; entry < MAP_ENTRIES; entry++) {
    store<usize>(root + MAP + entry * sizeof<usize>(), root + EMPTY_LEAF);
  }
}

// ------------------------------------------------------------------------------- the arena map

/**
 * Is `p` in a pool? One bit for each pool-sized page of the address space, in leaves that exist only
 * where arenas are; elsewhere the map points to one leaf of zeros. It answers for any 32-bit number,
 * and reads no memory that is not ours (the check of Python 2.3 read the caller's page first).
 */
export function addressInRange(p: usize): bool {
  return <bool>((load<u32>(mapWordOf(p)) >>> <u32>(p >>> POOL_BITS)) & 1);
}

/** The word of the map that has the bit for `p`. */
function mapWordOf(p: usize): usize {
  const leaf = load<usize>(root + (p >>> LEAF_BITS) * sizeof<usize>(), MAP);
  return leaf + (((p >>> (POOL_BITS + 5)) * sizeof<u32>()) & (LEAF_BYTES - 1));
}

/** Makes the leaf of an address its own; false when there is no memory for it. */
function ensureLeaf(p: usize): bool {
  const entry = root + MAP + (p >>> LEAF_BITS) * sizeof<usize>();
  if (load<usize>(entry) !== root + EMPTY_LEAF) return true;
  const leaf = tableRealloc(0, LEAF_BYTES);
  if (leaf === 0) return false;
  memory.fill(leaf, 0, LEAF_BYTES);
  store<usize>(entry, leaf);
  return true;
}

function flipMap(firstPool: usize, poolCount: u32): void {
  for (let p = firstPool; p < firstPool + ((<usize>poolCount) << POOL_BITS); p += POOL_SIZE) {
    const at = mapWordOf(p);
    store<u32>(at, load<u32>(at) ^ ((<u32>1) << (<u32>(p >>> POOL_BITS) & 31)));
  }
}

// ------------------------------------------------------------------- arenas by their free pools

/** Where slot + 1 of the first arena with `freeCount` free pools is kept. */
export function bucketOf(freeCount: u32): usize {
  return root + BY_FREE_COUNT + (freeCount - 1) * sizeof<u32>();
}

/** The bit of `usable` that says whether that list has an arena. */
export function bitOf(freeCount: u32): u64 {
  return (<u64>1) << (<u64>(freeCount - 1));
}

function link(slot: u32): void {
  const arena = arenaAt(slot);
  if (arena.freeCount === 0) return;
  const bucket = bucketOf(arena.freeCount);
  const first = load<u32>(bucket);
  arena.next = first;
  arena.prev = 0;
  if (first !== 0) arenaAt(first - 1).prev = slot + 1;
  store<u32>(bucket, slot + 1);
  books().usable |= bitOf(arena.freeCount);
}

function unlink(slot: u32): void {
  const arena = arenaAt(slot);
  if (arena.freeCount === 0) return;
  if (arena.next !== 0) arenaAt(arena.next - 1).prev = arena.prev;
  if (arena.prev !== 0) {
    arenaAt(arena.prev - 1).next = arena.next;
    return;
  }
  store<u32>(bucketOf(arena.freeCount), arena.next);
  if (arena.next === 0) books().usable &= ~bitOf(arena.freeCount);
}

/** Has another arena than this one a free pool? */
function anotherIsUsable(arena: Arena): bool {
  const usable = books().usable;
  if (arena.freeCount === 0) return usable !== 0;
  return usable !== bitOf(arena.freeCount) || (arena.next | arena.prev) !== 0;
}

// ------------------------------------------------------------------------------ coming and going

/** An unused slot, which stays in its list until the arena is there; 0 means none, else slot + 1. */
function ensureSlot(): u32 {
  const book = books();
  if (book.unusedSlot !== 0) return book.unusedSlot;
  const before = book.arenaSlots;
  const after = max(before * 2, FIRST_ARENA_SLOTS);
  const table = tableRealloc(book.arenas, after * offsetof<Arena>());
  if (table === 0) return 0;
  book.arenas = table;
  book.arenaSlots = after;
  for (let slot = before; slot < after; slot++) {
    arenaAt(slot).base = 0;
    arenaAt(slot).next = slot + 1 < after ? slot + 2 : 0;
  }
  book.unusedSlot = before + 1;
  return book.unusedSlot;
}

/** Is this one of the requests that the host wants served by the raw domain? */
export function holdsOff(): bool {
  const book = books();
  if (book.holdOff === 0) return false;
  book.holdOff--;
  return true;
}

/** Takes one more arena; false, with nothing lost, when there is no memory for it. */
export function newArena(): bool {
  const reserved = ensureSlot();
  if (reserved === 0) return false;
  const slot = reserved - 1;
  const base = arenaAlloc(ARENA_REQUEST);
  if (base === 0) return false;
  const first = firstPoolOf(base);
  const poolCount = poolCountOf(base);
  if (!ensureLeaf(first) || !ensureLeaf(first + ((<usize>(poolCount - 1)) << POOL_BITS))) {
    arenaFree(base, ARENA_REQUEST);
    return false;
  }
  const arena = arenaAt(slot);
  const book = books();
  book.unusedSlot = arena.next;
  arena.base = base;
  arena.freePools = 0;
  arena.fresh = first;
  arena.freeCount = poolCount;
  arena.poolCount = poolCount;
  flipMap(first, poolCount);
  link(slot);
  book.arenasAllocated++;
  book.arenasCurrent++;
  book.arenasHighwater = max<u32>(book.arenasHighwater, book.arenasCurrent);
  return true;
}

function releaseArena(slot: u32): void {
  const arena = arenaAt(slot);
  const book = books();
  flipMap(firstPoolOf(arena.base), arena.poolCount);
  arenaFree(arena.base, ARENA_REQUEST);
  arena.base = 0;
  arena.next = book.unusedSlot;
  book.unusedSlot = slot + 1;
  book.arenasReclaimed++;
  book.arenasCurrent--;
}

/** A free pool of the fullest usable arena, its header still that of its last use; 0 for none. */
export function takePool(): usize {
  const usable = books().usable;
  if (usable === 0) return 0;
  const slot = load<u32>(bucketOf(<u32>ctz(usable) + 1)) - 1;
  const arena = arenaAt(slot);
  unlink(slot);
  arena.freeCount--;
  link(slot);
  let address = arena.freePools;
  if (address !== 0) {
    arena.freePools = changetype<usize>(changetype<Pool>(address).next);
  } else {
    address = arena.fresh;
    arena.fresh = address + POOL_SIZE;
    changetype<Pool>(address).arena = slot;
  }
  return address;
}

/**
 * Gives a pool back to its arena, and the arena back when that was its last pool in use. True when the
 * arena has just become one whose empty pools may not stay (`mayStayEmpty`).
 */
export function givePool(pool: Pool): bool {
  const slot = pool.arena;
  const arena = arenaAt(slot);
  pool.size = 0;
  pool.next = changetype<Pool>(arena.freePools);
  arena.freePools = changetype<usize>(pool);
  unlink(slot);
  arena.freeCount++;
  // As in CPython, the last usable arena stays: the next pool would only take it again.
  if (arena.freeCount === arena.poolCount && books().usable !== 0) {
    releaseArena(slot);
    return false;
  }
  link(slot);
  return arena.freeCount === (arena.poolCount >> 1) + 1 && anotherIsUsable(arena);
}

/**
 * May a pool stay in the list of its class when it becomes empty, at hand for the next request? Not in an
 * arena that is emptying while another one could serve: that would keep both.
 */
export function mayStayEmpty(pool: Pool): bool {
  const arena = arenaAt(pool.arena);
  return arena.freeCount <= arena.poolCount >> 1 || !anotherIsUsable(arena);
}
