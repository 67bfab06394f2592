/**
 * Arenas: memory taken from the arena allocator, cut into slices, and given back when all of its slices are
 * free again. A pool is a row of slices.
 *
 * One request is for the longest arena, and where the host knows of a hole in its memory, for as many units as fit there. (CPython's
 * arenas are all of one length.)
 *
 * Pools come from the usable arena with the *fewest* free slices, as in CPython: the full arenas stay
 * full, so that the emptier ones have a chance to become empty. CPython keeps one list sorted by that
 * number; here one list per number and a bit for each that is not empty do the same without a search.
 *
 * Only `approachArena` and `giveSpares` call out of the core: what holds when they do is said in `heap-host.ts`.
 */

import { Arena, BOOKS, Books, BY_FREE_SLICES, Pool, SLICE_MASK, Spare } from "../layout";
import {
  ARENA_RESERVE,
  FIRST_ARENA_SLOTS,
  LEAN_UNITS,
  SLICE_BITS,
  UNIT_BITS,
} from "../policy/policy";
import { arenaAlloc, arenaFree, root, tableFree, tableRealloc } from "./heap-host";
import { growMap, isCovered, writeMap } from "./map";

export function books(): Books {
  return changetype<Books>(root + BOOKS);
}

/** Is the heap still to take as little memory as it can? See LEAN_UNITS. */
export function isLean(): bool {
  return books().unitsHighwater <= LEAN_UNITS;
}

export function arenaAt(slot: u32): Arena {
  return changetype<Arena>(books().arenas + slot * offsetof<Arena>());
}

/** Slices start at multiples of their size; what lies before the first one is lost. */
function firstSliceFrom(base: usize): usize {
  return (base + SLICE_MASK) & ~SLICE_MASK;
}

/** How many whole slices so many units at an address hold. */
function sliceCountFrom(base: usize, units: u32): u32 {
  return <u32>((base + (units << (<u32>UNIT_BITS)) - firstSliceFrom(base)) >>> SLICE_BITS);
}

export function firstSliceOf(arena: Arena): usize {
  return firstSliceFrom(arena.base);
}

/** How many whole slices an arena holds. */
export function sliceCountOf(arena: Arena): u32 {
  return sliceCountFrom(arena.base, arena.units);
}

/** How many whole slices an arena of this memory would hold. */
export function sliceCountOfSpare(spare: Spare): u32 {
  return sliceCountFrom(changetype<usize>(spare), spare.units);
}

/** Where a slice of an arena begins. */
export function sliceAt(arena: Arena, slice: u32): usize {
  return firstSliceOf(arena) + ((<usize>slice) << SLICE_BITS);
}

/** How many slices a pool has. */
export function slicesOf(pool: Pool): u32 {
  return (<u32>pool.end + <u32>ARENA_RESERVE) >>> <u32>SLICE_BITS;
}

/**
 * What a pool leaves free at its end. Only the arena's last pool has to; the others have it back in a heap where pools are indented.
 */
export function reserve(): usize {
  return books().indent === 0 ? ARENA_RESERVE : 0;
}

/** The offset past which no block of a pool of so many slices may reach. */
export function endOf(arena: Arena, slice: u32, slices: u32): u32 {
  const free = slice + slices === sliceCountOf(arena) ? ARENA_RESERVE : reserve();
  return (slices << (<u32>SLICE_BITS)) - <u32>free;
}

// -------------------------------------------------------------------- arenas by their free slices

export function freeCountOf(arena: Arena): u32 {
  return <u32>popcnt(arena.free);
}

/** Where slot + 1 of the first arena with `freeCount` free slices is kept. */
export function bucketOf(freeCount: u32): usize {
  return root + BY_FREE_SLICES + (freeCount - 1) * sizeof<u32>();
}

/** The bit of `usable` that says whether that list has an arena. */
export function bitOf(freeCount: u32): u32 {
  return 1 << (freeCount - 1);
}

