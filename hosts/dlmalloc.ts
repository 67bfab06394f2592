/** dlmalloc, the malloc of Emscripten's programs: what its memory looks like, and what to do about it. */

import {
  type Address,
  type BlockMap,
  bytesAt,
  linkedLayout,
  unsigned,
  wordsAt,
} from "../base/base.js";
import type { EmscriptenProgram } from "./emscripten.js";

/** The shortest chunk. */
export const LEAST_CHUNK = 16;

/** A chunk's bytes, by its head. */
export function sizeIn(head: number): number {
  return (head & ~linkedLayout.CHUNK_FLAGS) >>> 0;
}

/**
 * Walks over a row of dlmalloc's chunks and shows each to `see`: where its block begins, how long the chunk is, whether it is
 * in use.
 *
 * A chunk begins with the size of the chunk before it and its own head, of which core/linked/chunks.ts says what it means; the
 * block follows.
 *
 * @param words the memory, which ends at or behind `end`
 * @param from where the first chunk begins, a multiple of 4
 * @returns where the row ends: before `end` where what follows is no chunk
 */
export function walkChunks(
  words: Uint32Array,
  from: Address,
  end: Address,
  see: (block: Address, size: number, inUse: boolean) => void,
): Address {
  let chunk = from;
  while (chunk < end) {
    const head = words[(chunk + 4) >>> 2] as number;
    const size = sizeIn(head);
    if (size < LEAST_CHUNK || size > end - chunk) return chunk;
    see(chunk + 8, size, (head & linkedLayout.CHUNK_IN_USE) !== 0);
    chunk += size;
  }
  return chunk;
}

/** Where dlmalloc's first chunk begins. In a program that pymalloc was linked into, its root comes before them. */
export function firstChunk(program: EmscriptenProgram): Address {
  return program.addressOf("pymalloc_heap") ?? program.heapBase;
}

/**
 * Like `walkChunks`, over the memory from the first chunk to the break. Returns false where it is not one row of chunks (another
 * malloc, or a piece that someone else took).
 */
function walkAll(
  program: EmscriptenProgram,
  see: (block: Address, size: number, inUse: boolean) => void,
): boolean {
  const end = program.break();
  const words = wordsAt(program.memory, 0, end >>> 2);
  return walkChunks(words, firstChunk(program), end, see) === end;
}

/** How many blocks dlmalloc has in use; 0 where they can't be found. */
export function countBlocks(program: EmscriptenProgram): number {
  let blocks = 0;
  const whole = walkAll(program, (_block, _size, inUse) => {
    if (inUse) blocks++;
  });
  return whole ? blocks : 0;
}

/** A map of dlmalloc's blocks at this moment: sets a bit for each block in use; undefined where they can't be found or there is no memory for the map. */
export function mapBlocks(program: EmscriptenProgram): BlockMap | undefined {
  const from = program.heapBase - (program.heapBase % 64);
  // The map is in that memory itself, and may make it longer.
  const room = Math.ceil((program.break() - from) / 64) + 64 * 1024;
  const bits = unsigned(program.malloc.calloc(room, 1));
  if (bits === 0) return undefined;
  const map = { bits, from, to: Math.min(program.break(), from + room * 64) };
  const bytes = bytesAt(program.memory, bits, room);
  const whole = walkAll(program, (block, _size, inUse) => {
    const bit = (block - from) >>> 3;
    if (inUse && block < map.to) bytes[bit >>> 3] = (bytes[bit >>> 3] as number) | (1 << (bit & 7));
  });
  if (whole) return map;
  program.malloc.free(bits);
  return undefined;
}
