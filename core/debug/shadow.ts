/**
 * The shadow: what is known of the block that begins at an address, kept where no overflow reaches.
 *
 *     address   | 10 bits | 10 bits | page offset |
 *                    |         |           |
 *     directory -> table -> shadow of the page -> entry
 */

import { root, tableRealloc } from "./host";
import {
  DIRECTORY_RAW,
  DIRECTORY_UPPER,
  ENTRY_SIZE,
  Entry,
  FRONT,
  GONE,
  GRANULE_BITS,
  INSET,
  IS_INSET,
  Ledger,
  MEM,
  PAGE_BITS,
  PAGE_MASK,
  PAGES,
  RAW,
  SHADOW_SIZE,
  SHADOWS_REQUEST,
  TABLE_BITS,
  TABLE_ENTRIES,
  TABLE_SIZE,
  TAIL,
} from "./layout";

/** For "no entry": also what null is. */
export const NONE: Entry = changetype<Entry>(<usize>0);

export function ledger(): Ledger {
  return changetype<Ledger>(root);
}

/** The directory of the layer that a family's blocks are in. */
function directoryOf(family: u32): usize {
  return root + (family === RAW ? DIRECTORY_RAW : DIRECTORY_UPPER);
}

function tableSlot(directory: usize, page: usize): usize {
  return directory + (page >> TABLE_BITS) * sizeof<usize>();
}

function shadowSlot(table: usize, page: usize): usize {
  return table + (page & (TABLE_ENTRIES - 1)) * sizeof<usize>();
}

/** The shadow of a page; 0 where no block ever began in it. */
function shadowOf(directory: usize, page: usize): usize {
  const table = load<usize>(tableSlot(directory, page));
  return table === 0 ? 0 : load<usize>(shadowSlot(table, page));
}

function entryIn(shadow: usize, p: usize): Entry {
  return changetype<Entry>(shadow + ((p & PAGE_MASK) >> GRANULE_BITS) * ENTRY_SIZE);
}

function newTable(): usize {
  const table = tableRealloc(0, TABLE_SIZE);
  if (table !== 0) memory.fill(table, 0, TABLE_SIZE);
  return table;
}

function newShadow(): usize {
  const book = ledger();
  if (book.shadowsFresh === book.shadowsEnd) {
    const fresh = tableRealloc(0, SHADOWS_REQUEST);
    if (fresh === 0) return 0;
    memory.fill(fresh, 0, SHADOWS_REQUEST);
    book.shadowsFresh = fresh;
    book.shadowsEnd = fresh + SHADOWS_REQUEST;
  }
  const shadow = book.shadowsFresh;
  book.shadowsFresh = shadow + SHADOW_SIZE;
  return shadow;
}

/** The entry for a block that is about to begin at `p`; NONE when there is no memory for it. */
export function claimEntry(family: u32, p: usize): Entry {
  const page = p >> PAGE_BITS;
  const slot = tableSlot(directoryOf(family), page);
  let table = load<usize>(slot);
  if (table === 0) {
    table = newTable();
    if (table === 0) return NONE;
    store<usize>(slot, table);
  }
  let shadow = load<usize>(shadowSlot(table, page));
  if (shadow === 0) {
    shadow = newShadow();
    if (shadow === 0) return NONE;
    store<usize>(shadowSlot(table, page), shadow);
  }
  return entryIn(shadow, p);
}

/** The entry of the block of this family's layer that begins at `p`, or began there last; else NONE. */
export function entryAt(family: u32, p: usize): Entry {
  const shadow = shadowOf(directoryOf(family), p >> PAGE_BITS);
  if (shadow === 0) return NONE;
  const entry = entryIn(shadow, p);
  return entry.state !== 0 && offsetOf(entry) === (p & PAGE_MASK) ? entry : NONE;
}

/** Where in its page the block begins. */
export function offsetOf(entry: Entry): usize {
  return <usize>entry.offset & PAGE_MASK;
}

/** What the allocator below gave for the block at `p`. */
export function baseOf(p: usize, entry: Entry): usize {
  return p - FRONT - ((entry.offset & IS_INSET) !== 0 ? INSET : 0);
}

/** Is this a block, live or dead, whose memory belongs to it still? */
export function occupies(entry: Entry): bool {
  return entry !== NONE && entry.state !== 0 && entry.state !== GONE;
}

/** The last page up to this one that has a shadow; below 0 for none. */
function pageBefore(directory: usize, from: isize): isize {
  let page = from;
  while (page >= 0) {
    const table = load<usize>(tableSlot(directory, page));
    if (table === 0) page = (page & ~(<isize>TABLE_ENTRIES - 1)) - 1;
    else if (load<usize>(shadowSlot(table, page)) === 0) page--;
    else break;
  }
  return page;
}

/** Where the block of this family's layer starts whose bytes or rear pads `p` is among; 0 for none. */
export function blockAround(family: u32, p: usize): usize {
  const directory = directoryOf(family);
  const last = <isize>(p >> PAGE_BITS);
  for (let page = pageBefore(directory, last); page >= 0; page = pageBefore(directory, page - 1)) {
    const shadow = shadowOf(directory, page);
    // In the page of p itself from p down, in the pages before it all of them.
    const from = page === last ? entryIn(shadow, p) : entryIn(shadow, PAGE_MASK);
    for (let at = changetype<usize>(from); at >= shadow; at -= ENTRY_SIZE) {
      const entry = changetype<Entry>(at);
      const start = ((<usize>page) << PAGE_BITS) + offsetOf(entry);
      if (occupies(entry) && start <= p) return p - start < entry.size + TAIL ? start : 0;
    }
  }
  return 0;
}

/** Is this among the bytes or rear pads of a block of either layer? */
export function isInBlock(p: usize): bool {
  return blockAround(MEM, p) !== 0 || blockAround(RAW, p) !== 0;
}

/** The first page from this one on that has a shadow in the family's layer; PAGES for none. */
export function pageFrom(family: u32, from: usize): usize {
  const directory = directoryOf(family);
  let page = from;
  while (page < PAGES) {
    const table = load<usize>(tableSlot(directory, page));
    if (table === 0) page = (page | (TABLE_ENTRIES - 1)) + 1;
    else if (load<usize>(shadowSlot(table, page)) === 0) page++;
    else break;
  }
  return page;
}

/** The entry for the 16 bytes that `p` is among, in a page that has a shadow. */
export function entryFor(family: u32, p: usize): Entry {
  return entryIn(shadowOf(directoryOf(family), p >> PAGE_BITS), p);
}
