/**
 * Arenas: memory taken from the arena allocator, cut into slices, and given back when all of its slices are
 * free again. A pool is a row of slices.
 *
 * Arenas come and go in runs: one request is for the longest run, and where the host knows of a hole in
 * its memory, for as many arenas as fit there.
 *
 * Pools come from the usable run with the *fewest* free slices, as in CPython: the full runs stay
 * full, so that the emptier ones have a chance to become empty. CPython keeps one list sorted by that
 * number; here one list per number and a bit for each that is not empty do the same without a search.
 *
 * Only `approachRun` and `giveSpares` call out of the core: what holds when they do is said in `host.ts`.
 */

import { BOOKS, Books, BY_FREE_SLICES, Pool, RUN_REQUEST, Run, SLICE_MASK, Spare } from "../layout";
import {
  ARENA_BITS,
  ARENA_RESERVE,
  FIRST_RUN_SLOTS,
  LEAN_ARENAS,
  RUN_ARENAS,
  SLICE_BITS,
} from "../policy/policy";
import { arenaAlloc, arenaFree, holeAlloc, root, tableFree, tableRealloc } from "./host";
import { growMap, isCovered, writeMap } from "./map";

export function books(): Books {
  return changetype<Books>(root + BOOKS);
}

/** Is the heap still to take as little memory as it can? See LEAN_ARENAS. */
export function isLean(): bool {
  return books().arenasHighwater <= LEAN_ARENAS;
}

export function runAt(slot: u32): Run {
  return changetype<Run>(books().runs + slot * offsetof<Run>());
}

/** Slices start at multiples of their size; what lies before the first one is lost. */
function firstSliceFrom(base: usize): usize {
  return (base + SLICE_MASK) & ~SLICE_MASK;
}

/** How many whole slices so many arenas at an address hold. */
function sliceCountFrom(base: usize, arenas: u32): u32 {
  return <u32>((base + (arenas << (<u32>ARENA_BITS)) - firstSliceFrom(base)) >>> SLICE_BITS);
}

export function firstSliceOf(run: Run): usize {
  return firstSliceFrom(run.base);
}

/** How many whole slices a run holds. */
export function sliceCountOf(run: Run): u32 {
  return sliceCountFrom(run.base, run.arenas);
}

/** How many whole slices a run of this memory would hold. */
export function sliceCountOfSpare(spare: Spare): u32 {
  return sliceCountFrom(changetype<usize>(spare), spare.arenas);
}

/** Where a slice of a run begins. */
export function sliceAt(run: Run, slice: u32): usize {
  return firstSliceOf(run) + ((<usize>slice) << SLICE_BITS);
}

/** How many slices a pool has. */
export function slicesOf(pool: Pool): u32 {
  return (<u32>pool.end + <u32>ARENA_RESERVE) >>> <u32>SLICE_BITS;
}

/**
 * What a pool leaves free at its end. Only the run's last pool has to; the others have it back in a heap where pools are indented.
 */
export function reserve(): usize {
  return books().indent === 0 ? ARENA_RESERVE : 0;
}

/** The offset past which no block of a pool of so many slices may reach. */
export function endOf(run: Run, slice: u32, slices: u32): u32 {
  const free = slice + slices === sliceCountOf(run) ? ARENA_RESERVE : reserve();
  return (slices << (<u32>SLICE_BITS)) - <u32>free;
}

// -------------------------------------------------------------------- runs by their free slices

export function freeCountOf(run: Run): u32 {
  return <u32>popcnt(run.free);
}

/** Where slot + 1 of the first run with `freeCount` free slices is kept. */
export function bucketOf(freeCount: u32): usize {
  return root + BY_FREE_SLICES + (freeCount - 1) * sizeof<u32>();
}

/** The bit of `usable` that says whether that list has a run. */
export function bitOf(freeCount: u32): u32 {
  return 1 << (freeCount - 1);
}

function link(slot: u32): void {
  const run = runAt(slot);
  if (run.free === 0) return;
  const bucket = bucketOf(freeCountOf(run));
  const first = load<u32>(bucket);
  run.next = first;
  run.prev = 0;
  if (first !== 0) runAt(first - 1).prev = slot + 1;
  store<u32>(bucket, slot + 1);
  books().usable |= bitOf(freeCountOf(run));
}

function unlink(slot: u32): void {
  const run = runAt(slot);
  if (run.free === 0) return;
  if (run.next !== 0) runAt(run.next - 1).prev = run.prev;
  if (run.prev !== 0) {
    runAt(run.prev - 1).next = run.next;
    return;
  }
  store<u32>(bucketOf(freeCountOf(run)), run.next);
  if (run.next === 0) books().usable &= ~bitOf(freeCountOf(run));
}

/** Has another run than this one a free slice? */
function anotherIsUsable(run: Run): bool {
  const usable = books().usable;
  if (run.free === 0) return usable !== 0;
  return usable !== bitOf(freeCountOf(run)) || (run.next | run.prev) !== 0;
}

// ------------------------------------------------------------------------------ coming and going

