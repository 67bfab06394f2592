/**
 * malloc, calloc, realloc and free in debug mode (CPython: Objects/obmalloc.c, _PyMem_DebugMalloc and its
 * kin), over whatever serves the family. The first parameter is the context of CPython's function pointers:
 * here, as there, it says which family is called.
 */

import { callocBelow, freeBelow, mallocBelow } from "./below";
import { ledger } from "./books";
import { born, holdsGil, underGil, watched } from "./debug-host";
import {
  ALIGNMENT,
  BLAMED,
  DOUBLE_FREE,
  Entry,
  EXTRA,
  FRONT,
  INSET,
  LIVE,
  MAX_DEBUG_REQUEST,
  MEM,
  OBJECT,
  ON_CALLOC,
  ON_FREE,
  ON_MALLOC,
  ON_REALLOC,
  RAW,
  WITHOUT_GIL,
  WRONG_FAMILY,
} from "./debug-layout";
import { freeFromBefore, isEarlier } from "./earlier";
import { dressClean, frameDamage, writeFrame } from "./frame";
import { bury, condemn, lay, makeRoom, releaseAll } from "./quarantine";
import { blame, blamePointer } from "./raise";
import {
  baseOf,
  checkShadows,
  claimEntry,
  enter,
  entryAt,
  familyOf,
  fillStock,
  isInBlock,
  NONE,
  occupies,
  setState,
} from "./shadow";

function take(family: u32, bytes: usize, zeroed: bool): usize {
  return zeroed ? callocBelow(family, bytes) : mallocBelow(family, bytes);
}

/** May a block of so many bytes have to be inset? */
function isAligned(family: u32, bytes: usize): bool {
  return family === OBJECT && bytes >= ALIGNMENT && ledger().aligns !== 0;
}

/** Makes what the allocator below gave at `base` a block with an entry. */
function dress(
  base: usize,
  p: usize,
  entry: Entry,
  family: u32,
  bytes: usize,
  zeroed: bool,
): usize {
  enter(entry, family, base, p, bytes, ++ledger().serial);
  if (zeroed) writeFrame(p, entry);
  else dressClean(p, entry);
  if (watched !== 0) born(p);
  return p;
}

/** A new block; 0 when there is no memory for it, or for what has to be known of it. */
function make(family: u32, bytes: usize, zeroed: bool): usize {
  const aligned = isAligned(family, bytes);
  const all = bytes + EXTRA + (aligned ? INSET : 0);
  // What is in stock may go to somebody who is called by the allocator below; then there is another round.
  for (let rounds = 0; rounds < 4; rounds++) {
    const stocked = fillStock();
    const base = take(family, all, zeroed);
    if (base === 0) return 0;
    const isInset = aligned && ((base + FRONT) & (ALIGNMENT - 1)) !== 0;
    const p = base + FRONT + (isInset ? INSET : 0);
    const entry = claimEntry(family, p);
    if (entry !== NONE) return dress(base, p, entry, family, bytes, zeroed);
    freeBelow(family, base);
    if (!stocked) return 0;
  }
  return 0;
}

function allocate(family: u32, bytes: usize, zeroed: bool): usize {
  if (bytes > MAX_DEBUG_REQUEST) return 0;
  const p = make(family, bytes, zeroed);
  return p === 0 && releaseAll() ? make(family, bytes, zeroed) : p;
}

function isLive(entry: Entry): bool {
  return entry !== NONE && (entry.state === LIVE || entry.state === BLAMED);
}

/** Is there a block of the upper layer at `p`, and was it made of what lies at `base`? */
function isMadeOf(p: usize, base: usize): bool {
  const entry = entryAt(MEM, p);
  return occupies(entry) && baseOf(entry, p) === base;
}

/** Was a block of the upper layer made of this one? */
function isOuter(base: usize): bool {
  return isMadeOf(base + FRONT, base) || isMadeOf(base + FRONT + INSET, base);
}

/** The entry of the live block of a layer that begins at `p`; else NONE. */
function liveIn(layer: u32, p: usize): Entry {
  const entry = entryAt(layer, p);
  if (!isLive(entry)) return NONE;
  // A raw block that a block of the upper layer lies in is that one's own affair.
  return layer === RAW && isOuter(p) ? NONE : entry;
}

/** The entry of the live block that begins at `p`, whatever its family; else NONE. */
function liveAt(family: u32, p: usize): Entry {
  const entry = liveIn(family, p);
  return entry !== NONE ? entry : liveIn(family === RAW ? MEM : RAW, p);
}

/** The entry of the freed block of a layer that began at `p`; else NONE. */
function deadIn(layer: u32, p: usize): Entry {
  const entry = entryAt(layer, p);
  return isLive(entry) ? NONE : entry;
}

/** The entry of the freed block that began at `p`, whatever its family; else NONE. */
function deadAt(p: usize): Entry {
  const upper = deadIn(MEM, p);
  const raw = deadIn(RAW, p);
  if (upper === NONE || occupies(raw)) return raw;
  // Of two that are gone, the later one is meant.
  return raw === NONE || occupies(upper) || upper.serial > raw.serial ? upper : raw;
}

