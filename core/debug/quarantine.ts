/**
 * The quarantine: freed blocks are held back, filled with DEADBYTE, before the allocator below gets them. So a
 * second free of one is recognized, and a write into one shows when it leaves.
 */

import { FIRST_RING } from "../policy/policy";
import { freeBelow } from "./below";
import { blameBooks, isInMemory, isMarked, ledger, markOf, RING } from "./books";
import { died, left, tableFree, tableMalloc, watched } from "./debug-host";
import {
  BLAMED,
  CONDEMNED,
  Entry,
  EXTRA,
  GONE,
  HELD,
  LEDGER_HOLDS,
  Ledger,
  LIVE,
  MOST_HELD,
  MOST_SLOTS,
  ON_LEAVING,
  QUARANTINE_HOLDS,
  RAW,
  RING_HEADER,
  Ring,
  SLOT_SIZE,
  Slot,
  USE_AFTER_FREE_WRITE,
} from "./debug-layout";
import { dressDead, isUntouched } from "./frame";
import { blame } from "./raise";
import { baseOf, familyOf, isEntryOf, NONE, setState } from "./shadow";

const NO_RING: Ring = changetype<Ring>(<usize>0);

/** The slot that is `index` places behind the oldest. */
function slotAt(book: Ledger, index: usize): Slot {
  const place = (book.first + index) & (book.ring.slots - 1);
  return changetype<Slot>(changetype<usize>(book.ring) + RING_HEADER + place * SLOT_SIZE);
}

function isRingSound(book: Ledger): bool {
  const at = changetype<usize>(book.ring);
  if (at === 0) return book.first === 0 && book.count === 0 && book.heldBytes === 0;
  if (!isInMemory(at, RING_HEADER)) return false;
  const slots = book.ring.slots;
  return (
    slots <= MOST_SLOTS &&
    (slots & (slots - 1)) === 0 &&
    isMarked(at, RING_HEADER + slots * SLOT_SIZE, markOf(RING, RAW, slots)) &&
    book.first < slots &&
    book.count <= slots &&
    book.heldBytes <= MOST_HELD &&
    book.heldBytes >= book.count * EXTRA &&
    (book.count !== 0 || book.heldBytes === 0)
  );
}

/** What is held stays dead, and is never used again. */
function abandon(book: Ledger): void {
  book.ring = NO_RING;
  book.first = 0;
  book.count = 0;
  book.heldBytes = 0;
}

/** Nothing of the quarantine is used before this was asked. What does not hold is reported, and given up. */
export function checkQuarantine(book: Ledger): void {
  if (!isRingSound(book)) {
    blameBooks(QUARANTINE_HOLDS, changetype<usize>(book.ring));
    abandon(book);
  }
  if (book.heldLimit > MOST_HELD) {
    blameBooks(LEDGER_HOLDS, changetype<usize>(book));
    book.heldLimit = 0;
  }
}

/** The entry of the dead block in a slot; NONE, after a report, for what is none: then all slots are given up. */
export function heldIn(book: Ledger, slot: Slot): Entry {
  const entry = slot.entry;
  if (
    isEntryOf(entry, slot.block) &&
    (entry.state === HELD || entry.state === CONDEMNED) &&
    entry.size + EXTRA <= book.heldBytes
  ) {
    return entry;
  }
  blameBooks(QUARANTINE_HOLDS, changetype<usize>(slot));
  abandon(book);
  return NONE;
}

export function heldAt(book: Ledger, index: usize): Entry {
  return heldIn(book, slotAt(book, index));
}

/** Gets a ring with more slots, where there is memory for it. */
function growRing(book: Ledger): void {
  const slots: usize = book.ring === NO_RING ? 0 : book.ring.slots;
  const twice = slots === 0 ? FIRST_RING : slots * 2;
  if (twice > MOST_SLOTS) return;
  const at = tableMalloc(RING_HEADER + twice * SLOT_SIZE);
  if (at === 0) return;
  const old = book.ring;
  if (old !== NO_RING && old.slots !== slots) {
    // Somebody who was called meanwhile has made it longer.
    tableFree(at);
    return;
  }
  const ring = changetype<Ring>(at);
  ring.mark = markOf(RING, RAW, twice);
  ring.slots = twice;
  for (let index: usize = 0; index < book.count; index++) {
    memory.copy(
      at + RING_HEADER + index * SLOT_SIZE,
      changetype<usize>(slotAt(book, index)),
      SLOT_SIZE,
    );
  }
  book.ring = ring;
  book.first = 0;
  if (old !== NO_RING) tableFree(changetype<usize>(old));
}