function link(slot: u32): void {
  const arena = arenaAt(slot);
  if (arena.free === 0) return;
  const bucket = bucketOf(freeCountOf(arena));
  const first = load<u32>(bucket);
  arena.next = first;
  arena.prev = 0;
  if (first !== 0) arenaAt(first - 1).prev = slot + 1;
  store<u32>(bucket, slot + 1);
  books().usable |= bitOf(freeCountOf(arena));
}

function unlink(slot: u32): void {
  const arena = arenaAt(slot);
  if (arena.free === 0) return;
  if (arena.next !== 0) arenaAt(arena.next - 1).prev = arena.prev;
  if (arena.prev !== 0) {
    arenaAt(arena.prev - 1).next = arena.next;
    return;
  }
  store<u32>(bucketOf(freeCountOf(arena)), arena.next);
  if (arena.next === 0) books().usable &= ~bitOf(freeCountOf(arena));
}

/** Has another arena than this one a free slice? */
function anotherIsUsable(arena: Arena): bool {
  const usable = books().usable;
  if (arena.free === 0) return usable !== 0;
  return usable !== bitOf(freeCountOf(arena)) || (arena.next | arena.prev) !== 0;
}

// ------------------------------------------------------------------------------ coming and going

/** Makes the table of arenas longer; false when there is no memory for that. */
function growTable(): bool {
  const book = books();
  const before = book.arenaSlots;
  const after = max(before * 2, FIRST_ARENA_SLOTS);
  const old = book.arenas;
  const table = tableRealloc(old, after * offsetof<Arena>());
  if (table === 0) return false;
  if (book.arenaSlots !== before) {
    // The heap was used meanwhile: the table is another one, and longer already.
    tableFree(table);
    return true;
  }
  book.arenas = table;
  book.arenaSlots = after;
  for (let slot = before; slot < after; slot++) {
    arenaAt(slot).base = 0;
    arenaAt(slot).next = slot + 1 < after ? slot + 2 : book.unusedSlot;
  }
  book.unusedSlot = before + 1;
  tableFree(old);
  return true;
}

/** Is this one of the requests that the host wants served by the raw domain? */
export function holdsOff(): bool {
  const book = books();
  if (book.holdOff === 0) return false;
  book.holdOff--;
  return true;
}

/** The spare that was added last; null for none. */
export function firstSpare(): Spare {
  return changetype<Spare>(books().spare);
}

function hasSpare(): bool {
  return books().spare !== 0;
}

function addSpare(base: usize, units: u32): void {
  const spare = changetype<Spare>(base);
  spare.next = books().spare;
  spare.units = units;
  books().spare = base;
}

/** Takes memory for an arena; false when there is none. */
function takeSpare(): bool {
  const base = arenaAlloc();
  if (base === 0) return false;
  const units = changetype<Spare>(base).units;
  addSpare(base, units);
  const book = books();
  book.unitsAllocated += units;
  book.unitsCurrent += units;
  book.unitsHighwater = max<u32>(book.unitsHighwater, book.unitsCurrent);
  return true;
}

/** Gives all spares back to the host. */
export function giveSpares(): void {
  const book = books();
  while (book.spare !== 0) {
    const spare = firstSpare();
    const units = spare.units;
    book.spare = spare.next;
    book.unitsReclaimed += units;
    book.unitsCurrent -= units;
    arenaFree(changetype<usize>(spare), (units << (<u32>UNIT_BITS)) - <u32>ARENA_RESERVE);
  }
}

/** Makes an arena of the first spare, for which there is room in the tables. */
function addArena(): void {
  const book = books();
  const spare = firstSpare();
  const slot = book.unusedSlot - 1;
  const arena = arenaAt(slot);
  book.spare = spare.next;
  book.unusedSlot = arena.next;
  arena.base = changetype<usize>(spare);
  arena.units = spare.units;
  arena.free = (1 << sliceCountOf(arena)) - 1;
  link(slot);
}

/** Is there a byte of the map for each slice of this spare? */
function isSpareCovered(spare: Spare): bool {
  return isCovered(firstSliceFrom(changetype<usize>(spare)), sliceCountOfSpare(spare));
}

