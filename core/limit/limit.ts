/**
 * A limit of the memory that a CPython's heap takes, and the reserve that is freed when it is reached.
 *
 * dlmalloc keeps the limit itself: it asks for no more than its footprint may be, and returns 0 before it changes anything. So
 * Python gets a MemoryError. Whoever handles that needs memory, too, for a traceback or for what he saves; so a block is held
 * back from the beginning, is freed when a request is refused, and is taken again when there is room for twice as much: in
 * memory that is as full as before, it would be taken from the handler.
 */

import {
  footprint,
  footprintLimit,
  reserveCell,
  sbrk,
  setFootprintLimit,
  systemFree,
  systemMalloc,
  systemRealloc,
  tell,
} from "./limit-host";

/**
 * The reserve's length. Printing a traceback for the first time imports what it needs for that, which takes 300 KB; and a first
 * block of a size that has no pool takes an arena of 256 KiB.
 */
const RESERVE_BYTES: usize = 1 << 20;

/** What is in the cell: no reserve is wanted, or it is not there, or else where it is. */
const UNWANTED: usize = 0;
const MISSING: usize = 1;

/** dlmalloc's word for no limit, and what it rounds limits up to. */
const NO_LIMIT: usize = usize.MAX_VALUE;
const GRANULARITY: usize = 4096;

/** The longest memory there is. */
const LONGEST: usize = 0xffff0000;

function takeReserve(): void {
  const p = systemMalloc(2 * RESERVE_BYTES);
  // A block that becomes shorter stays where it is.
  if (p !== 0) store<usize>(reserveCell, systemRealloc(p, RESERVE_BYTES));
}

function freeReserve(then: usize): void {
  const p = load<usize>(reserveCell);
  store<usize>(reserveCell, then);
  if (p > MISSING) systemFree(p);
}

/** The request was refused, or it was not and the reserve is missing. A function of its own in every program. */
function settle(p: usize, bytes: usize): void {
  if (p !== 0) {
    takeReserve();
    return;
  }
  if (load<usize>(reserveCell) !== UNWANTED) freeReserve(MISSING);
  tell(bytes);
}

/** What a request for so many bytes is answered by, on its way to Python: nobody after us can make anything else of a 0. */
export function answered(p: usize, bytes: usize): usize {
  if (p === 0 || load<usize>(reserveCell) === MISSING) settle(p, bytes);
  return p;
}

/** What lies below dlmalloc's part of the memory. */
function below(): usize {
  return sbrk(0) - footprint();
}

/** How far the heap may reach, in bytes from address 0 on. Where there is no limit, that is the longest memory there is. */
export function limit(): usize {
  const most = footprintLimit();
  return most === NO_LIMIT ? LONGEST : below() + most;
}

/** Has the heap end before so many bytes, or where it ends already; 0 for no limit. */
export function setLimit(bytes: usize): void {
  // Memory of its own is dlmalloc's before the first limit is set: until then it does not know how to round one.
  systemFree(systemMalloc(1));
  if (bytes === 0) {
    setFootprintLimit(NO_LIMIT);
    freeReserve(UNWANTED);
    return;
  }
  const most = bytes - min(bytes, below());
  setFootprintLimit(max(most & ~(GRANULARITY - 1), GRANULARITY));
  if (load<usize>(reserveCell) > MISSING) return;
  store<usize>(reserveCell, MISSING);
  takeReserve();
}
