/**
 * A runtime for AssemblyScript: its objects, collected as ever, live in pymalloc's object family.
 *
 *     asc guest.ts --runtime ./node_modules/pymalloc/include/pymalloc --importMemory --memoryBase 65536
 *
 * The file's name is that of the module that the functions are imported from.
 */

import { AL_MASK, AL_SIZE, BLOCK, BLOCK_MAXSIZE, BLOCK_OVERHEAD } from "rt/common";
import "rt/itcms";

declare function PyObject_Malloc(bytes: usize): usize;
declare function PyObject_Realloc(p: usize, bytes: usize): usize;
declare function PyObject_Free(p: usize): void;

/**
 * AssemblyScript wants its memory at multiples of 16; a block of the object family begins at one of 8.
 *
 *     block            p: the first multiple of 16 that leaves room for two words
 *     | ... | front | size | bytes ...
 *             ^ p - block    ^ with two bits for tags: what the collector reads of it
 */
// @ts-ignore: decorator
@lazy const WORDS: usize = 2 * sizeof<usize>();

function lengthOf(size: usize): usize {
  if (size > BLOCK_MAXSIZE) unreachable(); // as AssemblyScript's own allocators do
  return AL_SIZE + ((size + 3) & ~3);
}

function placeIn(block: usize): usize {
  return (block + WORDS + AL_MASK) & ~AL_MASK;
}

function frontOf(p: usize): usize {
  return load<usize>(p - WORDS);
}

function begin(block: usize, size: usize): usize {
  const p = placeIn(block);
  store<usize>(p - WORDS, p - block);
  changetype<BLOCK>(p - BLOCK_OVERHEAD).mmInfo = (size + 3) & ~3;
  return p;
}

// @ts-ignore: decorator
@global @unsafe
function __alloc(size: usize): usize {
  const block = PyObject_Malloc(lengthOf(size));
  if (block === 0) unreachable();
  return begin(block, size);
}

// @ts-ignore: decorator
@global @unsafe
function __realloc(p: usize, size: usize): usize {
  const front = frontOf(p);
  const before = changetype<BLOCK>(p - BLOCK_OVERHEAD).mmInfo & ~3;
  const block = PyObject_Realloc(p - front, lengthOf(size));
  if (block === 0) unreachable();
  const place = placeIn(block);
  // In another block it may be 8 bytes nearer to the beginning, or farther from it.
  if (place - block !== front) memory.copy(place, block + front, min(before, size));
  return begin(block, size);
}

// @ts-ignore: decorator
@global @unsafe
function __free(p: usize): void {
  PyObject_Free(p - frontOf(p));
}
