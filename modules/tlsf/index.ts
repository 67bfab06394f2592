/**
 * The system malloc of a heap that owns its memory: AssemblyScript's TLSF behind C's contracts.
 *
 * TLSF is AssemblyScript's own (`--runtime minimal`); what is added is what C promises and TLSF does
 * not: NULL where there is no memory, calloc, realloc(NULL, n) and free(NULL).
 */

import { break_ } from "./break";
import { tryMalloc, tryRealloc } from "./host";

/** TLSF's longest block. */
const MAX_BLOCK: usize = (1 << 30) - 4;

/** TLSF's word in front of each block: its size, and tags in the two lowest bits. */
const BLOCK_HEADER: usize = 4;
const BLOCK_TAGS: usize = 3;

/** The pages that TLSF asks for at worst: it rounds up by a 16th and adds two headers. */
function pagesFor(bytes: usize): i32 {
  return <i32>((bytes + (bytes >>> 4) + 64 + 0xffff) >>> 16);
}

export function malloc(bytes: usize): usize {
  if (bytes > MAX_BLOCK) return 0;
  // Without room, a free block may still fit; only TLSF knows, and it traps when there is none.
  return break_.makeRoom(pagesFor(bytes)) ? __alloc(bytes) : tryMalloc(bytes);
}

export function calloc(count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  if (bytes > MAX_BLOCK) return 0;
  const p = malloc(<usize>bytes);
  if (p !== 0) break_.fill(p, 0, <usize>bytes);
  return p;
}

export function realloc(p: usize, bytes: usize): usize {
  if (p === 0) return malloc(bytes);
  if (bytes > MAX_BLOCK) return 0;
  return break_.makeRoom(pagesFor(bytes)) ? __realloc(p, bytes) : tryRealloc(p, bytes);
}

export function free(p: usize): void {
  if (p !== 0) __free(p);
}

/** The bytes that may be used of a block that was asked for with fewer. */
export function usableSize(p: usize): usize {
  return load<usize>(p - BLOCK_HEADER) & ~BLOCK_TAGS;
}

/** The pages, from the memory's beginning, that TLSF has taken or left to others. */
export function pagesInUse(): i32 {
  return break_.size();
}

/** Leaves the pages up to `end`, which is beyond those in use, to someone else; false where there is no memory for them. */
export function leave(end: i32): bool {
  return break_.skip(end);
}

/** TLSF itself, for the host to call where a trap means "no memory". */
export function trappingMalloc(bytes: usize): usize {
  return __alloc(bytes);
}

export function trappingRealloc(p: usize, bytes: usize): usize {
  return __realloc(p, bytes);
}
