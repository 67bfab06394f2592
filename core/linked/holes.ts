/**
 * Arenas in the holes of the system malloc, which is Emscripten's dlmalloc. It does not say where its holes
 * are, but it puts a block into the smallest that will do; so a block that lies before the frontier, the farthest
 * arena so far, has shown one.
 *
 * While the heap is lean the smallest are used first: those too short for any arena by small blocks, which dlmalloc serves
 * when the core lets it. So holes that are long stay so, for the large blocks that would make the memory longer. Later small
 * blocks all come from pools, and those rather from a whole arena in one place.
 */

import { books, isLean } from "../heap/heap";
import { SLICE_MASK, SLICE_SIZE, Spare, UNIT_SIZE } from "../layout";
import {
  ARENA_RESERVE,
  ARENA_UNITS,
  HOLE,
  HOLE_BLOCKS,
  LONG_HOLE,
  MOST_RAW,
  MOST_TURNS,
  UNIT_BITS,
} from "../policy/linked";
import { roomOf } from "./chunks";
import { systemFree, systemMalloc, systemMemalign, systemRealloc } from "./linked-host";

/** These two are no part of the heap's state: whoever does not know them searches once more. */
let frontier: usize = 0;
let turns: u32 = 0;

function bytesOf(units: usize): usize {
  return (units << UNIT_BITS) - ARENA_RESERVE;
}

/** Says how long an arena is, in it. */
export function sized(p: usize, units: usize): usize {
  changetype<Spare>(p).units = <u32>units;
  return p;
}

/** An arena at a slice boundary, anywhere; 0 when there is no memory. */
function takeArena(units: usize): usize {
  const p = systemMalloc(bytesOf(units));
  if ((p & SLICE_MASK) === 0) return p;
  systemFree(p);
  return systemMemalign(SLICE_SIZE, bytesOf(units));
}

/** False for 0. */
function isBeforeFrontier(p: usize): bool {
  return p !== 0 && p < frontier;
}

/** An arena in a hole; 0 when there is none. */
function inHole(units: usize): usize {
  const p = takeArena(units);
  if (isBeforeFrontier(p)) return p;
  systemFree(p);
  return 0;
}

/** Is there a hole that is worth filling, and too short for an arena? */
function isShortHole(): bool {
  const hole = systemMalloc(HOLE);
  const isShort = isBeforeFrontier(hole) && roomOf(hole, frontier) < UNIT_SIZE;
  systemFree(hole);
  return isShort;
}

/** Lets dlmalloc fill a hole with small blocks, where that is worth it. */
export function fillsHole(): bool {
  if (!isLean()) return false;
  const book = books();
  const isEnough = turns === MOST_TURNS || book.rawBlocks > MOST_RAW * book.unitsCurrent;
  if (isEnough || !isShortHole()) {
    turns = 0;
    return false;
  }
  turns++;
  book.holdOff = HOLE_BLOCKS;
  return true;
}

/** A whole arena in a hole that is not long; 0 when there is none. */
function wholeArenaInHole(): usize {
  const p = inHole(ARENA_UNITS);
  if (p === 0) return 0;
  if (roomOf(p, frontier) < LONG_HOLE) return sized(p, ARENA_UNITS);
  systemFree(p);
  return 0;
}

/** The longest arena in the smallest hole that has room for one; 0 when there is none. */
function arenaInSmallestHole(): usize {
  const p = inHole(1);
  if (p === 0) return 0;
  const units = min(roomOf(p, frontier) >> UNIT_BITS, ARENA_UNITS);
  if (units <= 1) return sized(p, 1);
  const longer = systemRealloc(p, bytesOf(units));
  if (longer === p) return sized(p, units);
  // dlmalloc's block would have grown where it is.
  systemFree(longer !== 0 ? longer : p);
  return 0;
}

/** An arena that does not make the memory longer; 0 when there is no place for one. */
export function arenaInHole(): usize {
  const whole = isLean() ? <usize>0 : wholeArenaInHole();
  return whole !== 0 ? whole : arenaInSmallestHole();
}

/** The longest arena, wherever there is room for it; 0 when there is none. */
export function arenaAnywhere(): usize {
  const p = takeArena(ARENA_UNITS);
  frontier = max(frontier, p);
  return p === 0 ? 0 : sized(p, ARENA_UNITS);
}
