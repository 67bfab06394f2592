/**
 * The object domain behind CPython's function pointers (PyMemAllocatorEx), whose first parameter is the
 * allocator's context. It is not used: the context of this heap is its root.
 */

import { NO_POOL } from "../layout";
import { isMapped, mappedSlice, poolAt } from "./map";
import { currentOf, hasFree, settle } from "./pools";
import { calloc, put, putRaw, realloc, takeFrom, takeSlowly } from "./pymalloc";
import { classOf, isSmall } from "./sizes";

export function pyMalloc(_ctx: usize, bytes: usize): usize {
  if (isSmall(bytes)) {
    const current = currentOf(classOf(bytes));
    if (hasFree(current)) return takeFrom(current);
  }
  return takeSlowly(bytes);
}

export function pyCalloc(_ctx: usize, count: usize, size: usize): usize {
  return calloc(count, size);
}

export function pyRealloc(_ctx: usize, p: usize, bytes: usize): usize {
  return realloc(p, bytes);
}

export function pyFree(_ctx: usize, p: usize): void {
  if (isMapped(p)) {
    const slice = mappedSlice(p);
    if (slice !== NO_POOL) {
      const pool = poolAt(p, slice);
      if (put(pool, p)) settle(pool);
      return;
    }
  }
  putRaw(p);
}
