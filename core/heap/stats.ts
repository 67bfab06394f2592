/** Counting: a walk over every pool that changes nothing but the report in the root. */

import {
  Pool,
  REPORT_ALL_SLICES,
  REPORT_BLOCKS,
  REPORT_FREE_SLICES,
  REPORT_POOLS,
  REPORT_USED,
  ROOT_SIZE,
  Spare,
} from "../layout";
import {
  arenaAt,
  books,
  firstSpare,
  freeCountOf,
  sliceAt,
  sliceCountOf,
  sliceCountOfSpare,
  slicesOf,
} from "./arenas";
import { root } from "./heap-host";
import { firstBlockOf, usedIn } from "./pools";
import { capacityOf, classOf } from "./sizes";

/** Adds to a count of the report. */
export function add(cell: usize, amount: u32): void {
  store<u32>(cell, load<u32>(cell) + amount);
}

/** Fills the report and returns the number of blocks in pools that are in use. */
export function stats(): u32 {
  memory.fill(root + REPORT_POOLS, 0, ROOT_SIZE - REPORT_POOLS);
  let blocks: u32 = 0;
  for (let slot: u32 = 0; slot < books().arenaSlots; slot++) {
    const arena = arenaAt(slot);
    if (arena.base === 0) continue;
    add(root + REPORT_ALL_SLICES, sliceCountOf(arena));
    add(root + REPORT_FREE_SLICES, freeCountOf(arena));
    for (let slice: u32 = 0; slice < sliceCountOf(arena); ) {
      if (((arena.free >>> slice) & 1) !== 0) {
        slice++;
        continue;
      }
      const pool = changetype<Pool>(sliceAt(arena, slice));
      const cell = root + classOf(pool.size) * sizeof<u32>();
      add(cell + REPORT_POOLS, 1);
      add(cell + REPORT_BLOCKS, <u32>capacityOf(pool.size, firstBlockOf(pool.size), pool.end));
      add(cell + REPORT_USED, usedIn(pool));
      blocks += usedIn(pool);
      slice += slicesOf(pool);
    }
  }
  for (
    let spare = firstSpare();
    changetype<usize>(spare) !== 0;
    spare = changetype<Spare>(spare.next)
  ) {
    add(root + REPORT_ALL_SLICES, sliceCountOfSpare(spare));
    add(root + REPORT_FREE_SLICES, sliceCountOfSpare(spare));
  }
  return blocks;
}

/** Live blocks: those in pools and those that the raw domain serves for us. */
export function allocatedBlocks(): u32 {
  return stats() + books().rawBlocks;
}
