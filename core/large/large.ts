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
 *     waiting.ts   blocks that were given back, and are given out again as they are
 *     break.ts     the memory becomes longer
 */

import { memory as linear } from "memory";
import { MAX_REQUEST } from "../layout";
import { bestFit, lastFit, placeIn } from "./bins";
import { cut, freeLengthAt, lengthen, release, shorten } from "./blocks";
import { grow, start } from "./break";
import { granuleBits } from "./large-host";
import { addressOf, granuleOf, granulesFor, lengthAt } from "./map";
import { LONGEST_WAITING, state, waitingCell } from "./state";
import { releaseWaiting } from "./waiting";

export { arenaAlloc, arenaFree } from "./arenas";
export { leave, takeBack } from "./break";

/** Where nothing is free that would do, the memory gets longer; 0 where it can't. */
export function findLast(length: u32, step: u32): u32 {
  const last = lastFit(length, step);
  return last !== 0 ? last : grow(length + step - 1);
}

/** The best free block for so many granules; 0 for none. */
function find(length: u32, step: u32): u32 {
  let free = bestFit(length, step);
  if (free === 0 && releaseWaiting()) free = bestFit(length, step);
  return free !== 0 ? free : findLast(length, step);
}

/** Has the malloc its memory, or gets it now? */
export function isReady(): bool {
  return state().map !== 0 || start();
}

function mallocSlowly(bytes: usize, step: u32): usize {
  if (bytes > MAX_REQUEST || !isReady()) return 0;
  const length = granulesFor(max<usize>(bytes, 1));
  const free = find(length, step);
  if (free === 0) return 0;
  const granule = placeIn(free, step);
  cut(free, granule, length);
  return addressOf(granule);
}

export function malloc(bytes: usize): usize {
  const length = granulesFor(bytes);
  if (length <= LONGEST_WAITING) {
    const cell = waitingCell(length);
    const p = load<usize>(cell);
    if (p !== 0) {
      store<usize>(cell, load<usize>(p));
      return p;
    }
  }
  return mallocSlowly(bytes, 1);
}

/** A block at a multiple of `alignment`, a power of 2. */
export function memalign(alignment: usize, bytes: usize): usize {
  const step = <u32>(alignment >>> granuleBits);
  return step <= 1 ? malloc(bytes) : mallocSlowly(bytes, step);
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
  if (length > LONGEST_WAITING) {
    release(granule, length);
    return;
  }
  const cell = waitingCell(length);
  store<usize>(p, load<usize>(cell));
  store<usize>(cell, p);
  state().waits = 1;
}

/** The block at a granule made longer where it is, by so many granules; false where it can't be. */
function growsInPlace(granule: u32, length: u32, more: u32): bool {
  const right = granule + length;
  const there = freeLengthAt(right);
  if (there < more) {
    // The last block before the break; but the memory is no longer than it has to be.
    if (addressOf(right + there) !== state().end || bestFit(length + more, 1) !== 0) return false;
    if (grow(more) !== right) return false;
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
  if (growsInPlace(granule, length, wanted - length)) return p;
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