/** Is this, where no live block begins, a block from before the debug mode? If not, it is reported. */
function isFromBefore(family: u32, p: usize, during: u32): bool {
  const dead = deadAt(p);
  const occupied = occupies(dead);
  if (!occupied && isEarlier(p)) return true;
  checkShadows();
  // It may have been in books that were damaged and dropped.
  if (ledger().lost !== 0 && deadIn(family, p) === NONE) return false;
  // One that left the quarantine is forgotten once its memory is in another block.
  if (occupied || (dead !== NONE && !isInBlock(p))) blame(DOUBLE_FREE, during, family, p, p, dead);
  else blamePointer(during, family, p);
  return false;
}

/** May this live block be freed or resized by this family? If not, it is reported, but only once. */
function isSound(family: u32, p: usize, entry: Entry, during: u32): bool {
  const state = entry.state;
  let code = WRONG_FAMILY;
  if (familyOf(entry) === family) {
    code = state === BLAMED ? 0 : frameDamage(p, entry);
    if (code === 0) return true;
  }
  blame(code, during, family, p, p, entry);
  // A damaged block is not reused: to free it brings nothing back, and it stays where it is.
  if (code !== WRONG_FAMILY) {
    // The host may have done with it what it likes.
    if (entry.state !== state) return false;
    if (during === ON_FREE) condemn(p, entry);
    else setState(entry, p, BLAMED);
  }
  return false;
}

/** The block keeps its place, because there is no memory for another. */
function shrink(p: usize, entry: Entry, bytes: usize): usize {
  enter(entry, familyOf(entry), baseOf(entry, p), p, bytes, ++ledger().serial);
  writeFrame(p, entry);
  return p;
}

/** Reports a call by someone who does not hold the lock of the family. It is served all the same. */
function checkGil(family: u32, p: usize, during: u32): void {
  if (underGil === 0 || family === RAW || holdsGil() !== 0) return;
  blame(WITHOUT_GIL, during, family, p, p, liveAt(family, p));
}

/** The bytes that were asked for of the live block of the mem or object family at `p`; 0 where none begins. */
export function sizeAt(p: usize): usize {
  const entry = liveIn(MEM, p);
  return entry === NONE ? 0 : entry.size;
}

/** CPython: _PyMem_DebugMalloc. */
export function pyMalloc(family: u32, bytes: usize): usize {
  checkGil(family, 0, ON_MALLOC);
  return allocate(family, bytes, false);
}

/** CPython: _PyMem_DebugCalloc. */
export function pyCalloc(family: u32, count: usize, size: usize): usize {
  checkGil(family, 0, ON_CALLOC);
  const bytes = <u64>count * <u64>size;
  return bytes > MAX_DEBUG_REQUEST ? 0 : allocate(family, <usize>bytes, true);
}

/** CPython: _PyMem_DebugFree. */
export function pyFree(family: u32, p: usize): void {
  checkGil(family, p, ON_FREE);
  if (p === 0) return;
  const entry = liveAt(family, p);
  if (entry !== NONE) {
    if (isSound(family, p, entry, ON_FREE)) bury(p, entry);
  } else if (isFromBefore(family, p, ON_FREE)) {
    freeFromBefore(family, p);
  }
}

/** CPython: _PyMem_DebugRealloc. The block moves whenever there is room, so that stale pointers show. */
export function pyRealloc(family: u32, p: usize, bytes: usize): usize {
  checkGil(family, p, ON_REALLOC);
  if (p === 0) return allocate(family, bytes, false);
  const entry = liveAt(family, p);
  if (entry === NONE) return moveFromBefore(family, p, bytes);
  if (!isSound(family, p, entry, ON_REALLOC)) return 0;
  const size = entry.size;
  const serial = entry.serial;
  // What is found damaged when room is made is thrown now, while there is no new block to lose.
  makeRoom(size + EXTRA);
  const moved = allocate(family, bytes, false);
  if (moved === 0 && bytes > size) return 0;
  // Whoever was called meanwhile may have freed it.
  if (liveAt(family, p) !== entry || entry.serial !== serial) {
    blame(DOUBLE_FREE, ON_REALLOC, family, p, p, deadAt(p));
    return moved;
  }
  if (moved === 0) return shrink(p, entry, bytes);
  memory.copy(moved, p, min(bytes, size));
  lay(p, entry);
  return moved;
}

/** Its size is not known, so more may be copied than there was: what follows it in the memory. */
function moveFromBefore(family: u32, p: usize, bytes: usize): usize {
  if (!isFromBefore(family, p, ON_REALLOC)) return 0;
  const moved = allocate(family, bytes, false);
  if (moved === 0) return 0;
  const rest = ((<u64>memory.size()) << 16) - p;
  memory.copy(moved, p, <usize>min<u64>(bytes, rest));
  freeFromBefore(family, p);
  return moved;
}
