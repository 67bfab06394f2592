/**
 * The system malloc of a heap that owns its memory: AssemblyScript's TLSF behind C's contracts.
 *
 * TLSF is AssemblyScript's own (`--runtime minimal`); what is added is what C promises and TLSF does
 * not: NULL where there is no memory, calloc, realloc(NULL, n) and free(NULL). And the memory never grows while a
 * free block would do: it is as long as the heap once needed it.
 */

import { break_ } from "./break";
import {
  Block,
  blockOf,
  finds,
  firstFit,
  HEADER,
  isFree,
  isThere,
  LEFT_FREE,
  lastFree,
  NONE,
  payloadOf,
  rightOf,
  roundUp,
  setTail,
  sizeOf,
  tail,
  take,
} from "./lists";

export { BREAK } from "./break";
export { FIRST_HEADER, FREE, HEADER, LEFT_FREE, TAGS } from "./lists";

/** TLSF's longest block. */
const MAX_BLOCK: usize = (1 << 30) - 4;

const PAGE_BITS: u32 = 16;
const PAGE: usize = 1 << PAGE_BITS;

/** In pages that nothing lies before, so many bytes are left out, so that the payload is at a multiple of 16. */
export const SKIPPED: usize = 12;

/** The address of the break. */
function end(): usize {
  return (<usize>break_.size()) << PAGE_BITS;
}

/**
 * Makes memory free: from where a block's header is to be up to the end of a page. At that end is a header of a block of no
 * length in use, which this gives: nothing is ever joined to what lies behind it.
 */
function lay(header: usize, to: usize, tags: usize): Block {
  const last = changetype<Block>(to - HEADER);
  last.info = 0;
  changetype<Block>(header).info = (to - HEADER - (header + HEADER)) | tags;
  __free(header + HEADER);
  return last;
}

/** Moves the break so far that a payload of `size` bytes, of which `there` lie before it, has room up to it. */
function grow(size: usize, there: usize): bool {
  const before = end();
  const joined = changetype<usize>(tail()) === before - HEADER;
  const header = joined ? before - HEADER : before + SKIPPED;
  // The new tail's header is at the end of the last page.
  const missing = header + HEADER + (size - (joined ? there : 0)) + HEADER - before;
  const pages = <i32>((missing + PAGE - 1) >>> PAGE_BITS);
  if (!break_.move(break_.size() + pages)) return false;
  setTail(lay(header, end(), joined ? tail().info & LEFT_FREE : 0));
  return true;
}

/** What TLSF does not find: a block that is exactly as long, or what has to be made first. */
function mallocSlowly(bytes: usize, size: usize): usize {
  let block = firstFit(size);
  if (block === NONE) {
    const last = lastFree();
    if (!grow(size, last === NONE ? 0 : sizeOf(last) + HEADER)) return 0;
    block = firstFit(size);
  }
  take(block);
  return __realloc(payloadOf(block), bytes); // gives back what is not needed
}

export function malloc(bytes: usize): usize {
  if (bytes > MAX_BLOCK) return 0;
  if (!isThere()) __free(__alloc(0));
  const size = roundUp(bytes);
  return finds(size) ? __alloc(bytes) : mallocSlowly(bytes, size);
}

export function calloc(count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  if (bytes > MAX_BLOCK) return 0;
  const p = malloc(<usize>bytes);
  if (p !== 0) break_.fill(p, 0, <usize>bytes);
  return p;
}

/** The payload that a block could have in its place. */
function sizeInPlace(block: Block): usize {
  const right = rightOf(block);
  return sizeOf(block) + (isFree(right) ? HEADER + sizeOf(right) : 0);
}

/** The block at `p`, longer in its place or in another one. Growing is for last. */
function lengthen(p: usize, bytes: usize, size: usize): usize {
  const block = blockOf(p);
  const most = sizeInPlace(block);
  const isLast = payloadOf(block) + most === changetype<usize>(tail());
  if (isLast && !finds(size) && firstFit(size) === NONE && grow(size, most)) {
    return __realloc(p, bytes);
  }
  const moved = malloc(bytes);
  if (moved === 0) return 0;
  break_.copy(moved, p, sizeOf(block));
  __free(p);
  return moved;
}

export function realloc(p: usize, bytes: usize): usize {
  if (p === 0) return malloc(bytes);
  if (bytes > MAX_BLOCK) return 0;
  const size = roundUp(bytes);
  return size <= sizeInPlace(blockOf(p)) ? __realloc(p, bytes) : lengthen(p, bytes, size);
}

export function free(p: usize): void {
  if (p !== 0) __free(p);
}

/** The bytes that may be used of a block that was asked for with fewer. */
export function usableSize(p: usize): usize {
  return sizeOf(blockOf(p));
}

/** The pages, from the memory's beginning, that TLSF has taken or left to others. */
export function pagesInUse(): i32 {
  return break_.size();
}

/** Leaves the pages up to `end`, which is beyond those in use, to someone else; false where there is no memory for them. */
export function leave(end: i32): bool {
  return break_.move(end);
}

/** Takes back the pages from `start` up to `end` that were left to someone else; what is in them is lost. */
export function takeBack(start: i32, end: i32): void {
  if (break_.size() === end) {
    // They are zeros again, as all that was never used: whom they are left to next relies on that.
    break_.fill((<usize>start) << PAGE_BITS, 0, (<usize>(end - start)) << PAGE_BITS);
    break_.back(start);
  } else {
    lay(((<usize>start) << PAGE_BITS) + SKIPPED, (<usize>end) << PAGE_BITS, 0);
  }
}
