/**
 * Blocks of mimalloc's, counted. A CPython `--with-pymalloc` walks over mimalloc's heap for `sys.getallocatedblocks()`
 * (Objects/obmalloc.c, get_mimalloc_allocated_blocks); in one that was built without, nothing is left of the functions for that.
 * So these stand in front of mimalloc's, with the record that they took the place of as their context.
 */

import { recordAt } from "./records";
import { state } from "./state";

export function countedMalloc(ctx: usize, bytes: usize): usize {
  const p = call_indirect<usize>(recordAt(ctx).malloc, recordAt(ctx).ctx, bytes);
  if (p !== 0) state().counted++;
  return p;
}

export function countedCalloc(ctx: usize, count: usize, size: usize): usize {
  const p = call_indirect<usize>(recordAt(ctx).calloc, recordAt(ctx).ctx, count, size);
  if (p !== 0) state().counted++;
  return p;
}

export function countedRealloc(ctx: usize, p: usize, bytes: usize): usize {
  const moved = call_indirect<usize>(recordAt(ctx).realloc, recordAt(ctx).ctx, p, bytes);
  if (p === 0 && moved !== 0) state().counted++;
  return moved;
}

export function countedFree(ctx: usize, p: usize): void {
  if (p !== 0) state().counted--;
  call_indirect<void>(recordAt(ctx).free, recordAt(ctx).ctx, p);
}
