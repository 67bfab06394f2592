/**
 * A limit of the memory that a CPython's heap takes, and the reserve that is freed when it is reached.
 *
 * dlmalloc keeps the limit itself: it asks for no more than its footprint may be, and returns 0 before it changes anything. So
 * Python gets a MemoryError. Whoever handles that needs memory, too, for a traceback or for what he saves. So something is held
 * back from the beginning, is freed when a request is refused, and is taken again when there is room for twice as much: as long
 * as the memory is as full as it was, it is the handler's.
 *
 * The reserve is a row of blocks. Each has the next one's address in its first word.
 */

import {
  footprint,
  footprintLimit,
  reserveCell,
  sbrk,
  setFootprintLimit,
  systemFree,
  systemMalloc,
  tell,
} from "./limit-host";

export { tell } from "./limit-host";

/**
 * The reserve is taken in blocks of this length, or where the holes are shorter, in halves of it, or in quarters. dlmalloc puts a
 * block into the smallest hole that will do, so these lie where the reserve was the last time. (One block of 1 MiB came to lie in
 * another long hole after each error, for something of the handler's had stayed in the last one; a hundred errors, and no long hole
 * was left.) Python has buffers of 128 KiB for files, and a bit.
 */
const BLOCK: usize = 34 << 12;
const SHORTEST: usize = BLOCK / 4;

/**
 * The reserve's length, a bit over 1 MiB. Printing a traceback for the first time imports what it needs for that, which takes 300
 * KB; and a first block of a size that has no pool takes an arena.
 */
const RESERVE_BYTES: usize = 8 * BLOCK;

/**
 * What is in the cell: no reserve is wanted; or it is missing, and is looked for at the so many-th request from now on, since
 * looking takes some microseconds where there is little room; or else where it is.
 */
const UNWANTED: usize = 0;
const PATIENCE: usize = 8;

/** dlmalloc's word for no limit, and what it rounds limits up to. */
const NO_LIMIT: usize = usize.MAX_VALUE;
const GRANULARITY: usize = 4096;

/** The longest memory there is. */
const LONGEST: usize = 0xffff0000;

/** Frees a row of blocks. It has at most as many as fit in a reserve, also where someone wrote over it. */
function freeRow(p: usize): void {
  for (let left = RESERVE_BYTES / SHORTEST; p !== 0 && left !== 0; left--) {
    const next = load<usize>(p);
    systemFree(p);
    p = next;
  }
}

/** A row of blocks as long as the reserve; 0 where there is no room. */
function takeRow(): usize {
  let row: usize = 0;
  let missing = RESERVE_BYTES;
  for (let bytes = BLOCK; missing !== 0; ) {
    const p: usize = bytes <= missing ? systemMalloc(bytes) : 0;
    if (p !== 0) {
      store<usize>(p, row);
      row = p;
      missing -= bytes;
    } else if (bytes === SHORTEST) {
      freeRow(row);
      return 0;
    } else {
      bytes >>= 1;
    }
  }
  return row;
}

/** Takes the reserve where there is room for two. */
function takeReserve(): void {
  const row = takeRow();
  const other = row === 0 ? row : takeRow();
  if (other === 0) freeRow(row);
  freeRow(other);
  store<usize>(reserveCell, other === 0 ? PATIENCE : row);
}

/** Is there no reserve where one is wanted? */
function isMissing(): bool {
  return load<usize>(reserveCell) - 1 < PATIENCE;
}

function freeReserve(then: usize): void {
  const row = load<usize>(reserveCell);
  const wasMissing = row === UNWANTED || isMissing();
  store<usize>(reserveCell, then);
  if (!wasMissing) freeRow(row);
}

/** The request was refused, or it was not and the reserve is missing. A function of its own in every program. */
function settle(p: usize, bytes: usize): void {
  const cell = load<usize>(reserveCell);
  if (p === 0) {
    if (cell !== UNWANTED) freeReserve(PATIENCE);
    tell(bytes);
  } else if (cell !== 1) {
    store<usize>(reserveCell, cell - 1);
  } else {
    takeReserve();
  }
}

/** What a request for so many bytes is answered by, on its way to Python: nobody after us can make anything else of a 0. */
export function answered(p: usize, bytes: usize): usize {
  if (p === 0 || isMissing()) settle(p, bytes);
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
  const cell = load<usize>(reserveCell);
  if (cell === UNWANTED || isMissing()) takeReserve();
}
