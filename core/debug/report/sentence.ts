/** What is wrong, in the sentence of src/debug/mistakes.ts. */

import { POOL_HEADER } from "../../layout";
import { ledger } from "../books";
import {
  BLAMED,
  BROKEN_INVARIANT,
  BUFFER_OVERFLOW,
  BUFFER_UNDERFLOW,
  CLEANBYTE,
  DEADBYTE,
  Entry,
  FORBIDDENBYTE,
  INVALID_POINTER,
  LEDGER_HOLDS,
  LIVE,
  USE_AFTER_FREE_WRITE,
  WITHOUT_GIL,
} from "../debug-layout";
import { NONE } from "../shadow";
import { overflowAt, underflowAt, writtenAt } from "./bytes";
import { fill, listed } from "./fill";
import {
  errorSentences,
  fillingClean,
  fillingDead,
  fillingForbidden,
  invariantTexts,
  phraseAbout,
  phraseBehind,
  phraseFreed,
  phraseInFront,
  phraseInside,
  phraseNowhere,
  phraseOutside,
  phrasePattern,
  phrasePool,
  phrasePoolHeader,
  poolOf,
} from "./report-host";

function fillSentence(code: u32, value: i64 = 0): void {
  fill(listed(errorSentences, code - 1), value);
}

/** What memory was that this pointer was read from, where it is one byte four times; 0 where it is not. */
function fillingOf(address: usize): usize {
  const byte = <u8>address;
  if (<u32>address !== <u32>byte * 0x01010101) return 0;
  if (byte === CLEANBYTE) return fillingClean;
  if (byte === DEADBYTE) return fillingDead;
  return byte === FORBIDDENBYTE ? fillingForbidden : 0;
}

function tellInBlock(address: usize, block: usize, entry: Entry): void {
  if (address < block) fill(phraseInFront, block - address);
  else if (address - block >= entry.size) fill(phraseBehind, address - block - entry.size);
  else fill(phraseInside, address - block);
  if (entry.state !== LIVE && entry.state !== BLAMED) fill(phraseFreed);
}

function tellInPool(address: usize, pool: usize): void {
  if (pool === 0) fill(phraseNowhere);
  else if (address - pool < POOL_HEADER) fill(phrasePoolHeader, pool);
  else fill(phrasePool, pool);
}

/** What a pointer at which no block begins points at. */
function tellPointer(address: usize, block: usize, entry: Entry): void {
  const filling = fillingOf(address);
  const end = (<u64>memory.size()) << 16;
  if (filling !== 0) fill(phrasePattern, filling);
  else if (entry !== NONE) tellInBlock(address, block, entry);
  else if (<u64>address >= end) fill(phraseOutside, end);
  else tellInPool(address, poolOf(address));
}

/** Writes the sentence of the fault that the ledger describes. */
export function tellSentence(): void {
  const book = ledger();
  const code = book.faultCode;
  const block = book.faultBlock;
  const entry = changetype<Entry>(book.faultEntry);
  if (code === BROKEN_INVARIANT) {
    fillSentence(code, book.faultInvariant);
    fill(listed(invariantTexts, book.faultInvariant - LEDGER_HOLDS));
  } else if (code === WITHOUT_GIL) {
    fillSentence(code);
    if (entry !== NONE) fill(phraseAbout);
  } else if (code === INVALID_POINTER || entry === NONE) {
    fillSentence(INVALID_POINTER);
    tellPointer(book.faultAddress, block, entry);
  } else if (code === BUFFER_OVERFLOW) {
    fillSentence(code, overflowAt(block, entry));
  } else if (code === BUFFER_UNDERFLOW) {
    fillSentence(code, underflowAt(block));
  } else if (code === USE_AFTER_FREE_WRITE) {
    fillSentence(code, writtenAt(block, entry));
  } else {
    fillSentence(code);
  }
}
