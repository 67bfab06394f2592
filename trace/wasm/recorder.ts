/**
 * A recorder of requests: an allocator for CPython (PyMemAllocatorEx) that notes what is asked for and
 * what came of it, and passes on. The notes go into a buffer, which several instances share:
 *
 *   buffer: | end of the notes | 12 bytes unused | note | note | ... |
 *   note:   | operation | bytes | the block that was passed | the block that was returned |
 *
 * What failed, and what frees nothing, is not noted.
 */

import {
  callocPointer,
  ctx,
  freePointer,
  mallocPointer,
  reallocPointer,
} from "../../python/wasm/pointers";

/** Where the buffer begins and where it ends; a whole number of notes fits. */
declare const buffer: usize;
declare const bufferEnd: usize;

/** Takes the notes away and sets their end back. */
declare function flush(): void;

const NOTE_BYTES: usize = 16;

function note(operation: u32, bytes: usize, passed: usize, returned: usize): void {
  const at = load<usize>(buffer);
  store<u32>(at, operation);
  store<usize>(at, bytes, 4);
  store<usize>(at, passed, 8);
  store<usize>(at, returned, 12);
  store<usize>(buffer, at + NOTE_BYTES);
  if (at + NOTE_BYTES === bufferEnd) flush();
}

export function pyMalloc(_ctx: usize, bytes: usize): usize {
  const p = call_indirect<usize>(mallocPointer, ctx, bytes);
  if (p !== 0) note(0, bytes, 0, p);
  return p;
}

export function pyCalloc(_ctx: usize, elements: usize, size: usize): usize {
  const p = call_indirect<usize>(callocPointer, ctx, elements, size);
  if (p !== 0) note(1, elements * size, 0, p);
  return p;
}

export function pyRealloc(_ctx: usize, p: usize, bytes: usize): usize {
  const moved = call_indirect<usize>(reallocPointer, ctx, p, bytes);
  if (moved !== 0) note(p === 0 ? 0 : 2, bytes, p, moved);
  return moved;
}

export function pyFree(_ctx: usize, p: usize): void {
  if (p !== 0) note(3, 0, p, 0);
  call_indirect<void>(freePointer, ctx, p);
}
