/**
 * A runtime for AssemblyScript: its objects, collected as ever, live in pymalloc's object family.
 *
 *     asc guest.ts --runtime ./node_modules/pymalloc/include/pymalloc --importMemory --memoryBase 65536
 *
 * The file's name is that of the module that the functions are imported from.
 */

import { BLOCK, BLOCK_OVERHEAD } from "rt/common";
import "rt/itcms";

declare function PyObject_Malloc(bytes: usize): usize;
declare function PyObject_Realloc(p: usize, bytes: usize): usize;
declare function PyObject_Free(p: usize): void;

/** In front of a block lies what the collector reads of it: its size, with two bits for tags. 8, so that it stays aligned. */
// @ts-ignore: decorator
@lazy const FRONT: usize = 8;

function begin(block: usize, size: usize): usize {
  if (block === 0) unreachable(); // as AssemblyScript's own allocators do
  const p = block + FRONT;
  changetype<BLOCK>(p - BLOCK_OVERHEAD).mmInfo = (size + 3) & ~3;
  return p;
}

// @ts-ignore: decorator
@global @unsafe
function __alloc(size: usize): usize {
  return begin(PyObject_Malloc(FRONT + ((size + 3) & ~3)), size);
}

// @ts-ignore: decorator
@global @unsafe
function __realloc(p: usize, size: usize): usize {
  return begin(PyObject_Realloc(p - FRONT, FRONT + ((size + 3) & ~3)), size);
}

// @ts-ignore: decorator
@global @unsafe
function __free(p: usize): void {
  PyObject_Free(p - FRONT);
}
