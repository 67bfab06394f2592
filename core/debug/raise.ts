/** Faults: what is found wrong is written into the ledger, and the host is told. */

import { ledger } from "./books";
import { fault } from "./debug-host";
import { Entry, INVALID_POINTER, MEM, RAW } from "./debug-layout";
import { blockAround, entryAt, NONE, occupies } from "./shadow";

/** Reports a fault of a block that is known. It returns when the host lets the program go on. */
export function blame(
  code: u32,
  during: u32,
  family: u32,
  address: usize,
  block: usize,
  entry: Entry,
): void {
  const book = ledger();
  book.faultCode = code;
  book.faultDuring = during;
  book.faultFamily = family;
  book.faultAddress = address;
  book.faultBlock = block;
  book.faultEntry = changetype<usize>(entry);
  fault();
}

/** Where the block starts that `p` points into, its pads included; 0 for none. */
function blockNear(family: u32, p: usize): usize {
  const around = blockAround(family, p);
  if (around !== 0) return around;
  // The front pads of a block come before its start.
  const next = (p & ~7) + 8;
  return occupies(entryAt(family, next)) ? next : 0;
}

/** Reports a pointer at which no block begins, with the block that it points into, if there is one. */
export function blamePointer(during: u32, family: u32, p: usize): void {
  let layer = MEM;
  let block = blockNear(layer, p);
  if (block === 0) {
    layer = RAW;
    block = blockNear(layer, p);
  }
  blame(INVALID_POINTER, during, family, p, block, block === 0 ? NONE : entryAt(layer, block));
}
