/**
 * The quarantine: freed blocks are held back, filled with DEADBYTE, before the allocator below gets them. So a
 * second free of one is recognized, and a write into one shows when it leaves.
 */

import { freeBelow } from "./below";
import { blame } from "./faults";
import { dressDead, isUntouched } from "./frame";
import { tableRealloc } from "./host";
import {
  BLAMED,
  CONDEMNED,
  Entry,
  EXTRA,
  FIRST_RING,
  GONE,
  HELD,
  Ledger,
  ON_LEAVING,
  RAW,
  SLOT_SIZE,
  Slot,
  USE_AFTER_FREE_WRITE,
} from "./layout";
import { baseOf, ledger } from "./shadow";

/** The slot that is `index` places behind the oldest. */
function slotAt(book: Ledger, index: usize): Slot {
  const place = (book.first + index) & (book.ringSlots - 1);
  return changetype<Slot>(book.ring + place * SLOT_SIZE);
}

/** Makes room for one more; false when there is no memory for that. */
function ringHasRoom(book: Ledger): bool {
  const slots = book.ringSlots;
  if (book.count < slots) return true;
  const twice = slots === 0 ? FIRST_RING : slots * 2;
  const ring = tableRealloc(book.ring, twice * SLOT_SIZE);
  if (ring === 0) return false;
  // It is full, so what stood before the oldest now follows the newest.
  memory.copy(ring + slots * SLOT_SIZE, ring, book.first * SLOT_SIZE);
  book.ring = ring;
  book.ringSlots = twice;
  return true;
}

function giveBack(p: usize, entry: Entry): void {
  entry.state = GONE;
  freeBelow(entry.family, baseOf(p, entry));
}

/** The oldest block leaves: back to the allocator below, or nowhere when someone wrote into it. */
function leave(book: Ledger): void {
  const slot = slotAt(book, 0);
  const p = slot.block;
  const entry = slot.entry;
  book.first = (book.first + 1) & (book.ringSlots - 1);
  book.count--;
  book.heldBytes -= entry.size + EXTRA;
  if (entry.state === CONDEMNED) return;
  if (isUntouched(p, entry)) {
    if (entry.family !== RAW) book.deadBlocks--;
    book.leaving = 1;
    giveBack(p, entry);
    book.leaving = 0;
  } else {
    entry.state = CONDEMNED;
    blame(USE_AFTER_FREE_WRITE, ON_LEAVING, entry.family, p, p, entry);
  }
}

/** Lets all blocks leave, because memory is short; false when there were none. */
export function releaseAll(): bool {
  const book = ledger();
  if (book.count === 0) return false;
  while (book.count !== 0) leave(book);
  return true;
}

/** A live block that is damaged dies: nobody gets its memory. */
export function condemn(entry: Entry): void {
  entry.state = CONDEMNED;
  if (entry.family !== RAW) ledger().deadBlocks++;
}

/** Takes a block that is being freed. */
export function bury(p: usize, entry: Entry): void {
  const book = ledger();
  const bytes = entry.size + EXTRA;
  if (entry.state === BLAMED) {
    condemn(entry);
  } else if (book.leaving !== 0) {
    // It comes down because the block that lay in it leaves, so it was held already.
    giveBack(p, entry);
  } else {
    // A fault that is found here is thrown before anything happened to the block at hand.
    if (bytes <= book.heldLimit) while (book.heldBytes + bytes > book.heldLimit) leave(book);
    dressDead(p, entry);
    if (bytes > book.heldLimit || !ringHasRoom(book)) {
      giveBack(p, entry);
      return;
    }
    const slot = slotAt(book, book.count++);
    slot.block = p;
    slot.entry = entry;
    book.heldBytes += bytes;
    entry.state = HELD;
    if (entry.family !== RAW) book.deadBlocks++;
  }
}
