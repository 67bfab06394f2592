/** core/arenas.ts and core/pools.ts: where memory comes from, and that it goes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertBalanced, layout, numbers, pooledHeap } from "./support/heaps.js";

const { ARENA_SIZE, ARENA_REQUEST, POOL_SIZE, POOL_HEADER, POOL_END } = layout;

function capacity(size: number): number {
  return Math.floor((POOL_END - POOL_HEADER) / size);
}

test("a pool is filled to its last block before the next one is taken", () => {
  const heap = pooledHeap();
  for (let size = 8; size <= 512; size += 8) {
    const blocks = Array.from({ length: capacity(size) }, () => heap.object.malloc(size));
    const pools = new Set(blocks.map((p) => Math.floor(p / POOL_SIZE)));
    assert.equal(pools.size, 1, `${blocks.length} blocks of ${size} bytes`);
    const next = heap.object.malloc(size);
    assert.ok(!pools.has(Math.floor(next / POOL_SIZE)));
    assertBalanced(heap, blocks.length + 1);
    for (const p of [...blocks, next]) heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

test("a block that a full pool gets back is the next one of its class, also for a request of 0 bytes", () => {
  const heap = pooledHeap();
  const blocks = Array.from({ length: 3 * capacity(8) }, () => heap.object.malloc(8));
  for (const at of [0, capacity(8), 5, 2 * capacity(8) + 1]) {
    const p = blocks[at] as number;
    heap.object.free(p);
    heap.validate();
    assert.equal(heap.object.malloc(at === 5 ? 0 : 7), p);
    heap.validate();
  }
  // Two full pools in a row, and one of them twice: all three blocks are found again.
  const freed = [1, capacity(8) + 1, 2].map((at) => blocks[at] as number);
  for (const p of freed) heap.object.free(p);
  heap.validate();
  assert.deepEqual(new Set(freed.map(() => heap.object.malloc(0))), new Set(freed));
  assertBalanced(heap, blocks.length);
});

test("a freed block is the next one that its class hands out", () => {
  const heap = pooledHeap();
  for (const bytes of [1, 8, 30, 64, 200, 512]) {
    const blocks = Array.from({ length: 500 }, () => heap.object.malloc(bytes));
    const p = blocks[77] as number;
    heap.object.free(p);
    assert.equal(heap.object.malloc(bytes), p);
    for (const block of blocks) heap.object.free(block);
  }
  assertBalanced(heap, 0);
});

test("arenas are given back when they are empty, and no address in them is ours any more", () => {
  const heap = pooledHeap();
  const blocks = Array.from({ length: 20_000 }, (_, i) => heap.object.malloc(8 + ((i * 40) % 500)));
  const { current, highwater } = heap.stats().arenas;
  assert.ok(current > 100 && highwater === current);
  for (const p of blocks) heap.object.free(p);
  assertBalanced(heap, 0);
  const { arenas } = heap.stats();
  assert.ok(arenas.current <= 1, `${arenas.current} arenas are left`);
  assert.equal(arenas.highwater, highwater);
  assert.equal(arenas.reclaimed, arenas.allocatedTotal - arenas.current);
  const ours = new Set(
    blocks.filter((p) => heap.isPymallocAddress(p)).map((p) => p - (p % POOL_SIZE)),
  );
  assert.ok(ours.size <= ARENA_SIZE / POOL_SIZE, "what is left fits one arena");
  // The addresses serve again.
  const again = Array.from({ length: 20_000 }, (_, i) => heap.object.malloc(8 + ((i * 40) % 500)));
  assert.ok(heap.stats().arenas.highwater <= highwater + 1);
  for (const p of again) heap.object.free(p);
  assertBalanced(heap, 0);
});

test("memory that all size classes used comes back, in whatever order blocks are freed", () => {
  const next = numbers(4);
  for (let round = 0; round < 5; round++) {
    const heap = pooledHeap();
    const blocks = Array.from({ length: 30_000 }, () => heap.object.malloc(1 + next(512)));
    while (blocks.length > 0) {
      const [p] = blocks.splice(next(blocks.length), 1, blocks[blocks.length - 1] as number);
      blocks.pop();
      heap.object.free(p as number);
    }
    assertBalanced(heap, 0);
    // One pinned pool a class, at worst all in arenas that half-full ones keep: 64 pools.
    const { current } = heap.stats().arenas;
    assert.ok(current * ARENA_SIZE <= 2 * 64 * POOL_SIZE, `${current} arenas are left`);
  }
});

test("pools are taken from the fullest usable arena", () => {
  const heap = pooledHeap();
  const perPool = capacity(512);
  const pools = Array.from({ length: (12 * ARENA_SIZE) / POOL_SIZE }, () =>
    Array.from({ length: perPool }, () => heap.object.malloc(512)),
  );
  const arenaOf = (pool: readonly number[]) =>
    pools.findIndex((other) => Math.abs((other[0] as number) - (pool[0] as number)) < ARENA_SIZE);
  // The first arena gets one free pool, the fifth gets two.
  const perArena = ARENA_SIZE / POOL_SIZE;
  for (const index of [0, 4 * perArena, 4 * perArena + 1]) {
    for (const p of pools[index] as number[]) heap.object.free(p);
  }
  const p = heap.object.malloc(504);
  assert.equal(arenaOf([p]), 0, "the arena with one free pool is used before the one with two");
  heap.validate();
});

test("isPymallocAddress tells pools from everything else, for every kind of number", () => {
  const heap = pooledHeap();
  const p = heap.object.malloc(100);
  const raw = heap.raw.malloc(100_000);
  for (let q = p - (p % POOL_SIZE); q < p - (p % POOL_SIZE) + POOL_SIZE; q += 5) {
    assert.ok(heap.isPymallocAddress(q));
  }
  const others = [0, 1, 8, raw, raw + 50_000, heap.root, heap.memory.buffer.byteLength];
  for (const q of [...others, 0xcdcdcdcd, 0xfdfdfdfd, 0xdddddddd, 0xffffffff, 0x7fffffff]) {
    assert.equal(heap.isPymallocAddress(q), false, `${q}`);
  }
});

test("arenas of a heap that owns its memory start at a pool boundary and lose nothing", () => {
  const heap = pooledHeap();
  const next = numbers(9);
  const large: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    heap.object.malloc(1 + next(300));
    if (i % 50 === 0) large.push(heap.object.malloc(600 + next(9000)));
  }
  const { arenaAlignment, total } = heap.stats().bytes;
  assert.ok(arenaAlignment <= total / 100, `${arenaAlignment} of ${total} bytes are lost`);
});

test("arenas at any address serve, and an unaligned one loses exactly one pool", () => {
  for (const shift of [0, 8, 16, 2048, 4088]) {
    const heap = pooledHeap({ initialBytes: 1 << 22 });
    // Arenas from a row in one large block, each as far from a pool boundary as asked for.
    const row = heap.raw.malloc(1 << 20);
    let at = row + POOL_SIZE - (row % POOL_SIZE) + shift;
    heap.PyObject_SetArenaAllocator({
      ctx: null,
      alloc(_ctx, bytes) {
        assert.equal(bytes, ARENA_REQUEST);
        const p = at;
        at += ARENA_SIZE;
        return p;
      },
      free() {},
    });
    const blocks = Array.from({ length: 3000 }, (_, i) => heap.object.malloc(1 + (i % 200)));
    assertBalanced(heap, 3000);
    const { arenas, bytes } = heap.stats();
    const lost = shift === 0 ? 0 : POOL_SIZE;
    assert.equal(bytes.arenaAlignment, arenas.current * lost, `shift ${shift}`);
    for (const p of blocks) heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

test("an arena may lie across two leaves of the map", () => {
  const leaf = 2 ** layout.LEAF_BITS;
  const heap = pooledHeap({ initialBytes: 2 * leaf });
  const row = heap.raw.malloc(2 * leaf - (1 << 20));
  assert.ok(row < leaf);
  const places = [leaf - 2 * POOL_SIZE, leaf + ARENA_SIZE, leaf - 4 * ARENA_SIZE - 8];
  heap.PyObject_SetArenaAllocator({ ctx: null, alloc: () => places.shift() ?? 0, free() {} });
  const blocks = Array.from({ length: 7 * 7 }, () => heap.object.malloc(512));
  assert.ok(blocks.some((p) => p < leaf) && blocks.some((p) => p > leaf));
  assertBalanced(heap, blocks.length);
  for (const p of blocks) {
    assert.ok(heap.isPymallocAddress(p));
    heap.object.free(p);
  }
  assertBalanced(heap, 0);
});

test("an emptied pool is kept at hand only where it keeps no arena", () => {
  const heap = pooledHeap();
  const p = heap.object.malloc(48);
  heap.object.free(p);
  const { allocatedTotal } = heap.stats().arenas;
  for (let i = 0; i < 1000; i++) {
    const q = heap.object.malloc(48);
    assert.equal(q, p);
    heap.object.free(q);
  }
  assert.equal(heap.stats().arenas.allocatedTotal, allocatedTotal);
  assertBalanced(heap, 0);
});

test("while the host holds arenas off, small requests go to the raw domain, and only those without a pool", () => {
  const heap = pooledHeap();
  const pooled = heap.object.malloc(48);
  heap.u32[(heap.root + layout.HOLD_OFF) / 4] = 3;
  const others = Array.from({ length: 5 }, () => heap.object.malloc(300));
  assert.deepEqual(
    others.map((p) => heap.isPymallocAddress(p)),
    // The arena of the first pool has free ones.
    [true, true, true, true, true],
  );
  const sizes = [100, 108, 116, 124, 132, 140];
  const held = sizes.map((bytes) => heap.object.malloc(bytes));
  assert.equal(held.filter((p) => !heap.isPymallocAddress(p)).length, 3);
  assertBalanced(heap, 1 + others.length + held.length);
  for (const p of [pooled, ...others, ...held]) heap.object.free(p);
  assertBalanced(heap, 0);
});