/** Makes the map longer for this spare; false when there is no memory for that. */
function growMapFor(spare: Spare): bool {
  return growMap(firstSliceFrom(changetype<usize>(spare)), sliceCountOfSpare(spare));
}

/**
 * One step on the way to an arena more: longer tables, memory, or the arena itself. Whoever gives memory may use the heap
 * meanwhile, so after each step everything is looked at anew. False when there is no memory for it.
 */
export function approachArena(): bool {
  if (books().unusedSlot === 0) return growTable();
  if (!hasSpare()) return takeSpare();
  if (!isSpareCovered(firstSpare())) return growMapFor(firstSpare());
  addArena();
  return true;
}

/** Takes an arena out of the table. Its memory becomes a spare: it goes back where a call out is in place. */
function releaseArena(slot: u32): void {
  const arena = arenaAt(slot);
  const book = books();
  writeMap(firstSliceOf(arena), sliceCountOf(arena), false);
  addSpare(arena.base, arena.units);
  arena.base = 0;
  arena.next = book.unusedSlot;
  book.unusedSlot = slot + 1;
}

/** Bit `n` is set when so many free slices in a row begin at slice `n`. */
function rowsOf(free: u32, slices: u32): u32 {
  let rows = free;
  for (let slice: u32 = 1; slice < slices; slice++) rows &= free >>> slice;
  return rows;
}

/**
 * `most` free slices in a row, or the longest row that there is but not less than `least`, of the fullest arena
 * that has such a row, as a pool for blocks of `size` bytes, the first one at `first`: it has no block yet and is in no list. 0 for
 * none.
 */
export function takePool(least: u32, most: u32, size: usize, first: usize): usize {
  for (let usable = books().usable; usable !== 0; usable &= usable - 1) {
    const slot = load<u32>(bucketOf(<u32>ctz(usable) + 1)) - 1;
    const arena = arenaAt(slot);
    let slices = least;
    let rows = rowsOf(arena.free, least);
    if (rows === 0) continue;
    for (; slices < most; slices++) {
      const longer = rows & (arena.free >>> slices);
      if (longer === 0) break;
      rows = longer;
    }
    const slice = <u32>ctz(rows);
    unlink(slot);
    arena.free ^= ((1 << slices) - 1) << slice;
    link(slot);
    const address = sliceAt(arena, slice);
    writeMap(address, slices, true);
    const pool = changetype<Pool>(address);
    pool.state = 0;
    pool.arena = slot;
    pool.size = <u16>size;
    pool.carved = <u16>first;
    pool.bias = 0;
    pool.end = <u16>endOf(arena, slice, slices);
    return address;
  }
  return 0;
}

/**
 * Gives a pool back to its arena, and makes the arena a spare when that was its last pool in use. True when the
 * arena begins to empty: it has just become one whose empty pools may not stay (`mayStayEmpty`).
 */
export function givePool(pool: Pool): bool {
  const slot = pool.arena;
  const arena = arenaAt(slot);
  const couldStay = mayStayEmpty(pool);
  unlink(slot);
  const slice = <u32>((changetype<usize>(pool) - firstSliceOf(arena)) >>> SLICE_BITS);
  arena.free |= ((1 << slicesOf(pool)) - 1) << slice;
  // As in CPython, the last usable one stays: the next pool would only take it again.
  if (freeCountOf(arena) === sliceCountOf(arena) && books().usable !== 0) {
    releaseArena(slot);
    return false;
  }
  link(slot);
  return couldStay && !mayStayEmpty(pool);
}

/**
 * May a pool stay in the list of its class when it becomes empty, at hand for the next request? Not in an
 * arena that is emptying while another one could serve: that would keep both.
 */
export function mayStayEmpty(pool: Pool): bool {
  const arena = arenaAt(pool.arena);
  return freeCountOf(arena) <= sliceCountOf(arena) >> 1 || !anotherIsUsable(arena);
}
