/**
 * The walk over all blocks that the debug heap knows: are their pads intact, are dead ones untouched? And do its
 * own books hold?
 */

import { blameBooks, ledger } from "./books";
import {
  BLAMED,
  CONDEMNED,
  Entry,
  EXTRA,
  GRANULE,
  HELD,
  LEDGER_HOLDS,
  LIVE,
  MEM,
  ON_VALIDATE,
  PAGE_BITS,
  PAGE_MASK,
  PAGES,
  QUARANTINE_HOLDS,
  RAW,
  USE_AFTER_FREE_WRITE,
} from "./debug-layout";
import { frameDamage, isUntouched } from "./frame";
import { checkQuarantine, heldAt } from "./quarantine";
import { blame } from "./raise";
import { checkShadows, entryFor, familyOf, NONE, pageFrom, setState, startOf } from "./shadow";

/** 0, or the code of what is wrong. */
function damageOf(p: usize, entry: Entry): u32 {
  if (entry.state === HELD) return isUntouched(p, entry) ? 0 : USE_AFTER_FREE_WRITE;
  return entry.state === LIVE ? frameDamage(p, entry) : 0;
}

/** Reports a damaged block, and remembers that it was. */
function check(entry: Entry, granule: usize): void {
  const p = startOf(entry, granule);
  const state = entry.state;
  const code = damageOf(p, entry);
  if (code === 0) return;
  blame(code, ON_VALIDATE, familyOf(entry), p, p, entry);
  // The host may have freed it meanwhile.
  if (entry.state === state) setState(entry, p, state === HELD ? CONDEMNED : BLAMED);
}

/** How many dead blocks of the layer have their memory still. */
function walk(layer: u32): u32 {
  let dead: u32 = 0;
  for (let page = pageFrom(layer, 0); page < PAGES; page = pageFrom(layer, page + 1)) {
    const start = page << PAGE_BITS;
    for (let offset: usize = 0; offset <= PAGE_MASK; offset += GRANULE) {
      const entry = entryFor(layer, start + offset);
      if (entry === NONE) continue;
      check(entry, start + offset);
      if (entry.state === HELD || entry.state === CONDEMNED) dead++;
    }
  }
  return dead;
}

/** Each slot of the quarantine holds a dead block, and the sum of their bytes is that of the ledger. */
function checkSlots(): void {
  const book = ledger();
  checkQuarantine(book);
  let bytes: usize = 0;
  for (let index: usize = 0; index < book.count; index++) {
    const entry = heldAt(book, index);
    if (entry !== NONE) bytes += entry.size + EXTRA;
  }
  if (book.count === 0 || bytes === book.heldBytes) return;
  blameBooks(QUARANTINE_HOLDS, changetype<usize>(book));
  book.heldBytes = bytes;
}

/** The count of dead blocks is right. Where books were dropped they were in, it is put right. */
function checkDead(dead: u32): void {
  const book = ledger();
  if (book.deadBlocks === dead) return;
  if (book.lost === 0) blameBooks(LEDGER_HOLDS, changetype<usize>(book));
  book.deadBlocks = dead;
}

/** Reports everything that is damaged, once, until the host throws. */
export function validate(): void {
  const dead = walk(MEM);
  walk(RAW);
  checkShadows();
  checkSlots();
  checkDead(dead);
}
