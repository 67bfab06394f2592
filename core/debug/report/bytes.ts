/** The bytes of a block and around it, as a report looks at them: one that lies outside of the memory is 0. */

import { isInMemory } from "../books";
import { DEADBYTE, Entry, FORBIDDENBYTE } from "../debug-layout";

/** For "nowhere": no offset of a block's. */
export const NOWHERE: isize = isize.MIN_VALUE;

export function byteAt(p: usize): u32 {
  return isInMemory(p, 1) ? <u32>load<u8>(p) : 0;
}

/** A word as debug hooks write it, the highest byte first. */
export function wordAt(p: usize): u32 {
  return isInMemory(p, 4) ? bswap<u32>(load<u32>(p)) : 0;
}

/** Offset from `p` of the first byte from `from` up to `to` that is not the one that was expected; NOWHERE for none. */
function firstChanged(p: usize, from: isize, to: isize, expected: u8): isize {
  for (let at = from; at < to; at++) if (byteAt(p + at) !== <u32>expected) return at;
  return NOWHERE;
}

function inFront(p: usize): isize {
  return firstChanged(p, -3, 0, FORBIDDENBYTE);
}

function behind(p: usize, entry: Entry): isize {
  const size = <isize>entry.size;
  return firstChanged(p, size, size + 4, FORBIDDENBYTE);
}

/** Where the pads behind a block were overwritten; where they are as they were, it is the number behind them. */
export function overflowAt(p: usize, entry: Entry): isize {
  const at = behind(p, entry);
  return at === NOWHERE ? <isize>entry.size + 4 : at;
}

export function underflowAt(p: usize): isize {
  const at = inFront(p);
  return at === NOWHERE ? -8 : at;
}

/** Where a dead block was written to: it or its frame. */
export function writtenAt(p: usize, entry: Entry): isize {
  const inside = firstChanged(p, 0, entry.size, DEADBYTE);
  if (inside !== NOWHERE) return inside;
  const front = inFront(p);
  if (front !== NOWHERE) return front;
  const rear = behind(p, entry);
  return rear === NOWHERE ? -8 : rear;
}

export function frontIntact(p: usize): bool {
  return inFront(p) === NOWHERE;
}

export function rearIntact(p: usize, entry: Entry): bool {
  return behind(p, entry) === NOWHERE;
}
