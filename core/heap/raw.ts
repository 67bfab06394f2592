/**
 * The raw domain: the system malloc, made to answer every request the same way.
 *
 * C leaves malloc(0) open and some allocators trap on sizes that no memory could hold; CPython
 * (Objects/obmalloc.c, _PyMem_RawMalloc and its kin) asks for one byte instead of none, and refuses
 * what is longer than PY_SSIZE_T_MAX before asking anyone.
 */

import { MAX_REQUEST } from "../layout";
import { calloc, free, malloc, realloc } from "./heap-host";

export function rawMalloc(bytes: usize): usize {
  return bytes > MAX_REQUEST ? 0 : malloc(max<usize>(bytes, 1));
}

export function rawCalloc(count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  if (bytes > MAX_REQUEST) return 0;
  return bytes === 0 ? calloc(1, 1) : calloc(count, size);
}

export function rawRealloc(p: usize, bytes: usize): usize {
  return bytes > MAX_REQUEST ? 0 : realloc(p, max<usize>(bytes, 1));
}

export function rawFree(p: usize): void {
  free(p);
}
