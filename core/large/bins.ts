/**
 * The free blocks, in bins by their length: one for each number of granules below 64, and eight for each power of two
 * from there on. The bin's list is linked through the blocks themselves. Those that were dropped (`sweep.ts`) have a bin of their own.
 */

import { memory as linear } from "memory";
import { FEW_BLOCKS, MANY_BLOCKS, SOME_BLOCKS } from "../policy/policy";
import { addressOf, blockBefore, granuleOf, isUsed } from "./map";
import { BINS, BINS_SIZE, firstCell, fullCell, state } from "./state";

/** A free block, in its first bytes. */
@unmanaged
export class Free {
  /** The neighbours in the list of the bin, as granules; 0 at the ends. */
  next: u32;
  previous: u32;
  /** In granules; DROPPED for one that was dropped. */
  length: u32;
}

/** In the place of a length, and so the number of the bin. */
export const DROPPED: u32 = 0;

const EXACT: u32 = 64;
const EXACT_BITS: u32 = 6;
const PARTS_BITS: u32 = 3;

/** How many blocks `bestFit` looks at, where others would do, before the memory gets longer, and before a request is refused. */
export const SOME: u32 = SOME_BLOCKS;
export const MANY: u32 = MANY_BLOCKS;
export const ALL: u32 = u32.MAX_VALUE;

export function freeAt(granule: u32): Free {
  return changetype<Free>(addressOf(granule));
}

export function binOf(length: u32): u32 {
  if (length < EXACT) return length;
  const power = 31 - <u32>clz(length);
  const part = (length >>> (power - PARTS_BITS)) - (1 << PARTS_BITS);
  return EXACT + ((power - EXACT_BITS) << PARTS_BITS) + part;
}

/** The bit of a bin in its word. */
function bitOf(bin: u32): u64 {
  const one: u64 = 1;
  return one << (bin & 63);
}

/** The first bin from this one up that has a block; BINS for none. */
function fullFrom(bin: u32): u32 {
  let mask: u64 = ~(bitOf(bin) - 1);
  for (let word = bin >>> 6; word < BINS >>> 6; word++) {
    const full = load<u64>(fullCell(word)) & mask;
    if (full !== 0) return (word << 6) + <u32>ctz(full);
    mask = ~0;
  }
  return BINS;
}

/** The first block of a bin; 0 for none. */
export function firstOf(bin: u32): u32 {
  return load<u32>(firstCell(bin));
}

function link(granule: u32, length: u32, bin: u32): void {
  const cell = firstCell(bin);
  const block = freeAt(granule);
  const first = load<u32>(cell);
  block.next = first;
  block.previous = 0;
  block.length = length;
  store<u32>(cell, granule);
  if (first !== 0) {
    freeAt(first).previous = granule;
  } else {
    const full = fullCell(bin >>> 6);
    store<u64>(full, load<u64>(full) | bitOf(bin));
  }
}

/** Puts a free block into the bin for its length. */
export function put(granule: u32, length: u32): void {
  link(granule, length, binOf(length));
}

/** Puts a free block to those that were dropped. */
export function putDropped(granule: u32): void {
  link(granule, DROPPED, DROPPED);
}

/** All bins become empty. */
export function clearBins(): void {
  linear.fill(fullCell(0), 0, BINS_SIZE);
}

/** Takes a free block out of its bin. */
export function take(granule: u32): void {
  const block = freeAt(granule);
  const next = block.next;
  const previous = block.previous;
  if (next !== 0) freeAt(next).previous = previous;
  if (previous !== 0) {
    freeAt(previous).next = next;
    return;
  }
  const bin = binOf(block.length);
  store<u32>(firstCell(bin), next);
  if (next !== 0) return;
  const full = fullCell(bin >>> 6);
  store<u64>(full, load<u64>(full) & ~bitOf(bin));
}

/** Where a block of `length` granules could begin in the free one at `granule`, at a multiple of so many. */
export function placeIn(granule: u32, step: u32): u32 {
  return (granule + step - 1) & ~(step - 1);
}

/** Has a free block room for `length` granules at a multiple of `step`? */
function fits(granule: u32, has: u32, length: u32, step: u32): bool {
  return placeIn(granule, step) - granule + length <= has;
}

/**
 * A good hole for `length` granules at a multiple of `step`, the best of some; 0 where none was found. A hole is any free block
 * but the last one before the break, which is kept for what fits nowhere else: whatever lies in front of it can grow.
 *
 * @param most so many blocks are looked at that may be too short, at most, and as many of a bin where they are long enough
 */
export function bestFit(length: u32, step: u32, most: u32): u32 {
  const end = granuleOf(state().end);
  const sure = binOf(length + step - 1);
  let rest = most;
  let bin = fullFrom(binOf(length));
  while (bin < BINS) {
    let best: u32 = 0;
    let bestLength = u32.MAX_VALUE;
    for (let granule = firstOf(bin); granule !== 0 && rest !== 0; rest--) {
      const block = freeAt(granule);
      const has = block.length;
      if (has < bestLength && fits(granule, has, length, step) && granule + has !== end) {
        if (has === length) return granule;
        best = granule;
        bestLength = has;
      }
      granule = block.next;
    }
    if (best !== 0) return best;
    bin++;
    if (rest === 0) {
      rest = most;
      bin = max(bin, sure);
    }
    bin = fullFrom(bin);
  }
  return 0;
}

/** The last free block before the break, where it has room; 0 where it has not. */
export function lastFit(length: u32, step: u32): u32 {
  const last = blockBefore(granuleOf(state().end));
  return !isUsed(last) && fits(last, freeAt(last).length, length, step) ? last : 0;
}

/** Of the first holes of each bin with room for `length` granules at a multiple of `step`, the lowest; 0 where there is none. */
export function lowestFit(length: u32, step: u32): u32 {
  const end = granuleOf(state().end);
  let lowest: u32 = 0;
  for (let bin = fullFrom(binOf(length)); bin < BINS; bin = fullFrom(bin + 1)) {
    let granule = firstOf(bin);
    for (let rest = FEW_BLOCKS; rest !== 0 && granule !== 0; rest--) {
      const has = freeAt(granule).length;
      const isLower = lowest === 0 || granule < lowest;
      if (isLower && fits(granule, has, length, step) && granule + has !== end) lowest = granule;
      granule = freeAt(granule).next;
    }
  }
  return lowest;
}
