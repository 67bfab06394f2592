/**
 * The functions that stand in front of an allocator of CPython's while there is a limit: they see what is refused. The context
 * and `free` stay that allocator's.
 */

import { answered, tell } from "../../core/limit/limit";
import { callocPointer, mallocPointer, reallocPointer } from "./pointers";

export { setLimit } from "../../core/limit/limit";

export function pyMalloc(ctx: usize, bytes: usize): usize {
  return answered(call_indirect<usize>(mallocPointer, ctx, bytes), bytes);
}

export function pyCalloc(ctx: usize, count: usize, size: usize): usize {
  return answered(call_indirect<usize>(callocPointer, ctx, count, size), count * size);
}

export function pyRealloc(ctx: usize, p: usize, bytes: usize): usize {
  return answered(call_indirect<usize>(reallocPointer, ctx, p, bytes), bytes);
}

/** For a program that has a limit linked in, and calls whom it tells through the table. */
export function told(bytes: usize): void {
  tell(bytes);
}
