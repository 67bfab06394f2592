/**
 * The word before a block of the system malloc. dlmalloc keeps the size of the block's chunk there, and flags in its low
 * bits. Of another malloc it would be any number: so it is never more than a hint, or one check more.
 */

/** The low bits of a chunk's head are flags; this one says that the chunk is in use. hosts/dlmalloc.ts reads both as well. */
export const CHUNK_FLAGS: usize = 7;
export const CHUNK_IN_USE: usize = 2;

function headOf(p: usize): usize {
  return load<usize>(p - sizeof<usize>());
}

/** The bytes of a block's chunk, its head included; `p` is not 0. */
export function chunkOf(p: usize): usize {
  return headOf(p) & ~CHUNK_FLAGS;
}

/** How many bytes a block could have where it is, when the chunk behind it is free; heads from `end` on are not read. */
export function roomOf(p: usize, end: usize): usize {
  const room = chunkOf(p);
  if (room >= end - p) return room;
  const behind = p + room;
  return (headOf(behind) & CHUNK_IN_USE) !== 0 ? room : room + chunkOf(behind);
}
