/** All state is in linear memory, reached from the root. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bumpModule, instantiate } from "../../base/base.js";
import { givenHost } from "../../hosts/foreign.js";
import type { Domain } from "../../src/index.js";
import {
  assertBalanced,
  assertFilled,
  fill,
  foreignMalloc,
  layout,
  numbers,
  pooledHeap,
} from "../support/heaps.js";

test("a copy of the memory is a copy of the heap, and both go on by themselves", () => {
  const heap = pooledHeap();
  const next = numbers(3);
  const blocks = Array.from({ length: 5000 }, (_, seed) => {
    const bytes = seed % 40 === 0 ? 600 + next(9000) : next(300);
    const p = heap.object.malloc(bytes);
    fill(heap, p, bytes, seed);
    return { p, bytes, seed };
  });
  for (let i = 0; i < blocks.length; i += 3) heap.object.free(blocks[i]?.p as number);
  const live = blocks.filter((_, i) => i % 3 !== 0);

  const copy = pooledHeap({ from: heap.snapshot() });
  assert.deepEqual(copy.stats(), heap.stats());
  for (const one of [copy, heap]) {
    const more = Array.from({ length: 3000 }, () => one.object.malloc(1 + next(2000)));
    for (const { p, bytes, seed } of live) assertFilled(one, p, bytes, seed);
    assertBalanced(one, live.length + more.length);
    for (const p of [...more, ...live.map((block) => block.p)]) one.object.free(p);
    assertBalanced(one, 0);
  }
});

test("a copy is taken at any moment, the first one included", () => {
  const heap = pooledHeap();
  for (let step = 0; step < 40; step++) {
    const copy = pooledHeap({ from: heap.snapshot() });
    assertBalanced(copy, step);
    const p = copy.object.malloc(5000);
    assertBalanced(copy, step + 1);
    copy.object.free(p);
    heap.object.malloc(step * 97);
  }
});

test("two heaps in one process know nothing of each other", () => {
  const [one, other] = [pooledHeap(), pooledHeap({ maximumBytes: 1 << 20 })];
  const blocks = Array.from({ length: 2000 }, (_, seed) => {
    const p = one.object.malloc(seed % 300);
    fill(one, p, seed % 300, seed);
    return p;
  });
  assertBalanced(other, 0);
  while (other.object.malloc(64) !== 0);
  for (const [seed, p] of blocks.entries()) assertFilled(one, p, seed % 300, seed);
  assertBalanced(one, 2000);
  assert.notEqual(one.memory, other.memory);
});

test("a heap in someone else's memory takes everything from their malloc, and gives it back", () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const system = foreignMalloc(memory, 1024);
  const theirs = system.malloc(1000);
  new Uint8Array(memory.buffer).fill(0x77, theirs, theirs + 1000);
  const heap = pooledHeap({ memory, system });
  assert.equal(heap.memory, memory);
  const next = numbers(5);
  const blocks = Array.from({ length: 4000 }, () => heap.object.malloc(1 + next(900)));
  assertBalanced(heap, 4000);
  for (const p of blocks) heap.object.free(p);
  assertBalanced(heap, 0);
  const bytes = new Uint8Array(memory.buffer, theirs, 1000);
  assert.ok(
    bytes.every((byte) => byte === 0x77),
    "their block is untouched",
  );
  // A large block may wait for the next request: one for more gives it back first.
  heap.object.free(heap.object.malloc(4000));
  // Left are their block, the root, the table of arenas, the map of slices, and one arena at most.
  assert.ok(heap.stats().arenas.current <= layout.LONGEST_ARENA / layout.UNIT_SIZE);
  assert.equal(system.live.size, 4 + (heap.stats().arenas.current > 0 ? 1 : 0));
});

test("a malloc that is WebAssembly's is called without a way through JavaScript", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bump = instantiate(bumpModule, { env: { memory }, bump: { start: 1024, span: 0 } });
  const exports = bump as unknown as Domain;
  const { malloc, calloc, realloc, free } = givenHost(memory, { ...exports }).system;
  assert.deepEqual(
    [malloc, calloc, realloc, free],
    [exports.malloc, exports.calloc, exports.realloc, exports.free],
  );
  const mine = { ...exports, free() {} };
  assert.notEqual(givenHost(memory, mine).system.free, mine.free);
  assert.equal(givenHost(memory, mine).system.malloc, exports.malloc);
});

test("a second heap object over the same root is the same heap", () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const system = foreignMalloc(memory, 1024);
  const one = pooledHeap({ memory, system });
  const p = one.object.malloc(100);
  fill(one, p, 100, 3);
  const other = pooledHeap({ memory, system, root: one.root });
  assertBalanced(other, 1);
  const q = other.object.malloc(100);
  assert.notEqual(q, p);
  other.object.free(p);
  one.object.free(q);
  assertBalanced(one, 0);
  assertBalanced(other, 0);
});

test("views are valid after growth, whoever grew the memory", () => {
  const heap = pooledHeap();
  const p = heap.object.malloc(64);
  heap.f64[p / 8] = 1.5;
  const before = heap.memory.buffer.byteLength;
  heap.raw.malloc(1 << 22);
  assert.ok(heap.memory.buffer.byteLength > before);
  heap.memory.grow(1);
  assert.equal(heap.f64[p / 8], 1.5);
  const { length } = heap.u8;
  assert.equal(length, heap.memory.buffer.byteLength);
  const views = [heap.i8, heap.u16, heap.i16, heap.u32, heap.i32, heap.f32, heap.f64];
  for (const view of views) assert.equal(view.byteLength, length);
});
