/**
 * Validation: walks over the blocks by the maps, then over the bins and what waits, and names the first invariant that does not hold,
 * by its number in `docs/invariants.md`. It writes nothing, reads nothing outside of the memory, and every list that it follows
 * is bounded by what was counted.
 */

import { LONGEST_WAITING } from "../policy/policy";
import { binOf, DROPPED, freeAt } from "./bins";
import { mapBytes, shifted } from "./break";
import { granuleBits, largeRoot } from "./large-host";
import {
  addressOf,
  granuleOf,
  granulesFor,
  hasLength,
  isUsed,
  LEFT,
  startsCell,
  usesCell,
} from "./map";
import { BINS, firstCell, fullCell, ROOT_SIZE, state, waitingCell } from "./state";

/** Where an invariant was found broken. */
let at: usize = 0;

/** What is counted along the blocks: those in use, those that are free, and of these the ones that were dropped. */
let usedBlocks: u32 = 0;
let freeBlocks: u32 = 0;

function broken(invariant: u32, where: usize): u32 {
  at = where;
  return invariant;
}

/** The address that the invariant was found broken at. */
export function brokenAt(): usize {
  return at;
}

/** 0 when all is well, else the number of the first broken invariant. */
export function validate(): u32 {
  const s = state();
  // Nothing was asked of it yet.
  if (s.map === 0) return s.end === 0 ? 0 : broken(23, largeRoot);
  const ofState = checkState();
  if (ofState !== 0) return ofState;
  const ofBlocks = checkBlocks();
  if (ofBlocks !== 0) return ofBlocks;
  const ofBins = checkBins();
  return ofBins !== 0 ? ofBins : checkWaiting();
}

/** Does a block begin here, by the maps? They are in the memory. */
function startsAt(granule: u32): bool {
  return ((load<u32>(startsCell(granule)) >>> (granule & 31)) & 1) !== 0;
}

/** Does a block begin here, before the break and behind the state? */
function isBlock(granule: u32): bool {
  const isInside = granule > granuleOf(largeRoot) && granule < granuleOf(state().end);
  return isInside && startsAt(granule);
}

/** The first granule from one on, up to `end`, at which a block begins; `end` where there is none. */
function startFrom(granule: u32, end: u32): u32 {
  while (granule < end) {
    const starts = load<u32>(startsCell(granule)) >>> (granule & 31);
    if (starts !== 0) return min(granule + <u32>ctz(starts), end);
    granule = (granule | 31) + 1;
  }
  return end;
}

/** Where the block that begins at a granule ends. */
function behind(granule: u32): u32 {
  return startFrom(granule + 1, granuleOf(state().end));
}

function checkState(): u32 {
  const s = state();
  const here = largeRoot;
  if (s.bits !== granuleBits || <u64>s.end > (<u64>memory.size()) << 16) return broken(23, here);
  if (addressOf(granuleOf(s.end)) !== s.end || s.end <= here + ROOT_SIZE) return broken(23, here);
  // The maps lie in the memory, and reach up to the break.
  if (s.reach < s.end) return broken(24, here);
  const bytes = mapBytes(s.reach);
  if (s.map < here + ROOT_SIZE || <u64>s.map + 2 * <u64>bytes > <u64>s.end) return broken(24, here);
  if (s.starts !== shifted(s.map) || s.uses !== shifted(s.map + bytes)) return broken(24, here);
  const map = granuleOf(s.map);
  if (addressOf(map) !== s.map || !isBlock(map) || !isUsed(map)) return broken(24, s.map);
  return behind(map) - map !== granulesFor(2 * bytes) ? broken(24, s.map) : 0;
}

function checkBlocks(): u32 {
  const end = granuleOf(state().end);
  const root = granuleOf(largeRoot);
  if (!startsAt(root) || !isUsed(root)) return broken(25, largeRoot);
  if (behind(root) - root !== granulesFor(ROOT_SIZE)) return broken(25, largeRoot);
  usedBlocks = 0;
  freeBlocks = 0;
  let drops: u32 = 0;
  let wasJoined = false;
  for (let granule = root; granule < end; ) {
    const next = behind(granule);
    const length = next - granule;
    const used = isUsed(granule);
    if (!isLengthRight(granule, length, used)) return broken(26, addressOf(granule));
    const isJoined = !used && freeAt(granule).length !== 0;
    if (used) {
      usedBlocks++;
    } else {
      freeBlocks++;
      if (!isJoined) drops++;
    }
    if (wasJoined && isJoined) return broken(27, addressOf(granule));
    wasJoined = isJoined;
    granule = next;
  }
  // Some may have been joined with what was freed beside them.
  if (drops > state().drops) return broken(27, largeRoot);
  if (!startsAt(end) || !isUsed(end)) return broken(25, state().end);
  const last = granuleOf(state().reach);
  const beyond = startFrom(end + 1, last);
  return beyond === last ? 0 : broken(25, addressOf(beyond));
}

/** Does the block's length stand where it has to? Only of one in use is said that it was left to others. */
function isLengthRight(granule: u32, length: u32, used: bool): bool {
  if (!hasLength(granule, length)) return true;
  const first = load<u32>(usesCell(granule), 4);
  const last = load<u32>(usesCell(granule + length) - 4);
  return first === last && (used ? first & ~LEFT : first) === length;
}

function checkBins(): u32 {
  let listed: u32 = 0;
  for (let bin: u32 = 0; bin < BINS; bin++) {
    const cell = firstCell(bin);
    const isFull = ((load<u64>(fullCell(bin >>> 6)) >>> (<u64>bin & 63)) & 1) !== 0;
    if ((load<u32>(cell) !== 0) !== isFull) return broken(28, cell);
    // Each says who is before it, so none can be in the list twice.
    let before: u32 = 0;
    for (let granule = load<u32>(cell); granule !== 0; ) {
      if (!isBlock(granule) || isUsed(granule)) return broken(28, cell);
      const free = freeAt(granule);
      const length = bin === DROPPED ? 0 : behind(granule) - granule;
      if (free.length !== length || binOf(length) !== bin || free.previous !== before) {
        return broken(28, addressOf(granule));
      }
      before = granule;
      granule = free.next;
      listed++;
    }
  }
  return listed === freeBlocks ? 0 : broken(28, largeRoot);
}

function checkWaiting(): u32 {
  let listed: u32 = 0;
  for (let length: u32 = 1; (<usize>length) << granuleBits <= LONGEST_WAITING; length++) {
    const cell = waitingCell(length);
    let held: u32 = 0;
    for (let p = load<usize>(cell); p !== 0; p = load<usize>(p)) {
      const granule = granuleOf(p);
      if (addressOf(granule) !== p || !isBlock(granule) || !isUsed(granule))
        return broken(29, cell);
      if (p === state().map || behind(granule) - granule !== length) return broken(29, p);
      // A list that leads back into itself has no end.
      if (++listed > usedBlocks) return broken(29, p);
      held += length;
    }
    if (held !== load<u32>(cell, 4)) return broken(29, cell);
  }
  return listed !== 0 && state().waits === 0 ? broken(29, largeRoot) : 0;
}
