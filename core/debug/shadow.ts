/**
 * The shadow: what is known of the block that begins at an address, kept where no overflow reaches.
 *
 *     address   | 10 bits | 10 bits | page offset |
 *                    |         |           |
 *     directory -> table -> shadow of the page -> entry
 *
 * A layer is given by one of its families.
 */

import { SHADOWS_AT_ONCE } from "../policy/policy";
import {
  blameBooks,
  isInMemory,
  isMarked,
  ledger,
  markOf,
  SHADOW,
  SPARE_MARK,
  TABLE,
} from "./books";
import { root, tableMalloc } from "./debug-host";
import {
  DIRECTORY_RAW,
  DIRECTORY_UPPER,
  ENTRIES_HOLD,
  ENTRY_SIZE,
  Entry,
  FAMILY_MASK,
  FRONT,
  GONE,
  GRANULE,
  GRANULE_BITS,
  INSET,
  IS_INSET,
  LEDGER_HOLDS,
  LIVE,
  MARK_SIZE,
  MEM,
  PAGE_BITS,
  PAGE_MASK,
  PAGES,
  RAW,
  SHADOW_SIZE,
  SHADOWS,
  Stock,
  TABLE_BITS,
  TABLE_ENTRIES,
  TABLE_SIZE,
  TABLES,
  TABLES_HOLD,
  TAIL,
} from "./debug-layout";

/** For "no entry": also what null is. */
export const NONE: Entry = changetype<Entry>(<usize>0);

// ------------------------------------------------------------------------- tables and shadows

function tableSlot(layer: u32, page: usize): usize {
  const directory = root + (layer === RAW ? DIRECTORY_RAW : DIRECTORY_UPPER);
  return directory + (page >> TABLE_BITS) * sizeof<usize>();
}

function shadowSlot(table: usize, page: usize): usize {
  return table + MARK_SIZE + (page & (TABLE_ENTRIES - 1)) * sizeof<usize>();
}

/** Reports what a slot leads to, which lacks its mark, and drops it. */
function drop(slot: usize): usize {
  blameBooks(TABLES_HOLD, slot);
  store<usize>(slot, 0);
  return 0;
}

/** The table of a page; 0 where no block ever began in its range. */
function tableOf(layer: u32, page: usize): usize {
  const slot = tableSlot(layer, page);
  const table = load<usize>(slot);
  if (table === 0) return 0;
  return isMarked(table, TABLE_SIZE, markOf(TABLE, layer, page >> TABLE_BITS)) ? table : drop(slot);
}

/** The shadow of a page; 0 where no block ever began in it. */
function shadowOf(layer: u32, page: usize): usize {
  const table = tableOf(layer, page);
  if (table === 0) return 0;
  const slot = shadowSlot(table, page);
  const shadow = load<usize>(slot);
  if (shadow === 0) return 0;
  return isMarked(shadow, SHADOW_SIZE, markOf(SHADOW, layer, page)) ? shadow : drop(slot);
}

// -------------------------------------------------------------------------------------- stock

// What will be needed is a list of pieces: behind its mark, each has the address of the next. Two of a kind are in stock at
// least, for a large block of the pools' families needs one in each layer.

function stockAt(offset: usize): Stock {
  return changetype<Stock>(root + offset);
}

/** Asks for pieces, and puts them into the list. */
function fetch(stock: Stock, bytes: usize, pieces: u32): void {
  let piece = tableMalloc(bytes * pieces);
  if (piece === 0) return;
  memory.fill(piece, 0, bytes * pieces);
  for (const end = piece + bytes * pieces; piece < end; piece += bytes) {
    store<u32>(piece, SPARE_MARK);
    store<usize>(piece, stock.first, MARK_SIZE);
    stock.first = piece;
  }
  stock.count += pieces;
}

/** Takes a piece, filled with 0, out of a list; 0 when there is none. */
function takePiece(stock: Stock, bytes: usize): usize {
  const piece = stock.first;
  if (piece !== 0 && isMarked(piece, bytes, SPARE_MARK)) {
    stock.first = load<usize>(piece, MARK_SIZE);
    stock.count--;
    store<usize>(piece, 0, MARK_SIZE);
    return piece;
  }
  if (piece !== 0) blameBooks(LEDGER_HOLDS, changetype<usize>(stock));
  stock.first = 0;
  stock.count = 0;
  return 0;
}

/**
 * Sees to it that the next block will find what it needs to be known, wherever it lies; false for want of memory. Only
 * here it is asked for, before there is a block, which would be lost if the system's malloc threw.
 */
