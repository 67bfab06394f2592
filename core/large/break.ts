/**
 * The malloc's memory ends at a break, at or below the end of the real one, which grows a little farther than it has to. Behind the
 * break are zeros.
 */

import { memory as linear } from "memory";
import { BREAK_SLACK_BITS, REACH_SLACK_BITS } from "../policy/policy";
import { bestFit, lastFit, placeIn, SOME } from "./bins";
import { cut, release } from "./blocks";
import { granuleBits, largeRoot } from "./large-host";
import {
  addressOf,
  blockBefore,
  clearStart,
  granuleOf,
  granulesFor,
  isUsed,
  lengthAt,
  writeLeft,
  writeStart,
  writeUsed,
} from "./map";
import { ROOT_SIZE, state } from "./state";

const PAGE_BITS: u32 = 16;
const PAGE: usize = 1 << PAGE_BITS;

/** A break behind page 65,536 would be at address 2^32, which is 0. */
const LAST_PAGE: u32 = 65535;

/** The first map. */
const FIRST_MAP: usize = 2048;

/** Behind a map there is a word of zeros, for who reads two. */
const BEHIND: usize = 8;

/** Makes the memory at least so many pages long; false where there is none. */
function growTo(pages: u32): bool {
  if (pages > LAST_PAGE) return false;
  const there = linear.size();
  const missing = <i32>pages - there;
  if (missing <= 0) return true;
  const more = min(max(missing, there >> BREAK_SLACK_BITS), <i32>LAST_PAGE - there);
  return linear.grow(more) >= 0 || linear.grow(missing) >= 0;
}

/** The pages that reach up to an address; what no memory has where it is too high. */
function pagesUpTo(address: u64): u32 {
  return <u32>((address + PAGE - 1) >>> PAGE_BITS);
}

/** A map's address, less that of the word which the bits of the malloc's first granules are in, were it there from address 0 on. */
export function shifted(map: usize): usize {
  return map - ((<usize>(granuleOf(largeRoot) >>> 5)) << 2);
}

/** The bytes of one of the two maps, where they reach up to an address. */
export function mapBytes(reach: usize): usize {
  return ((<usize>((granuleOf(reach) >>> 5) - (granuleOf(largeRoot) >>> 5) + 1)) << 2) + BEHIND;
}

/** From now on the maps are those at `map`, and reach up to `reach`. */
function use(map: usize, reach: usize): void {
  const s = state();
  s.map = map;
  s.reach = reach;
  s.starts = shifted(map);
  s.uses = shifted(map + mapBytes(reach));
}

/** At the break is a block of no length, in use. */
function writeEnd(end: usize): void {
  state().end = end;
  writeStart(granuleOf(end));
  writeUsed(granuleOf(end), 0);
}

function layUsed(granule: u32, length: u32): void {
  writeStart(granule);
  writeUsed(granule, length);
}

/** The malloc's memory begins: its state, the first map, and free memory; false where there is none. */
function start(): bool {
  const root = granuleOf(largeRoot);
  const map = root + granulesFor(ROOT_SIZE);
  const first = map + granulesFor(FIRST_MAP);
  const pages = pagesUpTo(addressOf(first + 1));
  if (!growTo(pages)) return false;
  const end = (<usize>pages) << PAGE_BITS;
  state().bits = granuleBits;
  // The map has a bit for each granule up to the break, and for others.
  use(addressOf(map), addressOf((root & ~31) + <u32>(((FIRST_MAP >> 1) - BEHIND) << 3) - 1));
  layUsed(root, map - root);
  layUsed(map, first - map);
  writeStart(first);
  writeEnd(end);
  release(first, granuleOf(end) - first);
  return true;
}

/** Has the malloc its memory, or gets it now? */
export function isReady(): bool {
  return state().map !== 0 || start();
}

