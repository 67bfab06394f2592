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

function seeNothing(): void {}

/**
 * The rows of TLSF's blocks, by rising addresses. What lies between two was left to others (guests). Nothing says where a row
 * begins behind what was left, so it is looked for at each page, and is one when it ends as a row does, at a page's end.
 */
export function tlsfRows(words: Uint32Array, first: Address, end: Address): readonly Row[] {
  const rows: Row[] = [];
  // Nothing was ever asked of TLSF: it has not written its root yet.
  if (words[first >>> 2] === 0) return rows;
  let from = first;
  for (let page = 0; page < end; ) {
    const to = walkTlsf(words, from, end, seeNothing);
    if (to % PAGE === 0 && to > from) {
      rows.push({ from, to: to - L.HEADER, end: to });
      page = to;
    } else {
      // The first row is TLSF's whatever is in it.
      if (rows.length === 0) rows.push({ from, to, end: to });
      page += PAGE;
    }
    from = page + L.SKIPPED;
  }
  return rows;
}
