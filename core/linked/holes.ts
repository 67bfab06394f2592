/**
 * Runs of arenas in the holes of the system malloc, which is Emscripten's dlmalloc. It does not say where its holes
 * are, but it puts a block into the smallest that will do; so a block that lies before the frontier, the farthest
 * run so far, has shown one.
 *
 * While the heap is lean the smallest are used first: those too short for any run by small blocks, which dlmalloc serves
 * when the core lets it. So holes that are long stay so, for the large blocks that would make the memory longer. Later small
 * blocks all come from pools, and those rather from a whole run in one place.
 */

import { books, isLean } from "../heap/heap";
import { ARENA_SIZE, SLICE_MASK, SLICE_SIZE } from "../layout";
import {
  ARENA_BITS,
  ARENA_RESERVE,
  HOLE,
  HOLE_BLOCKS,
  LONG_HOLE,
  MOST_RAW,
  MOST_TURNS,
  RUN_ARENAS,
} from "../policy/policy";
import { roomOf } from "./chunks";
import { systemFree, systemMalloc, systemMemalign, systemRealloc } from "./program";

/** These two are no part of the heap's state: whoever does not know them searches once more. */
let frontier: usize = 0;
let turns: u32 = 0;

function bytesOf(arenas: usize): usize {
  return (arenas << ARENA_BITS) - ARENA_RESERVE;
}

/** A run at a slice boundary, anywhere; 0 when there is no memory. */
function takeRun(arenas: usize): usize {
  const p = systemMalloc(bytesOf(arenas));
  if ((p & SLICE_MASK) === 0) return p;
  systemFree(p);
  return systemMemalign(SLICE_SIZE, bytesOf(arenas));
}

/** False for 0. */
function isBeforeFrontier(p: usize): bool {
  return p !== 0 && p < frontier;
}

/** A run in a hole; 0 when there is none. */
function inHole(arenas: usize): usize {
  const p = takeRun(arenas);
  if (isBeforeFrontier(p)) return p;
  systemFree(p);
  return 0;
}

/** Is there a hole that is worth filling, and too short for a run? */
function isShortHole(): bool {
  const hole = systemMalloc(HOLE);
  const isShort = isBeforeFrontier(hole) && roomOf(hole, frontier) < ARENA_SIZE;
  systemFree(hole);
  return isShort;
}

/** Lets dlmalloc fill a hole with small blocks, where that is worth it. */
export function fillsHole(): bool {
  if (!isLean()) return false;
  const book = books();
  const isEnough = turns === MOST_TURNS || book.rawBlocks > MOST_RAW * book.arenasCurrent;
  if (isEnough || !isShortHole()) {
    turns = 0;
    return false;
  }
  turns++;
  book.holdOff = HOLE_BLOCKS;
  return true;
}

/** A whole run in a hole that is not long; 0 when there is none. */
function wholeRunInHole(): usize {
  const p = inHole(RUN_ARENAS);
  if (p === 0) return 0;
  if (roomOf(p, frontier) < LONG_HOLE) return p | RUN_ARENAS;
  systemFree(p);
  return 0;
}

/** The longest run in the smallest hole that has room for one; 0 when there is none. */
function runInSmallestHole(): usize {
  const p = inHole(1);
  if (p === 0) return 0;
  const arenas = min(roomOf(p, frontier) >> ARENA_BITS, RUN_ARENAS);
  if (arenas <= 1) return p | 1;
  const longer = systemRealloc(p, bytesOf(arenas));
  if (longer === p) return p | arenas;
  // dlmalloc's block would have grown where it is.
  systemFree(longer !== 0 ? longer : p);
  return 0;
}

/** A run that does not make the memory longer, as core/heap/host.ts says. */
export function runInHole(): usize {
  const whole = isLean() ? <usize>0 : wholeRunInHole();
  return whole !== 0 ? whole : runInSmallestHole();
}

/** The longest run, wherever there is room for it. */
export function runAnywhere(): usize {
  const p = takeRun(RUN_ARENAS);
  frontier = max(frontier, p);
  return p;
}
