/**
 * What everything stands on: the system malloc, made to answer every request the same way (as core/heap/raw.ts does for the pools), and
 * the same behind CPython's function pointers.
 */

import { calloc, free, malloc, realloc } from "../large/large";
import { MAX_REQUEST } from "../layout";

export function systemMalloc(bytes: usize): usize {
  return bytes > MAX_REQUEST ? 0 : malloc(max<usize>(bytes, 1));
}

export function systemCalloc(count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  if (bytes > MAX_REQUEST) return 0;
  return bytes === 0 ? calloc(1, 1) : calloc(count, size);
}

export function systemRealloc(p: usize, bytes: usize): usize {
  return bytes > MAX_REQUEST ? 0 : realloc(p, max<usize>(bytes, 1));
}

export function systemFree(p: usize): void {
  free(p);
}

export function rawPyMalloc(_ctx: usize, bytes: usize): usize {
  return systemMalloc(bytes);
}

export function rawPyCalloc(_ctx: usize, count: usize, size: usize): usize {
  return systemCalloc(count, size);
}

export function rawPyRealloc(_ctx: usize, p: usize, bytes: usize): usize {
  return systemRealloc(p, bytes);
}

export function rawPyFree(_ctx: usize, p: usize): void {
  free(p);
}

/** For the heap's own tables: see core/heap/heap-host.ts. The system's realloc has done what `tableFree` would. */
export function tableRealloc(p: usize, bytes: usize): usize {
  return realloc(p, bytes);
}

export function tableMalloc(bytes: usize): usize {
  return malloc(bytes);
}

export function tableFree(_table: usize): void {}
