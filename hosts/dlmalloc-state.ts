/** What dlmalloc knows of its memory itself: its segments and what is free in them. Nothing that is read is believed. */

import { type Address, linkedLayout } from "../base/base.js";
import { LEAST_CHUNK, sizeIn } from "./dlmalloc.js";

/** The flag in a head that says that the chunk before is in use. */
const BEFORE_IN_USE = 1;

/**
 * dlmalloc's own state (struct malloc_state of its malloc.c), as far as it is read here: offsets of words. The last segment is
 * in it; the others' records lie in chunks.
 */
enum State {
  binMap = 0,
  treeMap = 1,
  victimSize = 2,
  topSize = 3,
  top = 6,
  bins = 10,
  trees = 76,
  segment = 112,
}

/** The lists of free chunks of one size each, and the trees of longer ones. */
const BINS = 32;

/** A free chunk's fields: offsets of words. */
enum Free {
  head = 1,
  next = 2,
  left = 4,
  right = 5,
}

/** What it keeps free at the end of a segment, for the record of one. */
const TOP_FOOT = 40;

/** A segment: where it begins, its bytes, the record of the one before. */
enum Segment {
  base = 0,
  size = 1,
  next = 2,
}

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
    // The chunk says its length as well: among thousands of pointers others add up by chance.
    if (sizeIn(words[(top >>> 2) + Free.head] as number) !== size) continue;
    const segment = at + State.segment;
    const base = words[segment + Segment.base] as number;
    const bytes = words[segment + Segment.size] as number;
    if (base >= from && base <= top && top + size + TOP_FOOT === base + bytes) return 4 * at;
  }
  return 0;
}

/** A row of blocks that lie one behind the other: of dlmalloc's, a segment. */
export interface Row {
  readonly from: Address;
  /** Where its blocks end; and where what the malloc has behind them for itself ends. */
  readonly to: Address;
  readonly end: Address;
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
  const whole = [{ from, to: end, end }];
  if (state === 0 || state % 4 !== 0) return whole;
  const rows: Row[] = [];
  let at = state + 4 * State.segment;
  // The last segment ends with a foot; the others with their own records, which the next one's leads to, and with heads that are
  // no chunks.
  let record = 0;
  while (rows.length < MOST_SEGMENTS && at % 4 === 0 && (at >>> 2) + Segment.next < words.length) {
    const base = words[(at >>> 2) + Segment.base] as number;
    const size = words[(at >>> 2) + Segment.size] as number;
    if (base < from || base + size > end || base % 8 !== 0) break;
    const to = record === 0 ? base + size - TOP_FOOT : record - 8;
    if (to < base || to > base + size) break;
    rows.push({ from: base, to, end: base + size });
    record = words[(at >>> 2) + Segment.next] as number;
    if (record === 0) break;
    at = record;
  }
  if (rows.length === 0) return whole;
  rows.sort((one, other) => one.from - other.from);
  return rows.filter((row, index) => index === 0 || row.from >= (rows[index - 1] as Row).end);
}

/** What is free of a malloc's memory, in bytes. */
export interface FreeMemory {
  readonly bytes: number;
  /** The longest piece. */
  readonly longest: number;
  /** The piece at the end, which grows with the memory. */
  readonly last: number;
}

/**
 * What dlmalloc has free, by its own lists: they are a fraction of all its chunks. Undefined where they can't be true.
 *
 * @param from where the first chunk begins @param end the break
 */
export function freeChunks(
  words: Uint32Array,
  state: Address,
  from: Address,
  end: Address,
): FreeMemory | undefined {
  const base = state >>> 2;
  let rest = (end - from) / LEAST_CHUNK;
  let bytes = 0;
  let longest = 0;
  /** Counts a chunk; 0 where it can't be a free one, else its place among the words. */
  function count(chunk: Address): number {
    const at = chunk >>> 2;
    const head = words[at + Free.head] as number;
    const size = sizeIn(head);
    const isFree = (head & linkedLayout.CHUNK_IN_USE) === 0;
    if (chunk < from || chunk % 4 !== 0 || size > end - chunk || !isFree || --rest < 0) return 0;
    bytes += size;
    if (size > longest) longest = size;
    return at;
  }
  // In a list and a tree without a bit stands what was in them last.
  const has = (map: number, index: number) => (((words[base + map] as number) >>> index) & 1) !== 0;
  for (let bin = 0; bin < BINS; bin++) {
    if (!has(State.binMap, bin)) continue;
    // A list begins and ends in a chunk that is none: only its links are there.
    const list = base + State.bins + 2 * bin;
    for (let chunk = words[list + Free.next] as number; chunk !== 4 * list; ) {
      const at = count(chunk);
      if (at === 0) return undefined;
      chunk = words[at + Free.next] as number;
    }
  }
  const nodes: Address[] = [];
  for (let tree = 0; tree < BINS; tree++) {
    if (has(State.treeMap, tree)) nodes.push(words[base + State.trees + tree] as number);
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node === 0) continue;
      const at = count(node);
      if (at === 0) return undefined;
      nodes.push(words[at + Free.left] as number, words[at + Free.right] as number);
      // Chunks of one size are in a ring, and one of them is in the tree.
      for (let other = words[at + Free.next] as number; other !== node; ) {
        const place = count(other);
        if (place === 0) return undefined;
        other = words[place + Free.next] as number;
      }
    }
  }
  const last = words[base + State.topSize] as number;
  const ends = [last, words[base + State.victimSize] as number];
  for (const size of ends) {
    bytes += size;
    longest = Math.max(longest, size);
  }
  return bytes <= end - from ? { bytes, longest, last } : undefined;
}

/** So many chunks that agree with each other are a row. */
const SURE = 32;

/** Is here a row of chunks of which each says of the one before it what that says itself? */
function isRow(words: Uint32Array, from: Address, end: Address): boolean {
  let chunk = from;
  for (let rest = SURE; rest > 0 && chunk < end; rest--) {
    const head = words[(chunk + 4) >>> 2] as number;
    const size = sizeIn(head);
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
