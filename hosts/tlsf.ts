/** TLSF, the malloc of a heap that owns its memory: its blocks, seen in the memory. See core/large/lists.ts. */

import { type Address, tlsfLayout as L, PAGE } from "../base/base.js";
import type { Row } from "./dlmalloc-state.js";

/** TLSF's sizes are this much below a multiple of 16, so that all payloads are at one. */
const ALIGNMENT = 16;

/** The header of TLSF's first block. */
export const tlsfFirst: Address = L.FIRST_HEADER;

/** Where the memory ends that TLSF has taken or left to others. */
export function tlsfEnd(words: Uint32Array): Address {
  const pages = words[L.BREAK >>> 2] as number;
  return Math.min(Math.max(pages, 1) * PAGE, 4 * words.length);
}

/**
 * Walks over a row of TLSF's blocks and shows each to `see`: its payload, its bytes with the header in front of it, is it in use.
 * @returns where the row ends: behind the header with which a row of TLSF's ends, or before it where `end` is there, or where what
 *   follows is no block
 */
export function walkTlsf(
  words: Uint32Array,
  from: Address,
  end: Address,
  see: (block: Address, size: number, inUse: boolean) => void,
): Address {
  let header = from;
  while (header <= end - L.HEADER) {
    const info = words[header >>> 2] as number;
    const size = (info & ~L.TAGS) >>> 0;
    if (size === 0) return header + L.HEADER;
    const payload = header + L.HEADER;
    if (size % ALIGNMENT !== ALIGNMENT - L.HEADER || size > end - payload) return header;
    see(payload, L.HEADER + size, (info & L.FREE) === 0);
    header = payload + size;
  }
  return header;
}

/** So many blocks that agree with each other are a row. */
const SURE = 16;

/** Is here a row of blocks, each of which says of the one before it what that says itself? It may end with a row's last header. */
function isRow(words: Uint32Array, from: Address, end: Address): boolean {
  let header = from;
  for (let rest = SURE; rest > 0; rest--) {
    const info = words[header >>> 2] as number;
    const size = (info & ~L.TAGS) >>> 0;
    const next = header + L.HEADER + size;
    if (size === 0) return rest < SURE && next % PAGE === 0;
    if (size % ALIGNMENT !== ALIGNMENT - L.HEADER || next > end - L.HEADER) return false;
    const isFree = (info & L.FREE) !== 0;
    if (isFree !== (((words[next >>> 2] as number) & L.LEFT_FREE) !== 0)) return false;
    // A free block ends with where it begins.
    if (isFree && words[(next >>> 2) - 1] !== header) return false;
    header = next;
  }
  return true;
}

/** Where blocks begin again behind what is none, because somebody wrote over it; `end` where they don't. */
export function resumeTlsf(words: Uint32Array, from: Address, end: Address): Address {
  const first = Math.ceil((from + L.HEADER + 1) / ALIGNMENT) * ALIGNMENT - L.HEADER;
  for (let header = first; header < end; header += ALIGNMENT) {
    if (isRow(words, header, end)) return header;
  }
  return end;
}

function seeNothing(): void {}

/** Where a row ends of which it is known where it begins, whatever was written over. */
function rowEnd(words: Uint32Array, from: Address, end: Address): Address {
  let to = walkTlsf(words, from, end, seeNothing);
  while (to % PAGE !== 0) {
    const next = resumeTlsf(words, to, end);
    if (next === end) return to;
    to = walkTlsf(words, next, end, seeNothing);
  }
  return to;
}

/**
 * The rows of TLSF's blocks, by rising addresses. What lies between two was left to others (guests). Nothing says where a row
 * begins behind what was left, so it is looked for at each page, and is one when it ends as a row does, at a page's end.
 */
export function tlsfRows(words: Uint32Array, first: Address, end: Address): readonly Row[] {
  // Nothing was ever asked of TLSF: it has not written its root yet.
  if (first >= end || words[first >>> 2] === 0) return [];
  const to = rowEnd(words, first, end);
  const isWhole = to % PAGE === 0 && to > first;
  const rows: Row[] = [{ from: first, to: isWhole ? to - L.HEADER : to, end: to }];
  for (let page = Math.ceil(to / PAGE) * PAGE; page < end; ) {
    const from = page + L.SKIPPED;
    const behind = walkTlsf(words, from, end, seeNothing);
    const isRowThere = behind % PAGE === 0 && behind > from;
    if (isRowThere) rows.push({ from, to: behind - L.HEADER, end: behind });
    page = isRowThere ? behind : page + PAGE;
  }
  return rows;
}
