/** The walk over a memory: all pools and all blocks of the system malloc that are in use. */
import type { Address } from "../../base/base.js";
import type { Row } from "../../hosts/hosts.js";
import type { MemoryImage } from "./image.js";
import { ownMemory, rootsOf, waitingBlocks } from "./own.js";
import { findPools, PoolReader } from "./pools.js";
import { boundsOf, type SystemMalloc, systemMalloc } from "./system.js";

/** What the walk shows, by rising addresses and without overlap. */
export interface Visitor {
  /** A pool, whose numbers are in the reader now. */
  pool(reader: PoolReader): void;
  /** A block of the system malloc that a user has: `size` bytes with its head, `room` of them its user's. */
  block(block: Address, size: number, room: number): void;
}

/** Shows a visitor what is in use. It ends in any memory; behind a damaged piece it goes on where blocks agree with each other. */
export function walkMemory(image: MemoryImage, visitor: Visitor): void {
  const roots = rootsOf(image);
  const pools = findPools(image, roots);
  const reader = new PoolReader(image, roots);
  const { arenas, tables } = ownMemory(image, roots);
  const waiting = waitingBlocks(image, roots);
  const { from, to } = boundsOf(image);
  let pool = 0;
  let arena = 0;
  let table = 0;
  /** Where the last piece ends that was shown. */
  let last = from;

  /** Shows the pools that begin before an address and have no block beyond it. */
  function showPools(end: Address): void {
    for (; (pools[pool] as number) < end; pool++) {
      if (!reader.read(pools[pool] as number)) continue;
      if (reader.start < last || reader.end > end) continue;
      last = reader.end;
      visitor.pool(reader);
    }
  }

  function show(block: Address, room: number, size: number): void {
    const end = block + room;
    while ((arenas[arena] as number) < block) arena++;
    while ((tables[table] as number) < block) table++;
    if ((arenas[arena] as number) < end || (pools[pool] as number) < end) showPools(end);
    else if ((tables[table] as number) < end || waiting.includes(block)) return;
    else visitor.block(block, size, room);
  }

  function showRow(system: SystemMalloc, row: Row): void {
    for (let at = row.from; at < row.to; ) {
      // Where blocks are damaged there may be pools still.
      showPools(at);
      const stop = system.walk(at, row.to, (block, size, inUse) => {
        // A pool in what is free is none.
        while ((pools[pool] as number) < block) pool++;
        const room = size - system.head;
        if (inUse) show(block, room, size);
        last = block + room;
      });
      if (stop >= row.to) break;
      at = system.resume(stop, row.to);
    }
  }

  const system = systemMalloc(image);
  if (system !== undefined) for (const row of system.rows) showRow(system, row);
  showPools(to);
}
