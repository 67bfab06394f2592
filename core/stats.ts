/** Counting: a walk over every pool that changes nothing but the report in the root. */

import { arenaAt, books, firstPoolOf } from "./arenas";
import { root } from "./host";
import {
  POOL_SIZE,
  Pool,
  REPORT_ALL_POOLS,
  REPORT_FREE_POOLS,
  REPORT_POOLS,
  REPORT_USED,
  ROOT_SIZE,
} from "./layout";
import { usedIn } from "./pools";
import { classOf } from "./sizes";

function add(cell: usize, amount: u32): void {
  store<u32>(cell, load<u32>(cell) + amount);
}

/** Fills the report and returns the number of blocks in pools that are in use. */
export function stats(): u32 {
  memory.fill(root + REPORT_POOLS, 0, ROOT_SIZE - REPORT_POOLS);
  let blocks: u32 = 0;
  for (let slot: u32 = 0; slot < books().arenaSlots; slot++) {
    const arena = arenaAt(slot);
    if (arena.base === 0) continue;
    add(root + REPORT_ALL_POOLS, arena.poolCount);
    add(root + REPORT_FREE_POOLS, arena.freeCount);
    for (let p = firstPoolOf(arena.base); p < arena.fresh; p += POOL_SIZE) {
      const pool = changetype<Pool>(p);
      if (pool.size === 0) continue;
      const cell = root + classOf(pool.size) * sizeof<u32>();
      add(cell + REPORT_POOLS, 1);
      add(cell + REPORT_USED, usedIn(pool));
      blocks += usedIn(pool);
    }
  }
  return blocks;
}

/** Live blocks: those in pools and those that the raw domain serves for us. */
export function allocatedBlocks(): u32 {
  return stats() + books().rawBlocks;
}
