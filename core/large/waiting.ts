/**
 * Blocks that wait: a short block that was given back is the first to be given out again, for as much. For the maps it is in use. There
 * is a list for each length; what would make one too long is dropped (`sweep.ts`).
 */

import { MOST_WAITING } from "../policy/policy";
import { granuleBits } from "./large-host";
import { addressOf, granuleOf, writeStart, writeUsed } from "./map";
import { state, waitingCell } from "./state";
import { drop } from "./sweep";

/** Gives a block back. */
export function wait(p: usize, length: u32): void {
  const cell = waitingCell(length);
  const held = load<u32>(cell, 4) + length;
  if ((<usize>held) << granuleBits > MOST_WAITING) {
    drop(granuleOf(p), length);
    return;
  }
  store<usize>(p, load<usize>(cell));
  store<usize>(cell, p);
  store<u32>(cell, held, 4);
  state().waits = 1;
}

/** A block of so many granules that waits; 0 where none does. */
export function takeWaiting(length: u32): usize {
  const cell = waitingCell(length);
  const p = load<usize>(cell);
  if (p !== 0) {
    store<usize>(cell, load<usize>(p));
    store<u32>(cell, load<u32>(cell, 4) - length, 4);
  }
  return p;
}

/** `count` blocks of `length` granules lie one behind the other, from `first` on: all but the first wait. None of this length does. */
export function waitBehind(first: u32, length: u32, count: u32): void {
  let link = waitingCell(length);
  store<u32>(link, length * (count - 1), 4);
  let granule = first;
  for (let rest = count - 1; rest !== 0; rest--) {
    granule += length;
    writeStart(granule);
    writeUsed(granule, length);
    store<usize>(link, addressOf(granule));
    link = addressOf(granule);
  }
  store<usize>(link, 0);
  state().waits = 1;
}
