/** The walk over a memory: from its beginning to its end, what each piece of it is. */
import type { Address } from "../../base/base.js";
import { boundsOf, ownMemory, systemBlocks, waitingBlocks } from "./chunks.js";
import type { MemoryImage } from "./image.js";
import { findPools, PoolReader, rootsOf } from "./pools.js";

/** What the walk shows. Pieces come by rising addresses and do not overlap; what is not shown is not known. */
export interface Visitor {
  /** Memory for pools: an arena, or several in a block. The pools in it follow. */
  arena(bytes: number): void;
  /** A pool, whose numbers are in the reader now. */
  pool(reader: PoolReader): void;
  /** A block of the system malloc in use; `room` bytes of the `size` are its user's. */
  block(block: Address, size: number, room: number): void;
  /** A block of the system malloc that is free. */
  free(block: Address, size: number): void;
  /** Memory that a heap of ours keeps its books in. */
  table(bytes: number): void;
  /** What the system malloc has for itself between its blocks. */
  overhead(bytes: number): void;
}

/** The most that a malloc has behind a row: dlmalloc's foot, or the heads that stand for the end of a segment. */
const MOST_BEHIND = 64;

/**
 * Shows a visitor all that is known of a memory. It reads no block's content, and ends in any memory.
 * Where the system malloc is
 * not known, only pools are shown.
 */
export function walkMemory(image: MemoryImage, visitor: Visitor): void {
  const roots = rootsOf(image);
  const pools = findPools(image, roots);
  const reader = new PoolReader(image, roots);
  const { arenas, tables } = ownMemory(image, roots);
  const waiting = waitingBlocks(image, roots);
  const { rows, walk, resume, head } = systemBlocks(image);
  let pool = 0;
  let arena = 0;
  let table = 0;
  const { from, to } = boundsOf(image);
  /** Where the last piece ends that was shown. */
  let last = from;

  /** Shows the pools that begin before an address, and do not reach beyond `end`. */
  function showPools(to: Address, end: Address, isArena: boolean): void {
    for (; pool < pools.length && (pools[pool] as number) < to; pool++) {
      if (!reader.read(pools[pool] as number)) continue;
      if (reader.start < last || reader.end > end) continue;
      last = reader.end;
      if (!isArena) visitor.arena(reader.end - reader.start);
      visitor.pool(reader);
    }
  }

  function showUsed(block: Address, size: number, record: Address): void {
    const room = size - head;
    const end = block + room;
    while (arena < arenas.length && (arenas[arena] as number) < block) arena++;
    while (table < tables.length && (tables[table] as number) < block) table++;
    if ((arenas[arena] as number) < end || (pools[pool] as number) < end) {
      visitor.arena(size);
      showPools(end, end, true);
    } else if ((tables[table] as number) < end) visitor.table(size);
    else if (block === record) visitor.overhead(size);
    else if (waiting.includes(block)) visitor.free(block, size);
    else visitor.block(block, size, room);
  }

  for (const row of rows) {
    let at = row.from;
    while (at < row.to) {
      // Where no row of blocks is there may be pools still.
      showPools(at, at, false);
      const stop = walk(at, row.to, (block, size, inUse) => {
        const begin = block - head;
        while ((pools[pool] as number) < begin) pool++;
        if (inUse) showUsed(block, size, row.record);
        else visitor.free(block, size);
        last = begin + size;
      });
      if (row.end - stop <= MOST_BEHIND) {
        visitor.overhead(row.end - stop);
        break;
      }
      at = resume(stop, row.to);
    }
  }
  showPools(to, to, false);
}
