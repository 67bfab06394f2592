/**
 * Arenas out of a malloc that knows nothing of them, and lean use of its memory.
 *
 * Arenas begin at a slice boundary wherever the malloc can be brought to it, so that no slice is lost.
 * Before one is put where it makes the memory longer, the holes are used: by shorter arenas, and those too short for
 * any arena by small blocks, which the malloc puts there when the core lets it.
 *
 * The malloc may throw, and may use the heap. So what is held while it is called is kept where the next call finds it,
 * should nothing behind this one be run; and nobody is let in here a second time meanwhile (`unnested` in hosts/host.ts).
 *
 * A malloc does not say where its holes are. But it puts a block into the smallest that will do; so a block that
 * lies before the frontier, the farthest arena so far, has shown one.
 */

import { ARENA_REQUEST, SLICE_MASK, SLICE_SIZE, Spare } from "../../core/layout";
import {
  ARENA_RESERVE,
  ARENA_UNITS,
  HOLE,
  HOLE_BLOCKS,
  LEAST_SPACER,
  MOST_TURNS,
  UNIT_BITS,
  UNSEARCHED,
} from "../../core/policy/policy";

/** The malloc that owns the memory. */
declare function malloc(bytes: usize): usize;
declare function realloc(p: usize, bytes: usize): usize;
declare function free(p: usize): void;
/** 0 always, where the malloc has no such function. */
declare function memalign(alignment: usize, bytes: usize): usize;
/** Where the memory ends in which there are holes already; 0 when there are none. */
declare const begin: usize;
/** 1 where small blocks may fill the holes that are too short for an arena. */
declare const fillHoles: u32;
/** The address at which the core reads how many small requests it should not serve (HOLD_OFF). */
declare const holdOff: usize;

let frontier: usize = begin;
let turns: u32 = 0;
let unsearched: u32 = 0;

/** What is held while the malloc is called, the shortest arena and another block; 0 for none. */
let shortest: usize = 0;
let held: usize = 0;

/** Gives back what was held when the malloc threw. */
function dropHeld(): void {
  const arena = shortest;
  shortest = 0;
  if (arena !== 0) free(arena);
  const block = held;
  held = 0;
  if (block !== 0) free(block);
}

/**
 * A block of so many bytes that starts at a slice boundary, in place of one that does not. A malloc without
 * memalign is brought to it, where its rest allows: the block is cut down to what is missing up to the boundary, and
 * the next one begins there. (memalign asks for more than it returns, so it never finds the place of an arena that was
 * given back, and is not asked first.)
 */
function aligned(p: usize, bytes: usize): usize {
  if ((p & SLICE_MASK) === 0) return p;
  free(p);
  const q = memalign(SLICE_SIZE, bytes);
  if (q !== 0) return q;
  const first = malloc(bytes);
  if (first === 0) return 0;
  const gap = SLICE_SIZE - (first & SLICE_MASK);
  held = first;
  const spacer = realloc(first, (gap < LEAST_SPACER ? gap + SLICE_SIZE : gap) - ARENA_RESERVE);
  if (spacer === 0) {
    held = 0;
    return first;
  }
  held = spacer;
  const moved = malloc(bytes);
  held = moved;
  free(spacer);
  held = 0;
  return moved !== 0 ? moved : malloc(bytes);
}

/** The longest arena, of so many bytes, wherever there is room for it; 0 for none, or where small blocks should fill a hole. */
export function longestArena(bytes: usize): usize {
  dropHeld();
  if (unsearched !== 0) {
    unsearched--;
  } else if (fillHoles !== 0 && turns < MOST_TURNS) {
    const hole = malloc(HOLE);
    free(hole);
    if (hole < frontier) {
      turns++;
      store<u32>(holdOff, HOLE_BLOCKS);
      return 0;
    }
    unsearched = UNSEARCHED;
  }
  turns = 0;
  const p = aligned(malloc(bytes), bytes);
  frontier = max(frontier, p);
  return p;
}

/** An arena of so many units in a hole, at a slice boundary; 0 when there is none. */
function inHole(units: usize): usize {
  const bytes = (units << UNIT_BITS) - ARENA_RESERVE;
  let p = malloc(bytes);
  if (p < frontier) {
    p = aligned(p, bytes);
    if (p < frontier && (p & SLICE_MASK) === 0) return p;
  }
  free(p);
  return 0;
}

/** Says how long an arena is, in it. */
function sized(p: usize, units: usize): usize {
  changetype<Spare>(p).units = <u32>units;
  return p;
}

/** The longest arena that fits into a hole; 0 when none does. */
function arenaInHole(): usize {
  dropHeld();
  if (unsearched !== 0) return 0;
  const longest = inHole(ARENA_UNITS);
  if (longest !== 0) return sized(longest, ARENA_UNITS);
  // Where not even the shortest fits, there is no need to look for those between.
  const short = inHole(1);
  if (short === 0) return 0;
  shortest = short;
  for (let units = ARENA_UNITS >> 1; units > 1; units >>= 1) {
    const longer = inHole(units);
    if (longer === 0) continue;
    shortest = longer;
    free(short);
    shortest = 0;
    return sized(longer, units);
  }
  shortest = 0;
  return sized(short, 1);
}

/** The arena allocator of the core: see core/heap/heap-host.ts. */
export function arenaAlloc(): usize {
  const inHole = arenaInHole();
  if (inHole !== 0) return inHole;
  const p = longestArena(ARENA_REQUEST);
  return p === 0 ? 0 : sized(p, ARENA_UNITS);
}

export function arenaFree(p: usize, _bytes: usize): void {
  free(p);
}
