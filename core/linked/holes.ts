/**
 * Runs of arenas in the holes of the system malloc, which is Emscripten's dlmalloc. It does not say where its holes
 * are, but it puts a block into the smallest that will do; so a block that lies before the frontier, the farthest
 * run so far, has shown one.
 *
 * The smallest are used first: those too short for any run by small blocks, which dlmalloc serves when the core lets it.
 * So holes that are long stay so, for the large blocks that would make the memory longer.
 */

import { books } from "../arenas";
import { ARENA_BITS, ARENA_RESERVE, RUN_ARENAS, SLICE_MASK, SLICE_SIZE } from "../layout";
import { systemFree, systemMalloc, systemMemalign } from "./host";

/** A hole of so many bytes is worth filling. (Shorter ones than 256 dlmalloc keeps in another order.) */
const HOLE: usize = 264;

/** So many small blocks should fill one ... */
const BLOCKS: u32 = 12;

/** ... and so many holes are filled before the next run, as long as dlmalloc serves at most so many blocks for each arena. */
const MOST_TURNS: u32 = 24;
const MOST_RAW: u32 = 4;

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

/** The same in a hole; 0 when there is none. */
function inHole(arenas: usize): usize {
  const probe = systemMalloc(bytesOf(arenas));
  systemFree(probe);
  if (probe >= frontier) return 0;
  const p = takeRun(arenas);
  if (p < frontier) return p;
  systemFree(p);
  return 0;
}

/** Is there a hole that is worth filling, and too short for a run? */
function isShortHole(): bool {
  const hole = systemMalloc(HOLE);
  systemFree(hole);
  if (hole >= frontier) return false;
  const longer = systemMalloc(bytesOf(1));
  systemFree(longer);
  return hole !== longer;
}

/** Lets dlmalloc fill a hole with small blocks, where that is worth it. */
export function fillsHole(): bool {
  const book = books();
  const isEnough = turns === MOST_TURNS || book.rawBlocks > MOST_RAW * book.arenasCurrent;
  if (isEnough || !isShortHole()) {
    turns = 0;
    return false;
  }
  turns++;
  book.holdOff = BLOCKS;
  return true;
}

/** The longest run in the smallest hole that has room for one, as core/host.ts says. */
export function runInHole(): usize {
  const hole = inHole(1);
  if (hole === 0) return 0;
  systemFree(hole);
  for (let arenas = RUN_ARENAS; arenas > 1; arenas >>= 1) {
    const longer = inHole(arenas);
    if (longer === hole) return longer | arenas;
    // It fits only into a larger hole.
    if (longer !== 0) systemFree(longer);
  }
  const shortest = inHole(1);
  return shortest === 0 ? <usize>0 : shortest | 1;
}

/** The longest run, wherever there is room for it. */
export function runAnywhere(): usize {
  const p = takeRun(RUN_ARENAS);
  frontier = max(frontier, p);
  return p;
}
