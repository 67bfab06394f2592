/** A block in CPython's words, as src/debug/dump.ts has it. */

import { ledger } from "../books";
import { Entry, FORBIDDENBYTE, FRONT, GONE, WITHOUT_GIL } from "../debug-layout";
import { letterOf } from "../frame";
import { familyOf, NONE } from "../shadow";
import { byteAt, frontIntact, rearIntact, wordAt } from "./bytes";
import { endLine, fill } from "./fill";
import {
  dumpBogus,
  dumpCall,
  dumpDamaged,
  dumpData,
  dumpDataByte,
  dumpDataGap,
  dumpFront,
  dumpFrontByte,
  dumpGone,
  dumpHead,
  dumpIntact,
  dumpLetter,
  dumpNothing,
  dumpOuch,
  dumpRear,
  dumpRearByte,
  dumpRight,
  dumpSerial,
  dumpSize,
} from "./report-host";

/** One row of pads: `row` says where the byte is. */
function tellPad(row: usize, where: i64, byte: u32): void {
  fill(row, where);
  fill(byte === <u32>FORBIDDENBYTE ? dumpRight : dumpOuch, byte);
}

function tellFront(p: usize): void {
  fill(dumpFront);
  if (frontIntact(p)) {
    fill(dumpIntact);
    return;
  }
  fill(dumpDamaged, FORBIDDENBYTE);
  for (let far: usize = 3; far !== 0; far--) tellPad(dumpFrontByte, far, byteAt(p - far));
  fill(dumpBogus);
}

function tellRear(p: usize, entry: Entry): void {
  fill(dumpRear);
  if (rearIntact(p, entry)) {
    fill(dumpIntact);
    return;
  }
  fill(dumpDamaged, FORBIDDENBYTE);
  const tail = p + entry.size;
  for (let far: usize = 0; far < 4; far++) tellPad(dumpRearByte, far, byteAt(tail + far));
}

function tellBytes(from: usize, to: usize): void {
  for (; from < to; from++) fill(dumpDataByte, byteAt(from));
}

/** The user's bytes: the first eight and the last eight. */
function tellData(p: usize, size: usize): void {
  if (size === 0) return;
  const tail = p + size;
  fill(dumpData);
  tellBytes(p, p + min<usize>(size, 8));
  if (size > 16) fill(dumpDataGap);
  if (size > 8) tellBytes(max(p + 8, tail - 8), tail);
  endLine();
}

/** A block that has its memory still. */
function tellThere(p: usize, entry: Entry): void {
  const size = wordAt(p - FRONT);
  const letter = byteAt(p - FRONT + 4);
  const serial = wordAt(p + entry.size + 4);
  if (letter !== letterOf(familyOf(entry))) fill(dumpLetter, letter);
  if (size !== <u32>entry.size) fill(dumpSize, size);
  tellFront(p);
  tellRear(p, entry);
  fill(dumpCall);
  if (serial !== entry.serial) fill(dumpSerial, serial);
  tellData(p, entry.size);
}

/** Writes the dump of the block that the fault in the ledger is about. */
export function tellDump(): void {
  const book = ledger();
  const entry = changetype<Entry>(book.faultEntry);
  if (entry === NONE) {
    if (book.faultCode !== WITHOUT_GIL) fill(dumpNothing);
    return;
  }
  fill(dumpHead);
  if (entry.state !== GONE) {
    tellThere(book.faultBlock, entry);
    return;
  }
  fill(dumpGone);
  fill(dumpCall);
}