/** Makes the table of runs longer; false when there is no memory for that. */
function growRuns(): bool {
  const book = books();
  const before = book.runSlots;
  const after = max(before * 2, FIRST_RUN_SLOTS);
  const old = book.runs;
  const table = tableRealloc(old, after * offsetof<Run>());
  if (table === 0) return false;
  if (book.runSlots !== before) {
    // The heap was used meanwhile: the table is another one, and longer already.
    tableFree(table);
    return true;
  }
  book.runs = table;
  book.runSlots = after;
  for (let slot = before; slot < after; slot++) {
    runAt(slot).base = 0;
    runAt(slot).next = slot + 1 < after ? slot + 2 : book.unusedSlot;
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

function addSpare(base: usize, arenas: u32): void {
  const spare = changetype<Spare>(base);
  spare.next = books().spare;
  spare.arenas = arenas;
  books().spare = base;
}

/** Takes memory for a run, in a hole, or else for the longest run there is; false when there is none. */
function takeSpare(): bool {
  const hole = holeAlloc();
  const base = hole !== 0 ? hole & ~SLICE_MASK : arenaAlloc(RUN_REQUEST);
  if (base === 0) return false;
  const arenas = <u32>(hole !== 0 ? hole & SLICE_MASK : RUN_ARENAS);
  addSpare(base, arenas);
  const book = books();
  book.arenasAllocated += arenas;
  book.arenasCurrent += arenas;
  book.arenasHighwater = max<u32>(book.arenasHighwater, book.arenasCurrent);
  return true;
}

/** Gives all spares back to the host. */
export function giveSpares(): void {
  const book = books();
  while (book.spare !== 0) {
    const spare = firstSpare();
    const arenas = spare.arenas;
    book.spare = spare.next;
    book.arenasReclaimed += arenas;
    book.arenasCurrent -= arenas;
    arenaFree(changetype<usize>(spare), (arenas << (<u32>ARENA_BITS)) - <u32>ARENA_RESERVE);
  }
}

/** Makes a run of the first spare, for which there is room in the tables. */
function addRun(): void {
  const book = books();
  const spare = firstSpare();
  const slot = book.unusedSlot - 1;
  const run = runAt(slot);
  book.spare = spare.next;
  book.unusedSlot = run.next;
  run.base = changetype<usize>(spare);
  run.arenas = spare.arenas;
  run.free = (1 << sliceCountOf(run)) - 1;
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
 * One step on the way to a run more: longer tables, memory, or the run itself. Whoever gives memory may use the heap
 * meanwhile, so after each step everything is looked at anew. False when there is no memory for it.
 */
export function approachRun(): bool {
  if (books().unusedSlot === 0) return growRuns();
  if (!hasSpare()) return takeSpare();
  if (!isSpareCovered(firstSpare())) return growMapFor(firstSpare());
  addRun();
  return true;
}

/** Takes a run out of the table. Its memory becomes a spare: it goes back where a call out is in place. */
function releaseRun(slot: u32): void {
  const run = runAt(slot);
  const book = books();
  writeMap(firstSliceOf(run), sliceCountOf(run), false);
  addSpare(run.base, run.arenas);
  run.base = 0;
  run.next = book.unusedSlot;
  book.unusedSlot = slot + 1;
}

/** Bit `n` is set when so many free slices in a row begin at slice `n`. */
function rowsOf(free: u32, slices: u32): u32 {
  let rows = free;
  for (let slice: u32 = 1; slice < slices; slice++) rows &= free >>> slice;
  return rows;
}

/**
 * `most` free slices in a row, or the longest row that there is but not less than `least`, of the fullest run
 * that has such a row, as a pool of which only `run` and `end` are written; 0 for none.
 */
export function takePool(least: u32, most: u32): usize {
  for (let usable = books().usable; usable !== 0; usable &= usable - 1) {
    const slot = load<u32>(bucketOf(<u32>ctz(usable) + 1)) - 1;
    const run = runAt(slot);
    let slices = least;
    let rows = rowsOf(run.free, least);
    if (rows === 0) continue;
    for (; slices < most; slices++) {
      const longer = rows & (run.free >>> slices);
      if (longer === 0) break;
      rows = longer;
    }
    const slice = <u32>ctz(rows);
    unlink(slot);
    run.free ^= ((1 << slices) - 1) << slice;
    link(slot);
    const address = sliceAt(run, slice);
    writeMap(address, slices, true);
    changetype<Pool>(address).run = slot;
    changetype<Pool>(address).end = <u16>endOf(run, slice, slices);
    return address;
  }
  return 0;
}

/**
 * Gives a pool back to its run, and makes the run a spare when that was its last pool in use. True when the
 * run has just become one whose empty pools may not stay (`mayStayEmpty`).
 */
export function givePool(pool: Pool): bool {
  const slot = pool.run;
  const run = runAt(slot);
  const couldStay = mayStayEmpty(pool);
  unlink(slot);
  const slice = <u32>((changetype<usize>(pool) - firstSliceOf(run)) >>> SLICE_BITS);
  run.free |= ((1 << slicesOf(pool)) - 1) << slice;
  // As in CPython, the last usable one stays: the next pool would only take it again.
  if (freeCountOf(run) === sliceCountOf(run) && books().usable !== 0) {
    releaseRun(slot);
    return false;
  }
  link(slot);
  return couldStay && !mayStayEmpty(pool);
}

/**
 * May a pool stay in the list of its class when it becomes empty, at hand for the next request? Not in a
 * run that is emptying while another one could serve: that would keep both.
 */
export function mayStayEmpty(pool: Pool): bool {
  const run = runAt(pool.run);
  return freeCountOf(run) <= sliceCountOf(run) >> 1 || !anotherIsUsable(run);
}
