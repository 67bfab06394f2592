/**
 * Arenas out of a malloc that knows nothing of them, and lean use of its memory.
 *
 * Runs of arenas begin at a slice boundary wherever the malloc can be brought to it, so that no slice is lost.
 * Before one is put where it makes the memory longer, the holes are used: by shorter runs, which the core asks
 * for, and those too short for any run by small blocks, which the malloc puts there when the core lets it.
 *
 * A malloc does not say where its holes are. But it puts a block into the smallest that will do; so a block that
 * lies before the frontier, the farthest run so far, has shown one.
 */

import { ARENA_RESERVE, SLICE_MASK, SLICE_SIZE } from "../core/layout";

/** The malloc that owns the memory. */
declare function malloc(bytes: usize): usize;
declare function realloc(p: usize, bytes: usize): usize;
declare function free(p: usize): void;
/** 0 always, where the malloc has no such function. */
declare function memalign(alignment: usize, bytes: usize): usize;
/** Where the memory ends in which there are holes already; 0 when there are none. */
declare const begin: usize;
/** The address at which the core reads how many small requests it should not serve (HOLD_OFF). */
declare const holdOff: usize;

/** A hole of so many bytes is worth filling, and so many small blocks should do it. */
const HOLE: usize = SLICE_SIZE;
const BLOCKS: u32 = 24;

/** So many holes are filled before the next long run: time is worth something, too. */
const MOST_TURNS: u32 = 8;

/** The shortest spacer: a malloc's smallest blocks are longer than a very small gap. */
const LEAST_SPACER: usize = 64;

let frontier: usize = begin;
let turns: u32 = 0;

/** A block that starts at a slice boundary, if that can be had; 0 for no memory. */
function alignedMalloc(bytes: usize): usize {
  // First an ordinary block: memalign asks for more than it returns, and never finds the place of a run that
  // was given back.
  const first = malloc(bytes);
  if ((first & SLICE_MASK) === 0) return first;
  free(first);
  const aligned = memalign(SLICE_SIZE, bytes);
  if (aligned !== 0) return aligned;
  // Without memalign, a block is cut down, where it is, to what is missing up to the boundary, and the next one
  // begins there if the malloc takes it from the rest.
  const p = malloc(bytes);
  if (p === 0) return 0;
  const gap = SLICE_SIZE - (p & SLICE_MASK);
  const spacer = realloc(p, (gap < LEAST_SPACER ? gap + SLICE_SIZE : gap) - ARENA_RESERVE);
  if (spacer === 0) return p;
  const moved = malloc(bytes);
  free(spacer);
  return moved !== 0 ? moved : malloc(bytes);
}

/** The arena allocator of the core: a run wherever there is room for it; see core/host.ts. */
export function arenaAlloc(bytes: usize): usize {
  if (turns < MOST_TURNS) {
    const hole = malloc(HOLE);
    free(hole);
    if (hole < frontier) {
      turns++;
      store<u32>(holdOff, BLOCKS);
      return 0;
    }
  }
  turns = 0;
  const p = alignedMalloc(bytes);
  frontier = max(frontier, p);
  return p;
}

/** A run in a hole; 0 when there is none that is long enough. */
export function holeAlloc(bytes: usize): usize {
  const p = alignedMalloc(bytes);
  if (p < frontier) return p;
  free(p);
  return 0;
}

export function arenaFree(p: usize, _bytes: usize): void {
  free(p);
}
