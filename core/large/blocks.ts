/** Free memory becomes blocks, and blocks free memory: what changes the maps and the bins together. */

import { put, take } from "./bins";
import { blockBefore, clearStart, isUsed, lengthAt, writeFree, writeStart, writeUsed } from "./map";

/** Makes what a block's first granules were, or are to be, a free block; its neighbours are in use. */
export function layFree(granule: u32, length: u32): void {
  writeFree(granule, length);
  put(granule, length);
}

/** `length` granules of a free block, from `granule` on, become a block in use. What is left stays free. */
export function cut(free: u32, granule: u32, length: u32): void {
  const has = lengthAt(free);
  const front = granule - free;
  const rest = has - front - length;
  take(free);
  if (rest !== 0) {
    writeStart(granule + length);
    layFree(granule + length, rest);
  }
  if (front !== 0) {
    layFree(free, front);
    writeStart(granule);
  }
  writeUsed(granule, length);
}

/**
 * A block in use, or what is to be one and has its start written, becomes free memory, one with what is free beside it.
 * @returns where the free block begins
 */
export function release(granule: u32, length: u32): u32 {
  for (let right = granule + length; !isUsed(right); right = granule + length) {
    take(right);
    length += lengthAt(right);
    clearStart(right);
  }
  for (let left = blockBefore(granule); !isUsed(left); left = blockBefore(granule)) {
    take(left);
    clearStart(granule);
    length += granule - left;
    granule = left;
  }
  layFree(granule, length);
  return granule;
}

/** The granules of the free block that begins at one; 0 where one in use does. */
export function freeLengthAt(granule: u32): u32 {
  return isUsed(granule) ? 0 : lengthAt(granule);
}

/** A block in use takes so many granules of the free one behind it. */
export function lengthen(granule: u32, length: u32, more: u32): void {
  const right = granule + length;
  const rest = lengthAt(right) - more;
  take(right);
  clearStart(right);
  writeUsed(granule, length + more);
  if (rest === 0) return;
  writeStart(right + more);
  release(right + more, rest);
}

/** A block in use gives back what is behind its first granules. */
export function shorten(granule: u32, length: u32, kept: u32): void {
  writeStart(granule + kept);
  writeUsed(granule, kept);
  release(granule + kept, length - kept);
}
