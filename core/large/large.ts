/**
 * The system malloc of a heap that owns its memory: best fit, without headers.
 *
 * It is made for what comes to it beside the pools: blocks over 512 bytes, arenas, and memory that can't be given back. The
 * contracts are C's. Blocks begin at multiples of 16 at least. `malloc` of no bytes gives a block of its own. Where
 * there is no memory, 0 is returned and nothing has changed. From the ground up:
 *
 *     map.ts       where blocks begin, how long they are, which are in use: bits beside the blocks
 *     bins.ts      the free blocks, by their length
 *     blocks.ts    free memory becomes blocks, and blocks free memory
 *     sweep.ts     what was given back becomes free memory, later and all at once
 *     waiting.ts   blocks that were given back, and are given out again as they are
 *     break.ts     the memory becomes longer
 *     find.ts      where a block can be
 *     arenas.ts    where an arena of the core's can be
 */

import { memory as linear } from "memory";
import { MAX_REQUEST } from "../layout";
import { LONG, LONGEST_IN_ROW, LONGEST_WAITING, ROW } from "../policy/policy";
import { bestFit, MANY, placeIn } from "./bins";
import { cut, freeLengthAt, lengthen, release, shorten } from "./blocks";
import { grow, isReady } from "./break";
import { find } from "./find";
import { granuleBits } from "./large-host";
import { addressOf, granuleOf, granulesFor, lengthAt } from "./map";
import { state } from "./state";
import { settle } from "./sweep";
import { takeWaiting, wait, waitBehind } from "./waiting";

export { LONGEST_WAITING } from "../policy/policy";
export { arenaAlloc } from "./arenas";
export { leave, takeBack } from "./break";
export { LEFT } from "./map";
export {
  FIRSTS,
  FULL,
  ROOT_SIZE as LARGE_ROOT_SIZE,
  STATE_BITS,
  STATE_DROPS,
  STATE_END,
  STATE_MAP,
  STATE_REACH,
  STATE_STARTS,
  STATE_USES,
  STATE_WAITS,
  WAITING,
} from "./state";
export { brokenAt, validate } from "./validate";

/** A block at a multiple of `step` granules; a short one is cut off together with some for the next requests. */
function mallocSlowly(bytes: usize, step: u32): usize {
  if (bytes > MAX_REQUEST || !isReady()) return 0;
  const length = granulesFor(bytes);
  const free = find(length, step);
  if (free === 0) return 0;
  const granule = placeIn(free, step);
  const count = step === 1 && bytes <= LONGEST_IN_ROW ? min(lengthAt(free) / length, ROW) : 1;
  cut(free, granule, length * count);
  if (count > 1) waitBehind(granule, length, count);
  return addressOf(granule);
}

export function malloc(bytes: usize): usize {
  if (bytes - 1 < LONGEST_WAITING) {
    const p = takeWaiting(granulesFor(bytes));
    if (p !== 0) return p;
  } else if (bytes === 0) {
    return malloc(1);
  }
  return mallocSlowly(bytes, 1);
}

/** A block at a multiple of `alignment`, a power of 2. */
export function memalign(alignment: usize, bytes: usize): usize {
  const step = <u32>(alignment >>> granuleBits);
  return step <= 1 ? malloc(bytes) : mallocSlowly(max<usize>(bytes, 1), step);
}

export function calloc(count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  if (bytes > MAX_REQUEST) return 0;
  const p = malloc(<usize>bytes);
  if (p !== 0) linear.fill(p, 0, <usize>bytes);
  return p;
}

export function free(p: usize): void {
  if (p === 0) return;
  const granule = granuleOf(p);
  const length = lengthAt(granule);
  if ((<usize>length) << granuleBits <= LONGEST_WAITING) wait(p, length);
  else release(granule, length);
}

/** Takes an arena back: see core/heap/heap-host.ts. */
export function arenaFree(p: usize, _bytes: usize): void {
  free(p);
}

/** The block at a granule made longer where it is, by so many granules; false where it can't be. */
function growsInPlace(granule: u32, length: u32, more: u32): bool {
  const right = granule + length;
  const there = freeLengthAt(right);
  if (there < more) {
    // The last block before the break; but the memory is no longer than it has to be.
    if (addressOf(right + there) !== state().end || bestFit(length + more, 1, MANY) !== 0)
      return false;
    if (grow(more, 1) !== right) return false;
  }
  lengthen(granule, length, more);
  return true;
}

export function realloc(p: usize, bytes: usize): usize {
  if (p === 0) return malloc(bytes);
  if (bytes > MAX_REQUEST) return 0;
  const granule = granuleOf(p);
  const length = lengthAt(granule);
  const wanted = granulesFor(max<usize>(bytes, 1));
  if (wanted <= length) {
    if (wanted < length) shorten(granule, length, wanted);
    return p;
  }
  const more = wanted - length;
  if (growsInPlace(granule, length, more)) return p;
  // Before much is copied it is worth while to see whether what lies behind is in use at all.
  const isLong = (<usize>length) << granuleBits >= LONG;
  if (isLong && settle() && growsInPlace(granule, length, more)) return p;
  const moved = malloc(bytes);
  if (moved === 0) return 0;
  linear.copy(moved, p, (<usize>length) << granuleBits);
  free(p);
  return moved;
}

/** The bytes that may be used of a block. */
export function usableSize(p: usize): usize {
  return (<usize>lengthAt(granuleOf(p))) << granuleBits;
}

/** Where the memory ends that is the malloc's or was left to others; 0 before the first request. */
export function end(): usize {
  return state().end;
}
