/** The text of a report, written into its buffer: patterns, and what their letters stand for (see src/debug/patterns.ts). */

import { ledger } from "../books";
import { Entry, OBJECT, ON_LEAVING, ON_VALIDATE, REPORT_BYTES } from "../debug-layout";
import { letterOf } from "../frame";
import { familyOf } from "../shadow";
import {
  callNames,
  familyNames,
  familyPrefixes,
  phraseBlock,
  phraseByte,
  phraseBytes,
  phraseCall,
  reportBuffer,
} from "./report-host";

let end: usize = 0;

function put(character: u32): void {
  if (end < REPORT_BYTES - 1) store<u8>(reportBuffer + end++, <u8>character);
}

export function endLine(): void {
  put(0x0a);
}

export function beginText(): void {
  end = 0;
}

/** Puts a 0 behind the text; how long it is. */
export function finishText(): usize {
  store<u8>(reportBuffer + end, 0);
  return end;
}

function putNumber(value: u64, base: u64): void {
  let scale: u64 = 1;
  while (value / scale >= base) scale *= base;
  for (; scale !== 0; scale /= base) {
    const digit = <u32>((value / scale) % base);
    put(digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}

function putHex(address: usize): void {
  put(0x30);
  put(0x78);
  putNumber(address, 16);
}

function putSigned(value: i64): void {
  if (value < 0) put(0x2d);
  putNumber(<u64>(value < 0 ? -value : value), 10);
}

function putBytes(count: u64): void {
  fill(count === 1 ? phraseByte : phraseBytes, count);
}

/** Two digits. */
function putByte(byte: u64): void {
  if (byte < 16) put(0x30);
  putNumber(byte, 16);
}

/** A text of a list. */
export function listed(list: usize, number: u32): usize {
  for (; number !== 0; number--) {
    while (load<u8>(list) !== 0) list++;
    list++;
  }
  return list;
}

function block(): Entry {
  return changetype<Entry>(ledger().faultEntry);
}

/** Nothing is called in the middle of leaving the quarantine, or of a walk over all blocks. */
function isCall(): bool {
  const during = ledger().faultDuring;
  return during !== ON_LEAVING && during !== ON_VALIDATE;
}

/** Of the block; false for a letter that is not. */
function putOfBlock(letter: u32): bool {
  const entry = block();
  const start = ledger().faultBlock;
  const family = min(familyOf(entry), OBJECT);
  if (letter === 0x70)
    putHex(start); // %p
  else if (letter === 0x65)
    putHex(start + entry.size); // %e
  else if (letter === 0x7a)
    putNumber(entry.size, 10); // %z
  else if (letter === 0x42)
    putBytes(entry.size); // %B
  else if (letter === 0x73)
    putNumber(entry.serial, 10); // %s
  else if (letter === 0x66)
    fill(listed(familyNames, family)); // %f
  else if (letter === 0x46)
    fill(listed(familyPrefixes, family)); // %F
  else if (letter === 0x6c)
    put(letterOf(family)); // %l
  else return false;
  return true;
}

/** Of the fault, and of the place that `value` is. */
function putOther(letter: u32, value: i64): void {
  const book = ledger();
  if (letter === 0x62)
    fill(phraseBlock); // %b
  else if (letter === 0x63 && isCall())
    fill(phraseCall); // %c
  else if (letter === 0x63 || letter === 0x6e)
    tellCall(); // %n
  else if (letter === 0x76)
    put(letterOf(book.faultFamily)); // %v
  else if (letter === 0x61)
    putHex(book.faultAddress); // %a
  else if (letter === 0x64)
    putSigned(value); // %d
  else if (letter === 0x75)
    putBytes(value); // %u
  else if (letter === 0x68)
    putHex(<usize>value); // %h
  else if (letter === 0x78)
    putByte(value); // %x
  else fill(<usize>value); // %w
}

/** What was called, or going on. */
export function tellCall(): void {
  const book = ledger();
  if (isCall()) fill(listed(familyPrefixes, min(book.faultFamily, OBJECT)));
  fill(listed(callNames, book.faultDuring));
}

/** Writes a pattern, with what its letters stand for in the fault that the ledger describes. */
export function fill(pattern: usize, value: i64 = 0): void {
  for (let at = pattern; load<u8>(at) !== 0; at++) {
    const character = <u32>load<u8>(at);
    if (character !== 0x25) {
      put(character);
      continue;
    }
    const letter = <u32>load<u8>(++at);
    if (!putOfBlock(letter)) putOther(letter, value);
  }
}
