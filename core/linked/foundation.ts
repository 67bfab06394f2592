/**
 * The arenas of a linked core. Most of those that an interpreter takes for its start lie in one block, the foundation: pools
 * there leave no gaps between larger blocks, and larger blocks none between pools. It is taken with the first arena and
 * kept; arenas that come back are the next to be taken. All others are where the system malloc has room (`holes.ts`).
 */

import { LONGEST_ARENA, SLICE_SIZE } from "../layout";
import { ARENA_RESERVE, ARENA_UNITS, FOUNDATION_ARENAS } from "../policy/linked";
import { arenaAnywhere, arenaInHole, fillsHole, sized } from "./holes";
import { systemFree, systemMemalign } from "./linked-host";
import { state } from "./state";
import { report } from "./sys";

/** The foundation's length in bytes. */
const FOUNDATION: usize = FOUNDATION_ARENAS * LONGEST_ARENA;

/** An arena of the foundation, the longest there is; 0 when all are taken, or there was no memory for it. */
function takeFounded(): usize {
  const s = state();
  if (!s.founded) {
    s.founded = true;
    s.foundation = systemMemalign(SLICE_SIZE, FOUNDATION - ARENA_RESERVE);
    s.foundationNext = s.foundation;
  }
  const returned = s.foundationReturned;
  if (returned !== 0) {
    s.foundationReturned = load<usize>(returned);
    return sized(returned, ARENA_UNITS);
  }
  const next = s.foundationNext;
  if (next === 0 || next - s.foundation === FOUNDATION) return 0;
  s.foundationNext = next + LONGEST_ARENA;
  return sized(next, ARENA_UNITS);
}

/** The arena allocator of the core: see core/heap/heap-host.ts. */
export function arenaAlloc(): usize {
  let arena = takeFounded();
  if (arena === 0) {
    if (fillsHole()) return 0;
    arena = arenaInHole();
  }
  if (arena === 0) arena = arenaAnywhere();
  // With PYTHONMALLOCSTATS, CPython reports whenever an arena comes (new_arena).
  if (arena !== 0 && state().reports) report();
  return arena;
}

export function arenaFree(p: usize, _bytes: usize): void {
  const s = state();
  if (s.foundation === 0 || p - s.foundation >= FOUNDATION) {
    systemFree(p);
    return;
  }
  store<usize>(p, s.foundationReturned);
  s.foundationReturned = p;
}

/** The program's realloc has done so: see core/heap/heap-host.ts. */
export function tableFree(_table: usize): void {}
