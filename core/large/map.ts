/**
 * Where blocks begin and end is written down beside them, not in them: a block has no header.
 *
 * A granule is `1 << granuleBits` bytes. Two maps have a bit for each granule:
 *
 *     starts   1 where a block begins                      1 0 0 1 0 1 0 0 0 0 ...
 *     uses     1 where a block begins that is in use       1 . . 0 . 1 . . . .
 *
 * Between its first granule and the next block's, a block's bits say nothing in `uses` and are 0 in `starts`. Where a whole
 * word of 32 bits is so, the block's length stands there in `uses`: in the first and in the last such word. So a block's length is
 * found in one or two loads, and so is the block in front of it, however long they are.
 *
 * A granule is known by its number, its address >> granuleBits. Blocks follow each other without a gap, from the malloc's own state to
 * the break, where a last one of no length is in use.
 */

import { granuleBits } from "./large-host";
import { state } from "./state";

/** In the place of a length: this block was left to others. */
export const LEFT: u32 = 1 << 31;

export function granuleOf(p: usize): u32 {
  return <u32>(p >>> granuleBits);
}

export function addressOf(granule: u32): usize {
  return (<usize>granule) << granuleBits;
}

/** The granules that a block of so many bytes needs; for 0 more than there can be. */
export function granulesFor(bytes: usize): u32 {
  return <u32>((bytes - 1) >>> granuleBits) + 1;
}

export function startsCell(granule: u32): usize {
  return state().starts + ((<usize>(granule >>> 5)) << 2);
}

export function usesCell(granule: u32): usize {
  return state().uses + ((<usize>(granule >>> 5)) << 2);
}

/** A shift counts modulo the word's bits. */
function bitOf(granule: u32): u32 {
  return 1 << granule;
}

/** The granules of the block that begins at one. */
export function lengthAt(granule: u32): u32 {
  // The bits of what follows in this word and in the next one.
  const behind = load<u64>(startsCell(granule)) >>> (<u64>(granule & 31) + 1);
  return behind !== 0 ? <u32>ctz(behind) + 1 : load<u32>(usesCell(granule), 4) & ~LEFT;
}

/** Where the block in front of one begins. */
export function blockBefore(granule: u32): u32 {
  const cell = startsCell(granule);
  const first = granule & ~31;
  const own = load<u32>(cell) & (bitOf(granule) - 1);
  if (own !== 0) return first + 31 - <u32>clz(own);
  const before = load<u32>(cell - 4);
  if (before !== 0) return first - 1 - <u32>clz(before);
  return granule - (load<u32>(usesCell(granule) - 4) & ~LEFT);
}

export function isUsed(granule: u32): bool {
  return (load<u32>(usesCell(granule)) & bitOf(granule)) !== 0;
}

/** Is a whole word of the maps between a block's first granule and the next block? */
export function hasLength(granule: u32, length: u32): bool {
  return ((granule + length) >>> 5) - (granule >>> 5) >= 2;
}

function writeLength(granule: u32, length: u32, value: u32): void {
  if (!hasLength(granule, length)) return;
  store<u32>(usesCell(granule), value, 4);
  store<u32>(usesCell(granule + length) - 4, value);
}

export function writeStart(granule: u32): void {
  const cell = startsCell(granule);
  store<u32>(cell, load<u32>(cell) | bitOf(granule));
}

/** A block does not begin here any more; it belongs to the one in front of it. */
export function clearStart(granule: u32): void {
  const cell = startsCell(granule);
  store<u32>(cell, load<u32>(cell) & ~bitOf(granule));
}

/** Where a block begins, it is in use from now on, and has this length. */
export function writeUsed(granule: u32, length: u32): void {
  const cell = usesCell(granule);
  store<u32>(cell, load<u32>(cell) | bitOf(granule));
  writeLength(granule, length, length);
}

/** ... and is free. */
export function writeFree(granule: u32, length: u32): void {
  const cell = usesCell(granule);
  store<u32>(cell, load<u32>(cell) & ~bitOf(granule));
  writeLength(granule, length, length);
}

/** ... and is left to others, which is said only of a long one. */
export function writeLeft(granule: u32, length: u32): void {
  writeUsed(granule, length);
  writeLength(granule, length, length | LEFT);
}

/** The blocks that begin in a granule's word and are free, as bits. */
export function freeStarts(granule: u32): u32 {
  return load<u32>(startsCell(granule)) & ~load<u32>(usesCell(granule));
}

/** The block that begins at a granule is not in use any more; its length stays as it is. */
export function clearUsed(granule: u32): void {
  const cell = usesCell(granule);
  store<u32>(cell, load<u32>(cell) & ~bitOf(granule));
}
