/**
 * TLSF's free blocks, seen from outside: which there are, and how one of them is taken. The layout is that of
 * AssemblyScript's std/assembly/rt/tlsf.ts, which shows neither.
 *
 *     | size, tags | payload ...                   |   the payload is at a multiple of 16, and so long that
 *     | size, tags | prev | next | ... | itself    |   the next one is, too
 *       free ^
 *
 * A list has the free blocks of 16 sizes that follow each other, or of one sixteenth of a power of 2. TLSF takes the first
 * block of the next list up where not every block of a size's own list is long enough. A block that
 * would do it thereby does not see: `firstFit` does.
 */

import { ROOT } from "rt/tlsf";

@unmanaged
export class Block {
  info: usize;
  /** The neighbours in its list; NONE at the ends. */
  prev: Block;
  next: Block;
}

export const NONE: Block = changetype<Block>(<usize>0);

/** The word in front of a payload, and the tags in its lowest bits: this block is free, the one before it is. */
export const HEADER: usize = 4;
export const FREE: usize = 1;
export const LEFT_FREE: usize = 2;
export const TAGS: usize = 3;

/** The shortest payload. */
const LEAST: usize = 12;

/** A list has so many bytes' sizes below SMALL, and a sixteenth of a power of 2 from there on. */
const ALIGNMENT: usize = 16;
const SMALL: usize = 256;
const SMALL_BITS: u32 = 8;
const LISTS_BITS: u32 = 4;
const LISTS: u32 = 23 << LISTS_BITS;

/**
 * TLSF's root:
 *
 *     | bit for each level | 23 x bit for each list of it | 23 x 16 x first block | tail |
 */
const LEVEL: usize = 4;
const FIRSTS: usize = 96;
const TAIL: usize = FIRSTS + LISTS * sizeof<usize>();

/** Where TLSF's root lies: behind the module's static data, of which there is none. */
const ROOT_ADDRESS: usize = 1024;
/** The header of TLSF's first block, which follows the root. */
export const FIRST_HEADER: usize =
  ((ROOT_ADDRESS + TAIL + sizeof<usize>() + HEADER + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) - HEADER;

/** From here on TLSF takes the first block of a size's own list, long enough or not. */
const UNSURE: usize = 0x1ffffffe;

function root(): usize {
  return changetype<usize>(ROOT);
}

/** Has TLSF written its root? It does at its first call. */
export function isThere(): bool {
  return root() !== 0;
}

export function blockOf(p: usize): Block {
  return changetype<Block>(p - HEADER);
}

export function payloadOf(block: Block): usize {
  return changetype<usize>(block) + HEADER;
}

/** The bytes of a block's payload. */
export function sizeOf(block: Block): usize {
  return block.info & ~TAGS;
}

export function isFree(block: Block): bool {
  return (block.info & FREE) !== 0;
}

/** The block behind. */
export function rightOf(block: Block): Block {
  return changetype<Block>(payloadOf(block) + sizeOf(block));
}

/** The payload that a request gets. */
export function roundUp(bytes: usize): usize {
  return max(LEAST, ((bytes + HEADER + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) - HEADER);
}

/** The block of no length at which TLSF's memory ends. */
export function tail(): Block {
  return load<Block>(root(), TAIL);
}

export function setTail(block: Block): void {
  store<Block>(root(), block, TAIL);
}

/** The free block right before the tail; NONE where that is in use. */
export function lastFree(): Block {
  const end = tail();
  return (end.info & LEFT_FREE) !== 0 ? load<Block>(changetype<usize>(end) - HEADER) : NONE;
}

/** The list that a free block of a size is in. */
function listOf(size: usize): u32 {
  if (size < SMALL) return <u32>(size / ALIGNMENT);
  const level = 31 - <u32>clz(min(size, 0x3ffffffc));
  const sixteenth = <u32>(min(size, 0x3ffffffc) >>> (level - LISTS_BITS)) & 15;
  return ((level - SMALL_BITS + 1) << LISTS_BITS) | sixteenth;
}

function levelCell(level: u32): usize {
  return root() + LEVEL + (level << 2);
}

function firstCell(list: u32): usize {
  return root() + FIRSTS + (list << 2);
}

/** The first list from this one up that has a block; LISTS for none. */
function listFrom(list: u32): u32 {
  if (list >= LISTS) return LISTS;
  const level = list >>> LISTS_BITS;
  const same = load<u32>(levelCell(level)) & (~0 << (list & 15));
  if (same !== 0) return (level << LISTS_BITS) | <u32>ctz(same);
  const above = load<u32>(root()) & (~0 << (level + 1));
  if (above === 0) return LISTS;
  const next = <u32>ctz(above);
  return (next << LISTS_BITS) | <u32>ctz(load<u32>(levelCell(next)));
}

/** Is there a block that TLSF itself finds for a payload? It does not have to be given memory then. */
export function finds(size: usize): bool {
  if (size >= UNSURE) return false;
  const most = size < SMALL ? size : size + ((<usize>1) << (27 - clz(size))) - 1;
  return listFrom(listOf(most)) < LISTS;
}

/** A free block that is long enough, the first one of the first such list; NONE where there is none at all. */
export function firstFit(size: usize): Block {
  const own = listOf(size);
  for (let block = load<Block>(firstCell(own)); block !== NONE; block = block.next) {
    if (sizeOf(block) >= size) return block;
  }
  const list = listFrom(own + 1);
  return list < LISTS ? load<Block>(firstCell(list)) : NONE;
}

/** Takes a free block out of its list; it is in use then, as long as it is. */
export function take(block: Block): void {
  const list = listOf(sizeOf(block));
  const next = block.next;
  if (next !== NONE) next.prev = block.prev;
  if (block.prev !== NONE) {
    block.prev.next = next;
  } else {
    store<Block>(firstCell(list), next);
    if (next === NONE) emptied(list);
  }
  block.info &= ~FREE;
  rightOf(block).info &= ~LEFT_FREE;
}

/** A list has no block any more. */
function emptied(list: u32): void {
  const level = list >>> LISTS_BITS;
  const lists = load<u32>(levelCell(level)) & ~(1 << (list & 15));
  store<u32>(levelCell(level), lists);
  if (lists === 0) store<u32>(root(), load<u32>(root()) & ~(1 << level));
}
