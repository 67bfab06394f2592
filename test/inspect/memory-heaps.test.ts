/** Blocks and budgets of heaps that createHeap made: against a model of what is live. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { largeLayout } from "../../base/base.js";
import { LARGE_ROOT } from "../../hosts/hosts.js";
import { BlockKind, budgetOf, captureImage, findBlocks } from "../../inspect/memory/memory.js";
import { createHeap, type Heap, type MallocName } from "../../src/index.js";
import { assertAgree, assertSound, assertSums } from "../support/budgets.js";
import { classSize, foreignMalloc, numbers } from "../support/heaps.js";
import { constant, wasm } from "../support/wasm.js";

const modes: readonly MallocName[] = ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"];

const PAGE = 65536;

type Random = (bound: number) => number;

/** Allocates so many blocks of all three domains, mostly small ones, and frees half of them. @returns live ones, by address */
function useHeap(heap: Heap, count: number, random: Random): Map<number, number> {
  const domains = [heap.raw, heap.mem, heap.object] as const;
  const live = new Map<number, { size: number; domain: number }>();
  const free = (p: number) => {
    domains[live.get(p)?.domain as number]?.free(p);
    live.delete(p);
  };
  for (let n = 0; n < count; n++) {
    const size = random(10) === 0 ? random(5000) : random(200);
    const domain = random(3);
    const p = (domains[domain]?.malloc(size) as number) >>> 0;
    assert.notEqual(p, 0);
    live.set(p, { size, domain });
  }
  for (const p of [...live.keys()]) if (random(2) === 0) free(p);
  return new Map([...live].map(([p, { size }]) => [p, size]));
}

for (const malloc of modes) {
  test(`${malloc}: the blocks that are found are those of the model`, () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = numbers(seed);
      const heap = createHeap({ malloc, quarantineBytes: 100_000 });
      const empty = findBlocks(captureImage(heap));
      assert.equal(empty.count, 0, "what the heap has itself is no block");
      const live = useHeap(heap, 10_000, random);
      const { heldBytes = 0 } = heap.stats().debug ?? {};
      const { budget, blocks } = assertAgree(captureImage(heap), heldBytes);
      assert.deepEqual(
        [...blocks.starts],
        [...live.keys()].sort((a, b) => a - b),
      );
      const isDebug = malloc.endsWith("_debug");
      for (const [index, start] of blocks.starts.entries()) {
        const size = blocks.sizes[index] as number;
        const asked = live.get(start) as number;
        // In a debug mode what was asked for, else all that the block has.
        if (isDebug) assert.equal(size, asked);
        else assert.ok(size >= asked && size <= Math.max(asked, 1) + 63, `${size}, ${asked}`);
        if (!isDebug && blocks.kinds[index] === BlockKind.pool) {
          // A pool may serve the next smaller class as well.
          assert.ok(size === classSize(asked) || size === classSize(asked) + 8);
        }
      }
      assert.equal(budget.allocator, malloc);
      assert.equal(budget.parts.other, 0);
      const pools = blocks.kinds.filter((kind) => kind === BlockKind.pool).length;
      const { inPools } = heap.stats().blocks;
      if (isDebug) assert.ok(pools <= inPools);
      else assert.equal(pools, inPools);
    }
  });
}

test("a heap that frees everything has no blocks", () => {
  for (const malloc of modes) {
    const heap = createHeap({ malloc, quarantineBytes: 0 });
    const blocks = Array.from({ length: 3000 }, (_, n) => heap.object.malloc(n));
    for (const p of blocks) heap.object.free(p);
    const { budget } = assertAgree(captureImage(heap));
    assert.equal(budget.parts.pools.inUse + budget.parts.system.inUse, 0, malloc);
  }
});

test("a large block that waits for the next request is free", () => {
  const heap = createHeap({ malloc: "pymalloc" });
  const other = heap.mem.malloc(3000) >>> 0;
  heap.mem.free(heap.mem.malloc(1069));
  const { blocks } = assertAgree(captureImage(heap));
  assert.deepEqual([...blocks.starts], [other]);
});

test("an image is the memory itself, or a copy of it", () => {
  const heap = createHeap({ malloc: "pymalloc" });
  const [image, copy] = [captureImage(heap), captureImage(heap, { copy: true })];
  const p = heap.object.malloc(100) >>> 0;
  assert.equal(findBlocks(image).indexAt(p), 0);
  assert.equal(findBlocks(copy).indexAt(p), -1);
});

test("a guest's data is other's, and blocks behind it are found", () => {
  const heap = createHeap({ malloc: "pymalloc" });
  const first = heap.raw.malloc(100_000) >>> 0;
  assert.equal(assertAgree(captureImage(heap)).budget.parts.other, 0);
  heap.instantiate(
    wasm({ memory: [0, 17], data: [{ at: constant(16 * PAGE), bytes: [1, 2, 3] }] }),
  );
  const behind = heap.raw.malloc(2_000_000) >>> 0;
  const small = heap.object.malloc(40) >>> 0;
  assert.ok(behind >= 17 * PAGE);
  const { budget, blocks } = assertAgree(captureImage(heap));
  assert.deepEqual(
    [...blocks.starts],
    [first, behind, small].sort((a, b) => a - b),
  );
  assert.ok(budget.parts.other >= PAGE && budget.parts.other < 17 * PAGE);
});

