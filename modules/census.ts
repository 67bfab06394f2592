/**
 * A census of requests: an allocator for CPython (PyMemAllocatorEx) that counts and passes on. It sits
 * between the interpreter and another allocator, for as long as someone wants to know.
 */

import { callocPointer, ctx, freePointer, mallocPointer, reallocPointer } from "./pointers";

/** The largest request that pools serve. */
declare const threshold: usize;

let requests: u32 = 0;
let small: u32 = 0;
let live: i32 = 0;
let peak: i32 = 0;

function count(bytes: u64): void {
  requests++;
  if (bytes <= <u64>threshold) small++;
}

function born(p: usize): usize {
  if (p !== 0 && ++live > peak) peak = live;
  return p;
}

export function pyMalloc(_ctx: usize, bytes: usize): usize {
  count(bytes);
  return born(call_indirect<usize>(mallocPointer, ctx, bytes));
}

export function pyCalloc(_ctx: usize, elements: usize, size: usize): usize {
  count(<u64>elements * <u64>size);
  return born(call_indirect<usize>(callocPointer, ctx, elements, size));
}

export function pyRealloc(_ctx: usize, p: usize, bytes: usize): usize {
  count(bytes);
  const moved = call_indirect<usize>(reallocPointer, ctx, p, bytes);
  return p === 0 ? born(moved) : moved;
}

export function pyFree(_ctx: usize, p: usize): void {
  if (p !== 0) live--;
  call_indirect<void>(freePointer, ctx, p);
}

/** malloc, calloc and realloc calls so far. */
export function requestsSeen(): u32 {
  return requests;
}

/** Those of them that asked for no more than `threshold` bytes. */
export function smallRequestsSeen(): u32 {
  return small;
}

/** The most blocks that lived at once, of those born during the census. */
export function peakBlocks(): i32 {
  return peak;
}
