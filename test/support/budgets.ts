/** What every test asks of blocks and budgets. */
import assert from "node:assert/strict";
import {
  BlockKind,
  type Blocks,
  type Budget,
  budgetOf,
  findBlocks,
  type MemoryImage,
} from "../../inspect/memory/memory.js";

/** All numbers in a part of a budget, at whatever depth. */
export function leaves(part: unknown): number[] {
  return typeof part === "number" ? [part] : Object.values(part as object).flatMap(leaves);
}

/** The parts sum to the memory, and none is below 0. */
export function assertSums(budget: Budget, bytes: number): void {
  const all = leaves(budget.parts);
  assert.ok(
    all.every((part) => Number.isInteger(part) && part >= 0),
    JSON.stringify(budget),
  );
  assert.equal(
    all.reduce((sum, part) => sum + part, 0),
    budget.total,
    JSON.stringify(budget),
  );
  assert.equal(budget.total, bytes);
  assert.ok(budget.largestFree <= budget.available, JSON.stringify(budget));
}

/** Blocks come by rising addresses, lie in the memory, do not overlap, and are found by each of their addresses. */
export function assertSound({ count, starts, sizes, indexAt }: Blocks, bytes: number): void {
  for (const array of [starts, sizes]) assert.equal(array.length, count);
  let end = 0;
  for (let block = 0; block < count; block++) {
    const start = starts[block] as number;
    const size = sizes[block] as number;
    assert.ok(start >= end, `block ${block} at ${start} begins before ${end}`);
    end = start + size;
    assert.ok(end <= bytes, `block ${block} ends at ${end} of ${bytes}`);
    if (block % 16 !== 0) continue;
    assert.equal(indexAt(start), block);
    if (size > 1) assert.equal(indexAt(end - 1), block);
  }
}

/** How many bytes blocks of a kind take. */
export function takenBy({ kinds, taken }: Blocks, kind: number): number {
  return taken.reduce((sum, bytes, block) => (kinds[block] === kind ? sum + bytes : sum), 0);
}

/**
 * The budget and the blocks of a memory, which are found by two ways, the one by what is free and the other by what is not: they say
 * the same. @param held bytes that a debug mode holds back, which are no block's
 */
export function assertAgree(image: MemoryImage, held = 0): { budget: Budget; blocks: Blocks } {
  const budget = budgetOf(image);
  const blocks = findBlocks(image);
  assertSums(budget, image.u8.length);
  assertSound(blocks, image.u8.length);
  const { pools, system } = budget.parts;
  const inUse = takenBy(blocks, BlockKind.pool) + takenBy(blocks, BlockKind.system);
  const difference = pools.inUse + system.inUse - inUse;
  // Of what is held back, the allocators' blocks are longer.
  assert.ok(difference >= held && difference <= 2 * held, `${difference} of ${held}`);
  return { budget, blocks };
}
