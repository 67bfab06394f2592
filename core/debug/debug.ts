/**
 * malloc, calloc, realloc and free in debug mode (CPython: Objects/obmalloc.c, _PyMem_DebugMalloc and its
 * kin), over whatever serves the family. The first parameter is the context of CPython's function pointers:
 * here, as there, it says which family is called.
 */

import { callocBelow, freeBelow, mallocBelow } from "./below";
import { freeFromBefore, isEarlier } from "./earlier";
import { blame, blamePointer } from "./faults";
import { dressClean, frameDamage, writeFrame } from "./frame";
import { born, died, watched } from "./host";
import {
  ALIGNMENT,
  BLAMED,
  DOUBLE_FREE,
  Entry,
  EXTRA,
  FRONT,
  INSET,
  IS_INSET,
  LIVE,
  MAX_DEBUG_REQUEST,
  MEM,
  OBJECT,
  ON_FREE,
  ON_REALLOC,
  PAGE_MASK,
  RAW,
  WRONG_FAMILY,
} from "./layout";
import { bury, condemn, releaseAll } from "./quarantine";
import { baseOf, claimEntry, entryAt, isInBlock, ledger, NONE, occupies } from "./shadow";

function take(family: u32, bytes: usize, zeroed: bool): usize {
  return zeroed ? callocBelow(family, bytes) : mallocBelow(family, bytes);
}

/** May a block of so many bytes have to be inset? */
function isAligned(family: u32, bytes: usize): bool {
  return family === OBJECT && bytes >= ALIGNMENT && ledger().aligns !== 0;
}

/** A new block; 0 when there is no memory for it, or for what has to be known of it. */
function make(family: u32, bytes: usize, zeroed: bool): usize {
  const aligned = isAligned(family, bytes);
  const base = take(family, bytes + EXTRA + (aligned ? INSET : 0), zeroed);
  if (base === 0) return 0;
  const isInset = aligned && ((base + FRONT) & (ALIGNMENT - 1)) !== 0;
  const p = base + FRONT + (isInset ? INSET : 0);
  const entry = claimEntry(family, p);
  if (entry === NONE) {
    freeBelow(family, base);
    return 0;
  }
  entry.size = bytes;
  entry.serial = ++ledger().serial;
  entry.state = LIVE;
  entry.family = <u8>family;
  entry.offset = <u16>(p & PAGE_MASK) | (isInset ? IS_INSET : 0);
  if (zeroed) writeFrame(p, entry);
  else dressClean(p, entry);
  if (watched !== 0) born(p);
  return p;
}

function allocate(family: u32, bytes: usize, zeroed: bool): usize {
  // A hook that threw while a block left has not put this right.
  ledger().leaving = 0;
  if (bytes > MAX_DEBUG_REQUEST) return 0;
  const p = make(family, bytes, zeroed);
  return p === 0 && releaseAll() ? make(family, bytes, zeroed) : p;
}

function isLive(entry: Entry): bool {
  return entry !== NONE && (entry.state === LIVE || entry.state === BLAMED);
}

/** Is there a block of the upper layer for which the allocator below gave this one? */
function isOuter(p: usize): bool {
  const inner = entryAt(MEM, p + FRONT);
  if (occupies(inner)) return baseOf(p + FRONT, inner) === p;
  const inset = entryAt(MEM, p + FRONT + INSET);
  return occupies(inset) && baseOf(p + FRONT + INSET, inset) === p;
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
  // One that left the quarantine is forgotten once its memory is in another block.
  if (occupied || (dead !== NONE && !isInBlock(p))) blame(DOUBLE_FREE, during, family, p, p, dead);
  else blamePointer(during, family, p);
  return false;
}

/** May this live block be freed or resized by this family? If not, it is reported, but only once. */
function isSound(family: u32, p: usize, entry: Entry, during: u32): bool {
  let code = WRONG_FAMILY;
  if (entry.family === family) {
    code = entry.state === BLAMED ? 0 : frameDamage(p, entry);
    if (code === 0) return true;
  }
  blame(code, during, family, p, p, entry);
  // A damaged block is not reused: to free it brings nothing back, and it stays where it is.
  if (code !== WRONG_FAMILY) {
    if (during === ON_FREE) condemn(entry);
    else entry.state = BLAMED;
  }
  return false;
}

function release(p: usize, entry: Entry): void {
  if (watched !== 0) died(p);
  bury(p, entry);
}

/** The block keeps its place, because there is no memory for another. */
function shrink(p: usize, entry: Entry, bytes: usize): usize {
  entry.size = bytes;
  entry.serial = ++ledger().serial;
  writeFrame(p, entry);
  return p;
}

/** The bytes that were asked for of the live block of the mem or object family at `p`; 0 where none begins. */
export function sizeAt(p: usize): usize {
  const entry = liveIn(MEM, p);
  return entry === NONE ? 0 : entry.size;
}

/** CPython: _PyMem_DebugMalloc. */
export function pyMalloc(family: u32, bytes: usize): usize {
  return allocate(family, bytes, false);
}

/** CPython: _PyMem_DebugCalloc. */
export function pyCalloc(family: u32, count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  return bytes > MAX_DEBUG_REQUEST ? 0 : allocate(family, <usize>bytes, true);
}

/** CPython: _PyMem_DebugFree. */
export function pyFree(family: u32, p: usize): void {
  if (p === 0) return;
  const entry = liveAt(family, p);
  if (entry !== NONE) {
    if (isSound(family, p, entry, ON_FREE)) release(p, entry);
  } else if (isFromBefore(family, p, ON_FREE)) {
    freeFromBefore(family, p);
  }
}

/** CPython: _PyMem_DebugRealloc. The block moves whenever there is room, so that stale pointers show. */
export function pyRealloc(family: u32, p: usize, bytes: usize): usize {
  if (p === 0) return pyMalloc(family, bytes);
  const entry = liveAt(family, p);
  if (entry === NONE) return moveFromBefore(family, p, bytes);
  if (!isSound(family, p, entry, ON_REALLOC)) return 0;
  const size = entry.size;
  const moved = pyMalloc(family, bytes);
  if (moved === 0) return bytes <= size ? shrink(p, entry, bytes) : 0;
  memory.copy(moved, p, min(bytes, size));
  release(p, entry);
  return moved;
}

/** Its size is not known, so more may be copied than there was: what follows it in the memory. */
function moveFromBefore(family: u32, p: usize, bytes: usize): usize {
  if (!isFromBefore(family, p, ON_REALLOC)) return 0;
  const moved = pyMalloc(family, bytes);
  if (moved === 0) return 0;
  const rest = ((<u64>memory.size()) << 16) - p;
  memory.copy(moved, p, <usize>min<u64>(bytes, rest));
  freeFromBefore(family, p);
  return moved;
}