function hasRoom(book: Ledger): bool {
  return book.ring !== NO_RING && book.count < book.ring.slots;
}

/** Its memory goes back to the allocator below. All books are closed before: that one may call, or throw. */
function giveBack(p: usize, entry: Entry): void {
  const family = familyOf(entry);
  const base = baseOf(entry, p);
  setState(entry, p, GONE);
  if (watched !== 0) left(p);
  freeBelow(family, base);
}

/** The oldest block leaves: back to the allocator below, or nowhere when someone wrote into it. */
function leave(book: Ledger): void {
  const slot = slotAt(book, 0);
  const p = slot.block;
  const entry = heldIn(book, slot);
  if (entry === NONE) return;
  book.first = (book.first + 1) & (book.ring.slots - 1);
  book.count--;
  book.heldBytes -= entry.size + EXTRA;
  if (entry.state === CONDEMNED) return;
  if (isUntouched(p, entry)) {
    if (familyOf(entry) !== RAW) book.deadBlocks--;
    // Where it lies in a block of the raw domain, that one was held long enough.
    book.leaving = baseOf(entry, p);
    giveBack(p, entry);
    book.leaving = 0;
  } else {
    setState(entry, p, CONDEMNED);
    blame(USE_AFTER_FREE_WRITE, ON_LEAVING, familyOf(entry), p, p, entry);
  }
}

/** Lets all blocks leave, because memory is short; false when there were none. */
export function releaseAll(): bool {
  const book = ledger();
  checkQuarantine(book);
  if (book.count === 0) return false;
  // No more than there are: who is called when one leaves may free others.
  for (let rest = book.count; rest !== 0 && book.count !== 0; rest--) {
    leave(book);
  }
  return true;
}

/** A live block that is damaged dies: nobody gets its memory. */
export function condemn(p: usize, entry: Entry): void {
  setState(entry, p, CONDEMNED);
  if (familyOf(entry) !== RAW) ledger().deadBlocks++;
}

/** Makes room for so many bytes, if they can be held. Blocks leave, and what is wrong with them is found. */
export function makeRoom(bytes: usize): void {
  const book = ledger();
  checkQuarantine(book);
  if (bytes > book.heldLimit) return;
  while (book.count !== 0 && book.heldBytes + bytes > book.heldLimit) leave(book);
  if (!hasRoom(book)) growRing(book);
}

/**
 * Takes a block that is freed: there is a place for it, or it goes back at once. Nothing is called but the allocator
 * below, for this very block.
 */
export function lay(p: usize, entry: Entry): void {
  const book = ledger();
  const bytes = entry.size + EXTRA;
  if (watched !== 0) died(p);
  if (entry.state === BLAMED) {
    condemn(p, entry);
    return;
  }
  dressDead(p, entry);
  if (book.heldBytes + bytes > book.heldLimit || !hasRoom(book)) {
    giveBack(p, entry);
    return;
  }
  const slot = slotAt(book, book.count++);
  slot.block = p;
  slot.entry = entry;
  book.heldBytes += bytes;
  setState(entry, p, HELD);
  if (familyOf(entry) !== RAW) book.deadBlocks++;
}

/** Takes a block that is being freed. What is thrown while room is made for it has not changed it. */
export function bury(p: usize, entry: Entry): void {
  if (p === ledger().leaving) {
    if (watched !== 0) died(p);
    giveBack(p, entry);
    return;
  }
  const serial = entry.serial;
  makeRoom(entry.size + EXTRA);
  // Somebody who was called meanwhile may have freed it.
  const there = entry.state === LIVE || entry.state === BLAMED;
  if (there && entry.serial === serial) lay(p, entry);
}
