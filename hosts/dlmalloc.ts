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
const LEAST_CHUNK = 16;

/** The flag in a head that says that the chunk before is in use. */
const BEFORE_IN_USE = 1;

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
    const size = (head & ~linkedLayout.CHUNK_FLAGS) >>> 0;
    if (size < LEAST_CHUNK || size > end - chunk) return chunk;
    see(chunk + 8, size, (head & linkedLayout.CHUNK_IN_USE) !== 0);
    chunk += size;
  }
  return chunk;
}

/** So many chunks that agree with each other are a row. */
const SURE = 32;

/** Is here a row of chunks of which each says of the one before it what that says itself? */
function isRow(words: Uint32Array, from: Address, end: Address): boolean {
  let chunk = from;
  for (let rest = SURE; rest > 0 && chunk < end; rest--) {
    const head = words[(chunk + 4) >>> 2] as number;
    const size = (head & ~linkedLayout.CHUNK_FLAGS) >>> 0;
    if (size < LEAST_CHUNK || size > end - chunk) return false;
    const next = chunk + size;
    const inUse = (head & linkedLayout.CHUNK_IN_USE) !== 0;
    const known = ((words[(next + 4) >>> 2] as number) & BEFORE_IN_USE) !== 0;
    if (next < end && (known !== inUse || (!inUse && words[next >>> 2] !== size))) return false;
    chunk = next;
  }
  return true;
}

/** Where the next row of chunks begins behind what is none, because somebody wrote over it; `end` where there is none. */
export function resumeChunks(words: Uint32Array, from: Address, end: Address): Address {
  for (let chunk = from + 8; chunk < end; chunk += 8) {
    if (isRow(words, chunk, end)) return chunk;
  }
  return end;
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

/**
 * dlmalloc's own state (struct malloc_state of its malloc.c), as far as it is read here: offsets of words. The last segment is
 * in it; the others' records lie in chunks.
 */
const State = { topSize: 3, top: 6, segment: 112 } as const;

/** What it keeps free at the end of a segment, for the record of one. */
const TOP_FOOT = 40;

/** A segment: where it begins, its bytes, the record of the one before. */
const Segment = { base: 0, size: 1, next: 2 } as const;

/** No memory has more segments; a list that leads back into itself has no end. */
const MOST_SEGMENTS = 4096;

/**
 * Where dlmalloc's state is, which no program exports: it is the only thing in static data that knows the last chunk, its
 * length, and the segment that both end with. 0 where there is none.
 *
 * @param from where the first chunk begins, before which static data is looked through
 * @param end the break
 */
export function findState(words: Uint32Array, from: Address, end: Address): Address {
  const last = (from >>> 2) - State.segment - 3;
  for (let at = 0; at < last; at++) {
    const top = words[at + State.top] as number;
    if (top < from || top >= end || (top & 7) !== 0) continue;
    const size = words[at + State.topSize] as number;
    const segment = at + State.segment;
    const base = words[segment + Segment.base] as number;
    const bytes = words[segment + Segment.size] as number;
    if (base <= top && top + size + TOP_FOOT === base + bytes) return 4 * at;
  }
  return 0;
}

/** A row of blocks that lie one behind the other: of dlmalloc's, a segment. */
export interface Row {
  readonly from: Address;
  /** Where its blocks end, and what the malloc has behind them. */
  readonly to: Address;
  readonly end: Address;
  /** The block of it that the malloc itself uses; 0 for none. */
  readonly record: Address;
}

/**
 * The segments by rising addresses, as dlmalloc's state says; what lies between two is someone else's. One up to the break where
 * there is no state.
 */
export function rowsOf(
  words: Uint32Array,
  state: Address,
  from: Address,
  end: Address,
): readonly Row[] {
  if (state === 0 || state % 4 !== 0) return [{ from, to: end, end, record: 0 }];
  const rows: Row[] = [];
  let at = state + 4 * State.segment;
  let record = 0;
  while (rows.length < MOST_SEGMENTS && at % 4 === 0 && (at >>> 2) + Segment.next < words.length) {
    const base = words[(at >>> 2) + Segment.base] as number;
    const size = words[(at >>> 2) + Segment.size] as number;
    if (base < from || base + size > end || base % 8 !== 0) break;
    const foot = rows.length === 0 ? TOP_FOOT : 0;
    // The segments before the last one hold their own records, and end with heads that are no chunks.
    rows.push({ from: base, to: base + size - foot, end: base + size, record });
    record = words[(at >>> 2) + Segment.next] as number;
    if (record === 0) break;
    at = record;
  }
  rows.sort((one, other) => one.from - other.from);
  return rows.filter((row, index) => index === 0 || row.from >= (rows[index - 1] as Row).end);
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