for (const malloc of modes) {
  test(`${malloc}: in a memory of someone else's, what the heap knows is found`, () => {
    const memory = new WebAssembly.Memory({ initial: 16 });
    const heap = createHeap({ malloc, memory, system: foreignMalloc(memory, 1024) });
    const live = useHeap(heap, 2000, numbers(7));
    const { count, starts, sizes, kinds } = findBlocks(captureImage(heap));
    const budget = budgetOf(captureImage(heap));
    assertSums(budget, memory.buffer.byteLength);
    for (let block = 0; block < count; block++) {
      assert.ok(live.has(starts[block] as number));
      if (malloc.endsWith("_debug")) assert.equal(sizes[block], live.get(starts[block] as number));
      else assert.equal(kinds[block], BlockKind.pool);
    }
    // The debug mode knows them all, raw ones as well.
    if (malloc.endsWith("_debug")) assert.equal(count, live.size);
    else assert.equal(count, heap.stats().blocks.inPools);
    assert.match(budget.note, /malloc is not known/);
  });
}

test("where the malloc is none that is known, the budget says so, and the blocks of pools are found", () => {
  const heap = createHeap();
  const live = useHeap(heap, 2000, numbers(5));
  const image = captureImage(heap, { copy: true });
  assert.equal(budgetOf(image).note, "");
  image.u8[LARGE_ROOT + largeLayout.STATE_BITS] = 0;
  const budget = budgetOf(image);
  assertSums(budget, image.u8.length);
  assert.match(budget.note, /malloc is not known/);
  const { count, starts } = findBlocks(image);
  assert.equal(count, heap.stats().blocks.inPools);
  for (const start of starts.subarray(0, count)) assert.ok(live.has(start));
});

test("where the malloc's maps were written over, all other blocks are found", () => {
  const heap = createHeap({ malloc: "malloc" });
  const live = [...useHeap(heap, 2000, numbers(3)).keys()].sort((a, b) => a - b);
  const image = captureImage(heap, { copy: true });
  // Whatever is written into blocks, their lengths are elsewhere.
  for (const p of live) image.u32[p / 4] = 0xffffffff;
  assert.deepEqual([...findBlocks(image).starts], live);
  const starts = image.u32[(LARGE_ROOT + largeLayout.STATE_STARTS) / 4] as number;
  image.u32.fill(0xffffffff, starts / 4 + 8, starts / 4 + 12);
  const blocks = findBlocks(image);
  assertSound(blocks, image.u8.length);
  // A word of the map has the bits of 32 granules of 16 bytes.
  const [from, to] = [8 * 512, 12 * 512];
  const isOutside = (p: number) => p < from || p >= to;
  // What waits is in lists, which lead through the damaged part.
  const found = new Set(blocks.starts);
  assert.ok(live.filter(isOutside).every((p) => found.has(p)));
  assertSums(budgetOf(image), image.u8.length);
});

test("all blocks that wait are free, however many; a list of them that leads astray ends", () => {
  const heap = createHeap({ malloc: "malloc" });
  const blocks = Array.from({ length: 1000 }, (_, n) => heap.mem.malloc(n) >>> 0);
  for (const p of blocks.filter((_, n) => n % 2 === 0)) heap.mem.free(p);
  const live = blocks.filter((_, n) => n % 2 !== 0).sort((a, b) => a - b);
  const image = captureImage(heap, { copy: true });
  assert.deepEqual([...assertAgree(image).blocks.starts], live);
  const lists = LARGE_ROOT + largeLayout.WAITING;
  for (let list = lists; list <= lists + largeLayout.LONGEST_WAITING / 2; list += 8) {
    const first = image.u32[list / 4] as number;
    for (const wrong of [first, live[0] as number, 0xfffffff0, 3]) {
      if (first !== 0) image.u32[first / 4] = wrong;
      assertAgree(image);
    }
  }
});

test("the budget knows how long the memory may become", () => {
  const heap = createHeap({ malloc: "pymalloc", maximumBytes: 64 * PAGE });
  assert.equal(budgetOf(captureImage(heap)).maximum, 64 * PAGE);
});

test("types have their names", () => {
  const heap = createHeap({ malloc: "pymalloc" });
  const point = heap.defineType({ name: "Point", fields: { x: "f64" } });
  const node = heap.defineType({ name: "Knoten ✓", fields: { next: "u32" } });
  const { types } = captureImage(heap).marks;
  assert.deepEqual(types, { [point.address]: "Point", [node.address]: "Knoten ✓" });
});

test("what is no interpreter and no heap is refused", () => {
  for (const target of [undefined, 5, {}, { root: 4096 }]) {
    const look = () => captureImage(target as never);
    assert.throws(look, /^TypeError: captureImage: expected a/);
  }
  const heap = createHeap({ malloc: "pymalloc" });
  heap.u8.fill(0, heap.root, heap.root + 8192);
  assert.throws(() => captureImage(heap), /TypeError: captureImage: the heap's root/);
});
