/**
 * An allocator of CPython's (PyMemAllocatorEx: a context and four function pointers) as the plain
 * malloc, calloc, realloc and free that the core imports. Instantiated over the interpreter's function
 * table, so that a call never leaves WebAssembly.
 */

import { callocPointer, ctx, freePointer, mallocPointer, reallocPointer } from "./pointers";

export function malloc(bytes: usize): usize {
  return call_indirect<usize>(mallocPointer, ctx, bytes);
}

export function calloc(count: usize, size: usize): usize {
  return call_indirect<usize>(callocPointer, ctx, count, size);
}

export function realloc(p: usize, bytes: usize): usize {
  return call_indirect<usize>(reallocPointer, ctx, p, bytes);
}

export function free(p: usize): void {
  call_indirect<void>(freePointer, ctx, p);
}
