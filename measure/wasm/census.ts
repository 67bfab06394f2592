/**
 * A census of requests: an allocator for CPython (PyMemAllocatorEx) that counts and passes on. It sits
 * between the interpreter and another allocator, for as long as someone wants to know.
 */

import {
  callocPointer,
  ctx,
  freePointer,
  mallocPointer,
  reallocPointer,
} from "../../python/wasm/pointers";

/** Is this block in a pool? The core's own answer. */
declare function addressInRange(p: usize): bool;

let requestCount: u32 = 0;
let poolCount: u32 = 0;
let live: i32 = 0;
let peak: i32 = 0;

function count(p: usize): usize {
  requestCount++;
  if (addressInRange(p)) poolCount++;
  return p;
}

function born(p: usize): usize {
  if (p !== 0 && ++live > peak) peak = live;
  return count(p);
}

export function pyMalloc(_ctx: usize, bytes: usize): usize {
  return born(call_indirect<usize>(mallocPointer, ctx, bytes));
}

export function pyCalloc(_ctx: usize, elements: usize, size: usize): usize {
  return born(call_indirect<usize>(callocPointer, ctx, elements, size));
}

export function pyRealloc(_ctx: usize, p: usize, bytes: usize): usize {
  const moved = call_indirect<usize>(reallocPointer, ctx, p, bytes);
  return p === 0 ? born(moved) : count(moved);
}

export function pyFree(_ctx: usize, p: usize): void {
  if (p !== 0) live--;
  call_indirect<void>(freePointer, ctx, p);
}

/** malloc, calloc and realloc calls. */
export function requests(): u32 {
  return requestCount;
}

/** Those of them that pools served. */
export function fromPools(): u32 {
  return poolCount;
}

/** By how many blocks the live ones exceeded those at the start, at most. */
export function peakBlocks(): i32 {
  return peak;
}