/** The maps move to longer ones, which are zeros, at `map`. The block that they were in is free then. */
function moveMaps(map: usize, reach: usize): void {
  const s = state();
  const old = s.map;
  const bytes = mapBytes(s.reach);
  linear.copy(map, old, bytes);
  linear.copy(map + mapBytes(reach), old + bytes, bytes);
  use(map, reach);
  release(granuleOf(old), lengthAt(granuleOf(old)));
}

/** How far new maps reach that have to reach up to the end of so many pages. */
function reachFor(pages: u32): usize {
  return (<usize>min(pages + (pages >> REACH_SLACK_BITS) + 2, LAST_PAGE)) << PAGE_BITS;
}

function isReached(pages: u32): bool {
  return (<u64>pages) << PAGE_BITS <= <u64>state().reach;
}

/** Has the maps reach up to an address, and further, where there is a hole for longer ones; or room before the break. */
function reachInHole(to: u64, orLast: bool): void {
  const pages = pagesUpTo(to);
  // What no memory reaches is no reason to move the maps.
  if (pages > LAST_PAGE || isReached(pages)) return;
  const reach = reachFor(pages);
  const length = granulesFor(2 * mapBytes(reach));
  let map = bestFit(length, 1, SOME);
  if (map === 0 && orLast) map = lastFit(length, 1);
  if (map === 0) return;
  cut(map, map, length);
  linear.fill(addressOf(map), 0, (<usize>length) << granuleBits);
  moveMaps(addressOf(map), reach);
}

/**
 * Moves the break up to an address at least. Where the maps have to be longer for that, they are last before it.
 * @returns the granule up to which the new memory is nobody's yet; 0 where there is no memory
 */
function extend(to: u64): u32 {
  let pages = pagesUpTo(to);
  const isShort = !isReached(pages);
  const reach = reachFor(pages);
  const length = isShort ? granulesFor(2 * mapBytes(reach)) : 0;
  if (isShort) pages = pagesUpTo(to + ((<u64>length) << granuleBits));
  if (!growTo(pages)) return 0;
  const end = (<usize>pages) << PAGE_BITS;
  const map = granuleOf(end) - length;
  if (isShort) moveMaps(addressOf(map), reach);
  writeEnd(end);
  if (isShort) layUsed(map, length);
  return map;
}

/**
 * Moves the break so far that a block of so many granules at a multiple of `step` is free, and no farther.
 * @returns where the free memory begins; 0 where there is no memory
 */
export function grow(length: u32, step: u32): u32 {
  const end = state().end;
  const old = granuleOf(end);
  reachInHole(<u64>end + ((<u64>(length + step - 1)) << granuleBits), false);
  const last = blockBefore(old);
  const behind = placeIn(isUsed(last) ? old : last, step) + length;
  // Where the maps were there may be room now.
  if (behind <= old) return last;
  const to = extend((<u64>behind) << granuleBits);
  return to === 0 ? 0 : release(old, to - old);
}

/** Leaves the memory from `from`, at or behind the break, up to `to` to someone else; false where there is no memory. */
export function leave(from: usize, to: usize): bool {
  if (!isReady()) return false;
  const old = granuleOf(state().end);
  const first = granuleOf(from);
  const behind = granuleOf(to - 1) + 1;
  reachInHole((<u64>behind) << granuleBits, true);
  const end = extend((<u64>behind) << granuleBits);
  if (end === 0) return false;
  writeStart(first);
  writeLeft(first, behind - first);
  if (behind !== end) {
    writeStart(behind);
    release(behind, end - behind);
  }
  if (first !== old) release(old, first - old);
  return true;
}

/** Takes back what was left to someone else from `from` on; what is in it is lost. */
export function takeBack(from: usize): void {
  const first = granuleOf(from);
  const behind = first + lengthAt(first);
  const end = state().end;
  if (addressOf(behind) !== end) {
    release(first, behind - first);
    return;
  }
  linear.fill(from, 0, end - from);
  clearStart(behind);
  writeEnd(from);
}