export function fillStock(): bool {
  const tables = stockAt(TABLES);
  const shadows = stockAt(SHADOWS);
  if (tables.count < 2) fetch(tables, TABLE_SIZE, 2 - tables.count);
  if (shadows.count < 2) fetch(shadows, SHADOW_SIZE, SHADOWS_AT_ONCE);
  return tables.count >= 2 && shadows.count >= 2;
}

/** A shadow out of the stock for a page that has none; 0 when the stock does not suffice. */
function newShadow(layer: u32, page: usize): usize {
  let table = tableOf(layer, page);
  if (table === 0) {
    table = takePiece(stockAt(TABLES), TABLE_SIZE);
    if (table === 0) return 0;
    store<u32>(table, markOf(TABLE, layer, page >> TABLE_BITS));
    store<usize>(tableSlot(layer, page), table);
  }
  const shadow = takePiece(stockAt(SHADOWS), SHADOW_SIZE);
  if (shadow === 0) return 0;
  const mark = markOf(SHADOW, layer, page);
  store<u32>(shadow, mark);
  store<usize>(shadowSlot(table, page), shadow);
  ledger().shadowMarks += mark;
  return shadow;
}

// ------------------------------------------------------------------------------------ entries

function entryIn(shadow: usize, p: usize): Entry {
  const index = (p & PAGE_MASK) >> GRANULE_BITS;
  return changetype<Entry>(shadow + MARK_SIZE + index * ENTRY_SIZE);
}

export function familyOf(entry: Entry): u32 {
  return entry.place & FAMILY_MASK;
}

/** What the allocator below gave for the block at `p`. */
export function baseOf(entry: Entry, p: usize): usize {
  return p - FRONT - ((entry.place & IS_INSET) !== 0 ? INSET : 0);
}

/** Where the block begins, which is in the granule of an address. */
export function startOf(entry: Entry, p: usize): usize {
  return (p & ~(GRANULE - 1)) + (entry.place >> 4);
}

/** The check of an entry for the granule of `p`: so one that is reached by a wrong way does not fit either. */
function checkOf(entry: Entry, p: usize, kind: u32): u32 {
  const where = <u32>(changetype<usize>(entry) ^ rotl<usize>(p >> GRANULE_BITS, 20));
  const all = where ^ <u32>entry.size ^ rotl<u32>(entry.serial, 11) ^ (kind << 16);
  return (all * 0x9e3779b1) >> 16;
}

/** Writes state, place and check at once. (What is stored byte by byte and loaded as a word makes a processor wait.) */
function seal(entry: Entry, p: usize, kind: u32): void {
  const check = checkOf(entry, p, kind);
  store<u32>(changetype<usize>(entry), kind | (check << 16), offsetof<Entry>("state"));
}

/** Did this debug heap write the entry, and for a block in the granule of `p`? Then all that it says is true. */
function isSealed(entry: Entry, p: usize): bool {
  const kind = load<u32>(changetype<usize>(entry), offsetof<Entry>("state"));
  return kind !== 0 && checkOf(entry, p, kind & 0xffff) === kind >> 16;
}

/** Is this the entry of the block at `p`? Anything may be asked about. */
export function isEntryOf(entry: Entry, p: usize): bool {
  return (
    isInMemory(changetype<usize>(entry), ENTRY_SIZE) &&
    isSealed(entry, p) &&
    startOf(entry, p) === p
  );
}

/** Says that the block at `p`, whose entry this is, is in another state. */
export function setState(entry: Entry, p: usize, state: u8): void {
  seal(entry, p, ((<u32>entry.place) << 8) | state);
}

/** Says what is known of the live block at `p`, which was made of what lies at `base`. */
export function enter(
  entry: Entry,
  family: u32,
  base: usize,
  p: usize,
  bytes: usize,
  serial: u32,
): void {
  entry.size = bytes;
  entry.serial = serial;
  const inset = base + FRONT === p ? 0 : <u32>IS_INSET;
  const place = <u32>((p & (GRANULE - 1)) << 4) | inset | family;
  seal(entry, p, (place << 8) | LIVE);
}

/**
 * What is found where no sound entry is: NONE. Where the way there or the entry is damaged that is reported, and dropped;
 * otherwise no block ever began in the granule of `p`.
 */
function missing(layer: u32, p: usize): Entry {
  const shadow = shadowOf(layer, p >> PAGE_BITS);
  if (shadow === 0) return NONE;
  const at = changetype<usize>(entryIn(shadow, p));
  if (load<u64>(at) === 0 && load<u32>(at, 8) === 0) return NONE;
  blameBooks(ENTRIES_HOLD, at);
  memory.fill(at, 0, ENTRY_SIZE);
  return NONE;
}

