/** core/heap/arenas.ts and core/heap/pools.ts: where memory comes from, and that it goes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertBalanced,
  capacityOf,
  firstBlockOf,
  foreignHeap,
  layout,
  numbers,
  pooledHeap,
  poolOf,
} from "../support/heaps.js";

const { UNIT_SIZE, ARENA_REQUEST, LONGEST_ARENA, SLICE_SIZE } = layout;

test("a pool is filled to its last block before the next one is taken", () => {
  const heap = pooledHeap();
  for (let size = 8; size <= 512; size += 8) {
    const first = heap.object.malloc(size);
    const pool = poolOf(heap, first);
    const capacity = capacityOf(heap, pool);
    assert.ok(capacity >= layout.LEAST_BLOCKS);
    const blocks = Array.from({ length: capacity - 1 }, () => heap.object.malloc(size));
    assert.ok(blocks.every((p) => poolOf(heap, p) === pool));
    const next = heap.object.malloc(size);
    assert.notEqual(poolOf(heap, next), pool);
    assertBalanced(heap, capacity + 1);
    for (const p of [first, ...blocks, next]) heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

/** The lengths of a class's pools, in slices, in the order in which they came. */
function lengthsOfPools(size: number, count: number): number[] {
  const heap = pooledHeap();
  const lengths: number[] = [];
  for (let before = 0, i = 0; i < count; i++) {
    const pool = poolOf(heap, heap.object.malloc(size));
    // A few are held off, to fill holes that are too short for pools.
    if (pool === before || pool === 0) continue;
    before = pool;
    const end = heap.u16[pool / 2 + 11] as number;
    lengths.push(Math.ceil(end / SLICE_SIZE));
  }
  return lengths;
}

test("the first pools of a class are short, and the more it has the longer they get", () => {
  // A thirty-second of what is there, or what was free in a row: 32 bytes leave little unused in any length.
  let all = 0;
  const lengths = lengthsOfPools(32, 40_000);
  for (const length of lengths) {
    assert.ok(length <= Math.max(1, all >>> layout.GROWTH_BITS), `${length} after ${all}`);
    all += length;
  }
  assert.equal(Math.max(...lengths), layout.ARENA_SLICES);
});

test("a pool is longer where that leaves less of it unused, up to what its class has", () => {
  const heap = pooledHeap();
  const unused = (slices: number, size: number) =>
    (slices * SLICE_SIZE - firstBlockOf(heap, size)) % size;
  for (const size of [48, 200, 352, 496]) {
    let all = 0;
    for (const length of lengthsOfPools(size, 300)) {
      const two = firstBlockOf(heap, size) + 2 * size + layout.ARENA_RESERVE;
      const shortest = Math.ceil(two / SLICE_SIZE);
      const least = Math.max(shortest, all >>> layout.GROWTH_BITS);
      const most = Math.max(shortest, Math.min(all, layout.ARENA_SLICES));
      // Any longer one was not better, or there was no room for it.
      const shorter = Array.from({ length: length - least }, (_, i) => least + i);
      assert.ok(length <= most, `${length} slices for ${size}, after ${all}`);
      assert.ok(
        shorter.every(
          (slices) => unused(slices, size) > (slices * SLICE_SIZE) / (1 << layout.TAIL_BITS),
        ),
      );
      all += length;
    }
    assert.ok(all > 10);
  }
});

test("a class uses what the next larger one got back before the memory grows", () => {
  const heap = pooledHeap();
  const larger = Array.from({ length: 4000 }, () => heap.object.malloc(48));
  const smaller = Array.from({ length: 4000 }, () => heap.object.malloc(40));
  const before = heap.stats();
  for (let i = 0; i < larger.length; i += 4) heap.object.free(larger[i] as number);
  const lent = Array.from({ length: 1000 }, () => heap.object.malloc(33));
  assert.ok(heap.stats().arenas.current <= before.arenas.current + 8, "at most an arena more");
  const sizes = lent.map((p) => heap.u16[(poolOf(heap, p) + layout.POOL_BLOCK_SIZE) / 2]);
  const share = sizes.filter((size) => size === 48).length / sizes.length;
  assert.ok(share > 0.5, `${share} are in pools of 48 bytes`);
  heap.validate();
  // They are blocks of 48 bytes: they may grow to that, and go back there.
  const p = lent[sizes.indexOf(48)] as number;
  assert.equal(heap.object.realloc(p, 48), p);
  // Pools that were lent may become empty, and are then nobody's.
  for (const q of [...lent, ...larger.filter((_, i) => i % 4 !== 0)]) heap.object.free(q);
  heap.validate();
  assertBalanced(heap, smaller.length);
  const again = Array.from({ length: 1000 }, () => heap.object.malloc(40));
  heap.validate();
  for (const q of [...smaller, ...again]) heap.object.free(q);
  assertBalanced(heap, 0);
});

