/**
 * Blocks from before the debug mode. In a heap that starts in debug mode there are none. One that is switched on
 * later has to let them pass: those whose bit the host set, one for each 8 bytes of a range, where it could
 * list them; and as long as it can't or does not want to, every address that no block we know of lies at.
 */

import { freeEarlier } from "./below";
import { blameBooks, isInMemory, ledger } from "./books";
import { LEDGER_HOLDS, Ledger, MAGIC, RAW } from "./debug-layout";
import { isInBlock } from "./shadow";

function bitOf(p: usize): u8 {
  const bit = <u8>((p >> 3) & 7);
  return 1 << bit;
}

function isMapSound(book: Ledger): bool {
  if (book.earlierTo === 0) return true;
  const bits = book.earlierBits;
  return (
    (bits ^ book.earlierFrom ^ book.earlierTo ^ MAGIC) === book.earlierSeal &&
    book.earlierFrom <= book.earlierTo &&
    isInMemory(bits, (book.earlierTo - book.earlierFrom + 63) >> 6)
  );
}

/** The byte with the bit of `p`; 0 where there is none. */
function byteFor(p: usize): usize {
  const book = ledger();
  if (!isMapSound(book)) {
    blameBooks(LEDGER_HOLDS, changetype<usize>(book));
    book.earlierFrom = book.earlierTo = 0;
  }
  const listed = p >= book.earlierFrom && p < book.earlierTo && (p & 7) === 0;
  return listed ? book.earlierBits + ((p - book.earlierFrom) >> 6) : 0;
}

export function isEarlier(p: usize): bool {
  const at = byteFor(p);
  if (at !== 0 && (load<u8>(at) & bitOf(p)) !== 0) return true;
  return ledger().earlierAny === 1 && !isInBlock(p);
}

/** Frees one. Its address may be another block's afterwards, so it is forgotten first. */
export function freeFromBefore(family: u32, p: usize): void {
  const at = byteFor(p);
  if (at !== 0) store<u8>(at, load<u8>(at) & ~bitOf(p));
  if (family !== RAW) ledger().earlierFreed++;
  freeEarlier(family, p);
}
