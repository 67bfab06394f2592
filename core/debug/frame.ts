/** The bytes in front of a block and behind it, and what its own bytes are filled with. */

import {
  BUFFER_OVERFLOW,
  BUFFER_UNDERFLOW,
  CLEANBYTE,
  DEADBYTE,
  Entry,
  FORBIDDENBYTE,
  FRONT,
  MEM,
  OBJECT,
} from "./debug-layout";
import { familyOf } from "./shadow";

const PAD: u32 = 0x01010101 * <u32>FORBIDDENBYTE;

export function letterOf(family: u32): u32 {
  if (family === OBJECT) return 0x6f; // 'o'
  return family === MEM ? 0x6d : 0x72; // 'm', 'r'
}

/** The word in front of the block: the family's letter, and three pads. */
function letterWord(family: u32): u32 {
  return (PAD << 8) | letterOf(family);
}

/** Writes everything around the block. */
export function writeFrame(p: usize, entry: Entry): void {
  store<u32>(p - FRONT, bswap<u32>(<u32>entry.size));
  store<u32>(p - FRONT + 4, letterWord(familyOf(entry)));
  writeTail(p, entry);
}

function writeTail(p: usize, entry: Entry): void {
  store<u32>(p + entry.size, PAD);
  store<u32>(p + entry.size + 4, bswap<u32>(entry.serial));
}

function frontIntact(p: usize, entry: Entry): bool {
  return (
    load<u32>(p - FRONT) === bswap<u32>(<u32>entry.size) &&
    load<u32>(p - FRONT + 4) === letterWord(familyOf(entry))
  );
}

function tailIntact(p: usize, entry: Entry): bool {
  return (
    load<u32>(p + entry.size) === PAD && load<u32>(p + entry.size + 4) === bswap<u32>(entry.serial)
  );
}

/** What is wrong around a block, as the code of a fault; 0 for nothing. */
export function frameDamage(p: usize, entry: Entry): u32 {
  if (!frontIntact(p, entry)) return BUFFER_UNDERFLOW;
  return tailIntact(p, entry) ? 0 : BUFFER_OVERFLOW;
}

/** A byte, eight times. */
function repeated(byte: u8): u64 {
  const word = <u64>byte * 0x01010101;
  return (word << 32) | word;
}

/** Writes whole words, and so into the tail: it has to be written afterwards. */
function fillWords(p: usize, bytes: usize, word: u64): void {
  for (const end = p + bytes; p < end; p += 8) store<u64>(p, word);
}

/** Fills a new block and writes its frame. */
export function dressClean(p: usize, entry: Entry): void {
  fillWords(p, entry.size, repeated(CLEANBYTE));
  writeFrame(p, entry);
}

/** Fills a freed block. Its frame stays, for a report to tell whose it was. */
export function dressDead(p: usize, entry: Entry): void {
  fillWords(p, entry.size, repeated(DEADBYTE));
  writeTail(p, entry);
}

/** Has nobody written into the dead block, nor into its frame? */
export function isUntouched(p: usize, entry: Entry): bool {
  if (frameDamage(p, entry) !== 0) return false;
  const dead = repeated(DEADBYTE);
  const words = p + (entry.size & ~7);
  for (; p < words; p += 8) if (load<u64>(p) !== dead) return false;
  // What is left of the last word is in its lower bytes.
  const rest = entry.size & 7;
  return rest === 0 || (load<u64>(p) ^ dead) << (64 - 8 * <u64>rest) === 0;
}