test("in a pool that was lent a block stays when it is resized within the class that it was asked for", () => {
  for (const size of [16, 24, 32, 40, 48, 56]) {
    const heap = foreignHeap();
    const smaller = size - 8;
    const larger = Array.from({ length: 2000 }, () => heap.object.malloc(size));
    Array.from({ length: 2000 }, () => heap.object.malloc(smaller));
    for (let i = 0; i < larger.length; i += 3) heap.object.free(larger[i] as number);
    const sizeAt = (p: number) => heap.u16[(poolOf(heap, p) + layout.POOL_BLOCK_SIZE) / 2];
    const blocks = Array.from({ length: 4000 }, () => heap.object.malloc(smaller));
    const lent = blocks.filter((p) => sizeAt(p) === size);
    assert.ok(lent.length > 300, `${lent.length} of ${size} bytes`);
    for (const p of lent) {
      for (let bytes = smaller - 7; bytes <= size; bytes++) {
        assert.equal(heap.object.realloc(p, bytes), p, `${bytes} bytes in a block of ${size}`);
      }
      if (smaller > 8) assert.notEqual(heap.object.realloc(p, smaller - 8), p);
    }
    heap.validate();
  }
});

test("in a heap that guests may live in, no block of a multiple of 16 bytes lies elsewhere than at one", () => {
  const shares: number[] = [];
  for (const heap of [pooledHeap(), foreignHeap()]) {
    const random = numbers(16);
    const live: number[] = [];
    let [all, aligned] = [0, 0];
    for (let i = 0; i < 20_000; i++) {
      const bytes = 16 * (1 + random(40)) - random(16);
      const domain = heap[random(2) === 0 ? "object" : "mem"];
      let p = random(5) === 0 ? domain.calloc(bytes, 1) : domain.malloc(bytes);
      // Also what is lent by a larger class, and what has come from one.
      if (random(5) === 0) p = heap.object.realloc(p, bytes);
      if (Math.ceil(bytes / 8) % 2 === 0) {
        all++;
        aligned += p % 16 === 0 ? 1 : 0;
      }
      live.push(p);
      while (live.length > 3000 * (1 + (i >> 12))) {
        const at = random(live.length);
        heap.object.free(live[at] as number);
        live.splice(at, 1);
      }
    }
    assertBalanced(heap, live.length);
    shares.push(aligned / all);
  }
  assert.equal(shares[0], 1);
  assert.ok((shares[1] as number) < 0.5, "nobody else pays for it");
});

