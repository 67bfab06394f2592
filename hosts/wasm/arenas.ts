/**
 * Arenas out of a malloc that knows nothing of them, and lean use of its memory.
 *
 * Runs of arenas begin at a slice boundary wherever the malloc can be brought to it, so that no slice is lost.
 * Before one is put where it makes the memory longer, the holes are used: by shorter runs, and those too short for
 * any run by small blocks, which the malloc puts there when the core lets it.
 *
 * The malloc may throw, and may use the heap. So what is held while it is called is kept where the next call finds it,
 * should nothing behind this one be run; and nobody is let in here a second time meanwhile (`unnested` in hosts/host.ts).
 *
 * A malloc does not say where its holes are. But it puts a block into the smallest that will do; so a block that
 * lies before the frontier, the farthest run so far, has shown one.
 */

import { SLICE_MASK, SLICE_SIZE } from "../../core/layout";
import {
  ARENA_BITS,
  ARENA_RESERVE,
  HOLE,
  HOLE_BLOCKS,
  LEAST_SPACER,
  MOST_TURNS,
  RUN_ARENAS,
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
/** 1 where small blocks may fill the holes that are too short for a run. */
declare const fillHoles: u32;
/** The address at which the core reads how many small requests it should not serve (HOLD_OFF). */
declare const holdOff: usize;

let frontier: usize = begin;
let turns: u32 = 0;
let unsearched: u32 = 0;

/** What is held while the malloc is called, the shortest run and another block; 0 for none. */
let shortest: usize = 0;
let held: usize = 0;

/** Gives back what was held when the malloc threw. */
function dropHeld(): void {
  const run = shortest;
  shortest = 0;
  if (run !== 0) free(run);
  const block = held;
  held = 0;
  if (block !== 0) free(block);
}

/**
 * A block of so many bytes that starts at a slice boundary, in place of one that does not. A malloc without
 * memalign is brought to it, where its rest allows: the block is cut down to what is missing up to the boundary, and
 * the next one begins there. (memalign asks for more than it returns, so it never finds the place of a run that was
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

/** The arena allocator of the core: a run wherever there is room for it; see core/heap/host.ts. */
export function arenaAlloc(bytes: usize): usize {
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

/** A run of so many arenas in a hole, at a slice boundary; 0 when there is none. */
function inHole(arenas: usize): usize {
  const bytes = (arenas << ARENA_BITS) - ARENA_RESERVE;
  let p = malloc(bytes);
  if (p < frontier) {
    p = aligned(p, bytes);
    if (p < frontier && (p & SLICE_MASK) === 0) return p;
  }
  free(p);
  return 0;
}

/** The longest run that fits into a hole, as core/heap/host.ts says. */
export function holeAlloc(): usize {
  dropHeld();
  if (unsearched !== 0) return 0;
  const longest = inHole(RUN_ARENAS);
  if (longest !== 0) return longest | RUN_ARENAS;
  // Where not even the shortest fits, there is no need to look for those between.
  const short = inHole(1);
  if (short === 0) return 0;
  shortest = short;
  for (let arenas = RUN_ARENAS >> 1; arenas > 1; arenas >>= 1) {
    const longer = inHole(arenas);
    if (longer === 0) continue;
    shortest = longer;
    free(short);
    shortest = 0;
    return longer | arenas;
  }
  shortest = 0;
  return short | 1;
}

export function arenaFree(p: usize, _bytes: usize): void {
  free(p);
}
