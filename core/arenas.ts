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
 */

import { arenaAlloc, arenaFree, holeAlloc, leanArenas, root, tableRealloc } from "./host";
import {
  ARENA_BITS,
  ARENA_RESERVE,
  BOOKS,
  Books,
  BY_FREE_SLICES,
  FIRST_RUN_SLOTS,
  Pool,
  RUN_ARENAS,
  RUN_REQUEST,
  Run,
  SLICE_BITS,
  SLICE_MASK,
} from "./layout";
import { ensureMap, writeMap } from "./map";

export function books(): Books {
  return changetype<Books>(root + BOOKS);
}

/** Is the heap still to take as little memory as it can? See `leanArenas`. */
export function isLean(): bool {
  return books().arenasHighwater <= leanArenas;
}

export function runAt(slot: u32): Run {
  return changetype<Run>(books().runs + slot * offsetof<Run>());
}

/** Slices start at multiples of their size; what lies before the first one is lost. */
export function firstSliceOf(run: Run): usize {
  return (run.base + SLICE_MASK) & ~SLICE_MASK;
}

/** How many whole slices a run holds. */
export function sliceCountOf(run: Run): u32 {
  return <u32>((run.base + (run.arenas << (<u32>ARENA_BITS)) - firstSliceOf(run)) >>> SLICE_BITS);
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

/** An unused slot, which stays in its list until the run is there; 0 means none, else slot + 1. */
function ensureSlot(): u32 {
  const book = books();
  if (book.unusedSlot !== 0) return book.unusedSlot;
  const before = book.runSlots;
  const after = max(before * 2, FIRST_RUN_SLOTS);
  const table = tableRealloc(book.runs, after * offsetof<Run>());
  if (table === 0) return 0;
  book.runs = table;
  book.runSlots = after;
  for (let slot = before; slot < after; slot++) {
    runAt(slot).base = 0;
    runAt(slot).next = slot + 1 < after ? slot + 2 : 0;
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

/** Takes memory for a run into its slot: in a hole, or else the longest run there is. */
function takeMemory(run: Run): bool {
  const hole = holeAlloc();
  if (hole !== 0) {
    run.base = hole & ~SLICE_MASK;
    run.arenas = <u32>(hole & SLICE_MASK);
    return true;
  }
  run.base = arenaAlloc(RUN_REQUEST);
  run.arenas = <u32>RUN_ARENAS;
  return run.base !== 0;
}

function giveMemory(run: Run): void {
  const base = run.base;
  run.base = 0;
  arenaFree(base, (run.arenas << (<u32>ARENA_BITS)) - <u32>ARENA_RESERVE);
}

/** Takes one more run of arenas; false, with nothing lost, when there is no memory for it. */
export function newRun(): bool {
  const reserved = ensureSlot();
  if (reserved === 0) return false;
  const slot = reserved - 1;
  const run = runAt(slot);
  if (!takeMemory(run)) return false;
  const slices = sliceCountOf(run);
  if (!ensureMap(firstSliceOf(run), slices)) {
    giveMemory(run);
    return false;
  }
  const book = books();
  book.unusedSlot = run.next;
  run.free = (1 << slices) - 1;
  link(slot);
  book.arenasAllocated += run.arenas;
  book.arenasCurrent += run.arenas;
  book.arenasHighwater = max<u32>(book.arenasHighwater, book.arenasCurrent);
  return true;
}

function releaseRun(slot: u32): void {
  const run = runAt(slot);
  const book = books();
  writeMap(firstSliceOf(run), sliceCountOf(run), false);
  giveMemory(run);
  run.next = book.unusedSlot;
  book.unusedSlot = slot + 1;
  book.arenasReclaimed += run.arenas;
  book.arenasCurrent -= run.arenas;
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
 * Gives a pool back to its run, and the run back when that was its last pool in use. True when the
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