test("all blocks that full pools get back are handed out again before a pool is added", () => {
  const next = numbers(31);
  for (const bytes of [0, 8, 40, 200, 512]) {
    const heap = pooledHeap();
    const blocks = Array.from({ length: 2000 }, () => heap.object.malloc(bytes));
    const { total } = heap.stats().bytes;
    for (let round = 0; round < 50; round++) {
      const freed = Array.from({ length: 40 }, () => next(blocks.length));
      for (const at of new Set(freed)) heap.object.free(blocks[at] as number);
      heap.validate();
      for (const at of new Set(freed)) blocks[at] = heap.object.malloc(bytes);
      assertBalanced(heap, blocks.length);
    }
    // A full pool keeps a sixteenth of its blocks back, so a few pools more may be there.
    assert.ok(heap.stats().bytes.total <= total * 1.1 + LONGEST_ARENA);
    for (const p of blocks) heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

test("a freed block is the next one that its class hands out", () => {
  const heap = pooledHeap();
  for (const bytes of [1, 8, 30, 64, 200, 512]) {
    const blocks = Array.from({ length: 500 }, () => heap.object.malloc(bytes));
    // The class looks in the last pool as long as that has room.
    let p = heap.object.malloc(bytes);
    while (heap.stats().classes[Math.ceil(bytes / 8) - 1]?.blocksAvailable === 0) {
      blocks.push(p);
      p = heap.object.malloc(bytes);
    }
    heap.object.free(p);
    assert.equal(heap.object.malloc(bytes), p);
    for (const block of [...blocks, p]) heap.object.free(block);
  }
  assertBalanced(heap, 0);
});

test("arenas are given back when they are empty, and no address in them is ours any more", () => {
  const heap = pooledHeap();
  const blocks = Array.from({ length: 20_000 }, (_, i) => heap.object.malloc(8 + ((i * 40) % 500)));
  const { current, highwater } = heap.stats().arenas;
  const length = heap.memory.buffer.byteLength;
  assert.ok(current > 100 && highwater === current);
  for (const p of blocks) heap.object.free(p);
  assertBalanced(heap, 0);
  const { arenas } = heap.stats();
  const units = LONGEST_ARENA / UNIT_SIZE;
  assert.ok(arenas.current <= units, `${arenas.current} units are left`);
  assert.equal(arenas.highwater, highwater);
  assert.equal(arenas.reclaimed, arenas.allocatedTotal - arenas.current);
  const ours = new Set(blocks.map((p) => poolOf(heap, p)));
  assert.ok(ours.size <= 1 + LONGEST_ARENA / SLICE_SIZE, "what is left fits one arena");
  // The addresses serve again; arenas may lie a little differently, for which the memory grows once at most.
  const again = Array.from({ length: 20_000 }, (_, i) => heap.object.malloc(8 + ((i * 40) % 500)));
  assert.ok(heap.memory.buffer.byteLength <= (length * 17) / 16);
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
    // One pinned pool a class, at worst all in arenas that half-full ones keep.
    const { current } = heap.stats().arenas;
    assert.ok(current * UNIT_SIZE <= 2 * 64 * 2 * SLICE_SIZE, `${current} arenas are left`);
  }
});

test("pools are taken from the fullest usable arena", () => {
  const heap = pooledHeap();
  const next = numbers(12);
  const blocks = Array.from({ length: 12_000 }, (_, i) => heap.object.malloc(256 + 8 * (i % 32)));
  for (let i = 0; i < 11_000; i++) {
    const at = next(blocks.length);
    heap.object.free(blocks[at] as number);
    blocks[at] = 0;
  }
  const table = heap.u32[(heap.root + layout.BOOKS) / 4] as number;
  const freeIn = (slot: number) => {
    const bits = heap.u32[(table + slot * layout.ARENA_SLOT_SIZE) / 4 + 2] as number;
    return bits.toString(2).replaceAll("0", "").length;
  };
  const counts = [...new Set(blocks)]
    .map((p) => poolOf(heap, p))
    .filter((pool) => pool !== 0)
    .map((pool) => freeIn(heap.u32[pool / 4 + 3] as number));
  assert.ok(new Set(counts).size > 4, "there are arenas of many kinds");
  const before = Math.min(...counts.filter((count) => count > 0));
  const p = heap.object.malloc(8); // a pool of one slice
  assert.equal(freeIn(heap.u32[poolOf(heap, p) / 4 + 3] as number), before - 1);
  heap.validate();
});

test("isPymallocAddress tells pools from everything else, for every kind of number", () => {
  const heap = pooledHeap();
  const p = heap.object.malloc(100);
  const raw = heap.raw.malloc(100_000);
  const pool = poolOf(heap, p);
  for (let q = pool; q < pool + SLICE_SIZE; q += 5) assert.ok(heap.isPymallocAddress(q));
  const others = [0, 1, 8, raw, raw + 50_000, heap.root, heap.memory.buffer.byteLength];
  for (const q of [...others, 0xcdcdcdcd, 0xfdfdfdfd, 0xdddddddd, 0xffffffff, 0x7fffffff]) {
    assert.equal(heap.isPymallocAddress(q), false, `${q}`);
  }
});

test("arenas of a heap that owns its memory start at a slice boundary and lose next to nothing", () => {
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

test("arenas at any address serve, and an unaligned one loses exactly one slice", () => {
  for (const shift of [0, 8, 16, 512, 1016]) {
    const heap = pooledHeap({ initialBytes: 1 << 22 });
    // Arenas from a row in one large block, each as far from a slice boundary as asked for.
    const row = heap.raw.malloc(1 << 20);
    let at = row + SLICE_SIZE - (row % SLICE_SIZE) + shift;
    heap.setArenaAllocator({
      ctx: null,
      alloc(_ctx, bytes) {
        assert.equal(bytes, ARENA_REQUEST);
        const p = at;
        at += LONGEST_ARENA;
        return p;
      },
      free() {},
    });
    const blocks = Array.from({ length: 3000 }, (_, i) => heap.object.malloc(1 + (i % 200)));
    assertBalanced(heap, 3000);
    const { arenas, bytes } = heap.stats();
    const lost = shift === 0 ? 0 : SLICE_SIZE;
    const longest = (arenas.current * UNIT_SIZE) / LONGEST_ARENA;
    assert.equal(bytes.arenaAlignment, longest * lost, `shift ${shift}`);
    for (const p of blocks) heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

test("holes between large blocks are used before the memory gets longer", () => {
  for (const [hole, least] of [
    [40_000, 0.9],
    [9000, 0.85],
    [3500, 0.5],
  ] as const) {
    const heap = pooledHeap({ initialBytes: 1 << 23 });
    for (let i = 0; i < 1000; i++) heap.object.malloc(40);
    const large = Array.from({ length: 100 }, () => heap.raw.malloc(hole));
    for (let i = 0; i < 2000; i++) heap.object.malloc(40);
    const end = large.at(-1) as number;
    for (let i = 1; i < large.length; i += 2) heap.raw.free(large[i] as number);
    const bytes = (least * hole * large.length) / 2;
    const inHoles = Array.from({ length: Math.floor(bytes / 48) }, () => heap.object.malloc(40));
    const share = inHoles.filter((p) => p < end).length / inHoles.length;
    assert.ok(share > 0.85, `holes of ${hole}: ${share}`);
    heap.validate();
  }
});

test("arenas may come from anywhere, and the map grows to both sides", () => {
  const heap = pooledHeap({ initialBytes: 1 << 23 });
  const row = heap.raw.malloc(6 << 20);
  const places = [4 << 20, 5 << 20, 1 << 20, 2 << 20, 1 << 19, (6 << 20) - LONGEST_ARENA].map(
    (distance) => row + distance,
  );
  const asked: number[] = [];
  heap.setArenaAllocator({
    ctx: null,
    alloc() {
      const p = places.shift() ?? 0;
      asked.push(p);
      return p;
    },
    free() {},
  });
  const blocks: number[] = [];
  while (places.length > 0 || blocks.length % 30 !== 0) {
    blocks.push(heap.object.malloc(512));
    heap.validate();
  }
  assertBalanced(heap, blocks.length);
  assert.ok(asked.every((base) => blocks.some((p) => p >= base && p < base + LONGEST_ARENA)));
  for (const p of blocks) assert.equal(heap.isPymallocAddress(p), poolOf(heap, p) !== 0);
  for (const p of blocks) heap.object.free(p);
  assertBalanced(heap, 0);
  assert.ok([row, row + (3 << 20), row + (6 << 20) - 8].every((p) => !heap.isPymallocAddress(p)));
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
  const { unused } = heap.stats().pools;
  assert.equal(unused, layout.ARENA_SLICES - 1);
  heap.u32[(heap.root + layout.HOLD_OFF) / 4] = 3;
  // As long as the arena has free slices, nobody has to ask.
  const others = Array.from({ length: unused }, (_, i) => heap.object.malloc(56 + 8 * i));
  assert.ok(others.every((p) => heap.isPymallocAddress(p)));
  assert.equal(heap.stats().pools.unused, 0);
  const held = [400, 408, 416, 424, 432].map((bytes) => heap.object.malloc(bytes));
  assert.deepEqual(
    held.map((p) => heap.isPymallocAddress(p)),
    [false, false, false, true, true],
  );
  assertBalanced(heap, 1 + others.length + held.length);
  for (const p of [pooled, ...others, ...held]) heap.object.free(p);
  assertBalanced(heap, 0);
});