/**
 * The entry of the block of this layer that begins in the granule of `p`, or began there last; else NONE.
 *
 * No mark is looked at on the way, which would be one more line of the cache: the check of the entry proves the way.
 */
export function entryFor(layer: u32, p: usize): Entry {
  const page = p >> PAGE_BITS;
  const table = load<usize>(tableSlot(layer, page));
  if (!isInMemory(table, TABLE_SIZE)) return missing(layer, p);
  const shadow = load<usize>(shadowSlot(table, page));
  if (!isInMemory(shadow, SHADOW_SIZE)) return missing(layer, p);
  const entry = entryIn(shadow, p);
  const right = isSealed(entry, p) && (familyOf(entry) === RAW) === (layer === RAW);
  return right ? entry : missing(layer, p);
}

/** The entry for a block that is about to begin at `p`; NONE when there is none in stock. */
export function claimEntry(family: u32, p: usize): Entry {
  const known = entryFor(family, p);
  if (known !== NONE) return known;
  const page = p >> PAGE_BITS;
  let shadow = shadowOf(family, page);
  if (shadow === 0) shadow = newShadow(family, page);
  return shadow === 0 ? NONE : entryIn(shadow, p);
}

/** The entry of the block of this layer that begins at `p`, or began there last; else NONE. */
export function entryAt(layer: u32, p: usize): Entry {
  const entry = entryFor(layer, p);
  return entry !== NONE && startOf(entry, p) === p ? entry : NONE;
}

/** Is this a block, live or dead, whose memory belongs to it still? */
export function occupies(entry: Entry): bool {
  return entry !== NONE && entry.state !== GONE;
}

// -------------------------------------------------------------------------------------- walks

/** The last page up to this one that has a shadow; below 0 for none. */
function pageBefore(layer: u32, from: isize): isize {
  let page = from;
  while (page >= 0) {
    const table = tableOf(layer, page);
    if (table === 0) page = (page & ~(<isize>TABLE_ENTRIES - 1)) - 1;
    else if (load<usize>(shadowSlot(table, page)) === 0) page--;
    else break;
  }
  return page;
}

/** Where the block of this family's layer starts whose bytes or rear pads `p` is among; 0 for none. */
export function blockAround(layer: u32, p: usize): usize {
  const last = <isize>(p >> PAGE_BITS);
  for (let page = pageBefore(layer, last); page >= 0; page = pageBefore(layer, page - 1)) {
    // In the page of p itself from p down, in the pages before it all of them.
    const start = (<usize>page) << PAGE_BITS;
    let offset = <isize>(page === last ? p & PAGE_MASK & ~(GRANULE - 1) : PAGE_MASK + 1 - GRANULE);
    for (; offset >= 0; offset -= GRANULE) {
      const entry = entryFor(layer, start + offset);
      if (!occupies(entry)) continue;
      const block = startOf(entry, start + offset);
      if (block <= p) return p - block < entry.size + TAIL ? block : 0;
    }
  }
  return 0;
}

/** Is this among the bytes or rear pads of a block of either layer? */
export function isInBlock(p: usize): bool {
  return blockAround(MEM, p) !== 0 || blockAround(RAW, p) !== 0;
}

/** The first page from this one on that has a shadow in the family's layer; PAGES for none. */
export function pageFrom(layer: u32, from: usize): usize {
  let page = from;
  while (page < PAGES) {
    const table = tableOf(layer, page);
    if (table === 0) page = (page | (TABLE_ENTRIES - 1)) + 1;
    else if (load<usize>(shadowSlot(table, page)) === 0) page++;
    else break;
  }
  return page;
}

function marksIn(layer: u32): u32 {
  let marks: u32 = 0;
  for (let page = pageFrom(layer, 0); page < PAGES; page = pageFrom(layer, page + 1)) {
    if (shadowOf(layer, page) !== 0) marks += markOf(SHADOW, layer, page);
  }
  return marks;
}

/** Are all shadows there? Asked before somebody is told that there is no block: a slot may have been written over with 0. */
export function checkShadows(): void {
  const book = ledger();
  const marks = marksIn(MEM) + marksIn(RAW);
  if (marks === book.shadowMarks) return;
  // Those that were dropped have been reported.
  if (book.lost === 0) blameBooks(TABLES_HOLD, changetype<usize>(book));
  book.lost = 1;
  book.shadowMarks = marks;
}
