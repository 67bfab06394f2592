/** core/heap/pymalloc.ts and core/heap/sizes.ts: every size, through malloc, calloc, realloc and free. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertBalanced,
  assertFilled,
  classSize,
  fill,
  layout,
  pooledHeap,
} from "../support/heaps.js";

const THRESHOLD = 512;
const sizes = Array.from({ length: THRESHOLD + 1 }, (_, bytes) => bytes);

test("every size from 0 to 512 is served by a pool of its class, 8-aligned, and comes back", () => {
  const heap = pooledHeap();
  for (const bytes of sizes) {
    const p = heap.object.malloc(bytes);
    assert.ok(p > 0 && p % 8 === 0, `malloc(${bytes}) is ${p}`);
    assert.ok(heap.isPymallocAddress(p));
    const used = heap.stats().classes.filter((c) => c.blocksInUse > 0);
    assert.deepEqual(
      used.map((c) => [c.size, c.blocksInUse]),
      [[classSize(bytes), 1]],
      `malloc(${bytes})`,
    );
    heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

test("blocks of one size never overlap, and keep what is written into all of their bytes", () => {
  for (const bytes of sizes) {
    const heap = pooledHeap();
    const blocks = Array.from({ length: 40 }, () => heap.object.malloc(bytes));
    for (const [seed, p] of blocks.entries()) fill(heap, p, bytes, seed);
    for (const [seed, p] of blocks.entries()) assertFilled(heap, p, bytes, seed);
    const sorted = [...blocks].sort((a, b) => a - b);
    for (const [index, p] of sorted.entries()) {
      const next = sorted[index + 1] ?? Number.POSITIVE_INFINITY;
      assert.ok(next - p >= classSize(bytes), `two blocks of ${bytes} bytes overlap`);
    }
    assertBalanced(heap, 40);
  }
});

test("the default threshold and classes are CPython's for 32 bits", () => {
  assert.equal(layout.SMALL_REQUEST_THRESHOLD, 512);
  assert.equal(layout.SIZE_CLASSES, 64);
  assert.equal(layout.ALIGNMENT, 8);
});

test("larger requests go to the raw domain and are counted", () => {
  const heap = pooledHeap();
  for (const bytes of [513, 514, 1000, 4096, 70_000, 1_000_000]) {
    const p = heap.object.malloc(bytes);
    assert.ok(p > 0 && !heap.isPymallocAddress(p));
    fill(heap, p, bytes, bytes);
    assertFilled(heap, p, bytes, bytes);
    assert.equal(heap.stats().blocks.raw, 1);
    assertBalanced(heap, 1);
    heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

test("requests of 0 bytes give unique blocks, in every domain and by every function", () => {
  const heap = pooledHeap();
  for (const domain of [heap.raw, heap.mem, heap.object]) {
    const blocks = [
      domain.malloc(0),
      domain.malloc(0),
      domain.calloc(0, 8),
      domain.calloc(8, 0),
      domain.realloc(0, 0),
    ];
    assert.ok(blocks.every((p) => p > 0));
    assert.equal(new Set(blocks).size, blocks.length);
    for (const p of blocks) domain.free(p);
  }
  assertBalanced(heap, 0);
});

test("sizes over 0x7fffffff and products that overflow give 0, and change nothing", () => {
  const heap = pooledHeap();
  for (const domain of [heap.raw, heap.mem, heap.object]) {
    const p = domain.malloc(24);
    fill(heap, p, 24, 5);
    for (const bytes of [0x80000000, 0xfffffff8, 0xffffffff, -1]) {
      assert.equal(domain.malloc(bytes), 0);
      assert.equal(domain.realloc(p, bytes), 0);
      assert.equal(domain.calloc(bytes, 1), 0);
      assert.equal(domain.calloc(1, bytes), 0);
    }
    for (const [count, size] of [
      [0x10000, 0x10000],
      [0x10001, 0x8000],
      [0xffffffff, 0xffffffff],
      [0x40000000, 2],
    ] as const) {
      assert.equal(domain.calloc(count, size), 0, `calloc(${count}, ${size})`);
    }
    assertFilled(heap, p, 24, 5);
    domain.free(p);
  }
  assertBalanced(heap, 0);
});

test("calloc clears every size, also where the block was used before", () => {
  const heap = pooledHeap();
  for (const bytes of [...sizes, 513, 5000]) {
    const used = heap.object.malloc(bytes);
    heap.u8.fill(0xee, used, used + classSize(bytes));
    heap.object.free(used);
    const p = heap.object.calloc(1, bytes);
    assert.ok(
      heap.u8.subarray(p, p + bytes).every((byte) => byte === 0),
      `calloc(1, ${bytes})`,
    );
    heap.object.free(p);
  }
  const p = heap.object.calloc(7, 11);
  assert.ok(heap.u8.subarray(p, p + 77).every((byte) => byte === 0));
  heap.object.free(p);
  assertBalanced(heap, 0);
});

test("realloc from every size to every size keeps the content up to the smaller one", () => {
  const heap = pooledHeap();
  const steps = [...sizes.filter((bytes) => bytes % 7 === 0 || bytes % 8 < 2), 513, 520, 700, 3000];
  for (const from of steps) {
    for (const to of steps) {
      const p = heap.object.malloc(from);
      fill(heap, p, from, from);
      const q = heap.object.realloc(p, to);
      assertFilled(heap, q, Math.min(from, to), from);
      heap.object.free(q);
    }
  }
  assertBalanced(heap, 0);
});

test("realloc stays within the class, and on shrinking moves only when 4 n <= 3 size", () => {
  const heap = pooledHeap();
  for (const from of sizes.slice(1)) {
    const size = classSize(from);
    for (const to of sizes) {
      const p = heap.object.malloc(from);
      const q = heap.object.realloc(p, to);
      const stays = classSize(to) === size || (to <= size && 4 * to > 3 * size);
      assert.equal(q === p, stays, `realloc of ${from} to ${to} bytes`);
      heap.object.free(q);
    }
  }
  assertBalanced(heap, 0);
});

test("realloc(p, 0) leaves a live block of the smallest kind, realloc(0, n) is malloc(n)", () => {
  const heap = pooledHeap();
  const p = heap.object.realloc(0, 100);
  assertBalanced(heap, 1);
  const q = heap.object.realloc(p, 0);
  assert.ok(q !== 0);
  assertBalanced(heap, 1);
  assert.equal(heap.stats().classes[0]?.blocksInUse, 1);
  heap.object.free(q);
  assertBalanced(heap, 0);
});

test("a block of the system malloc may be handed to realloc and free", () => {
  const heap = pooledHeap();
  const p = heap.raw.malloc(40);
  fill(heap, p, 40, 9);
  const before = heap.getAllocatedBlocks();
  const q = heap.object.realloc(p, 2000);
  assertFilled(heap, q, 40, 9);
  assert.equal(heap.getAllocatedBlocks(), before, "realloc makes no new block of it");
  assert.ok(!heap.isPymallocAddress(heap.object.realloc(q, 100)), "it stays with the system");
});

test("free(0) does nothing", () => {
  const heap = pooledHeap();
  for (const domain of [heap.raw, heap.mem, heap.object]) domain.free(0);
  assertBalanced(heap, 0);
});
