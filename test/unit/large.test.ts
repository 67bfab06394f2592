/** The malloc of a heap that owns its memory: it never grows while a free block would do, and its blocks stay whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { unsigned } from "../../base/base.js";
import { numbers, pooledHeap } from "../support/heaps.js";
import { PAGE, Watched } from "../support/large.js";
import { long } from "../support/profile.js";

const MB = 1 << 20;

type Malloc = Pick<Watched["system"], "malloc" | "calloc" | "realloc" | "free">;
type Use = (heap: Malloc, bytes: number) => number;

const uses: Record<string, Use> = {
  malloc: (heap, bytes) => heap.malloc(bytes),
  calloc: (heap, bytes) => heap.calloc(bytes / 4, 4),
  "realloc of NULL": (heap, bytes) => heap.realloc(0, bytes),
  "realloc that moves": (heap, bytes) => {
    const p = heap.malloc(100);
    heap.malloc(1); // and can't get longer where it is
    return heap.realloc(p, bytes);
  },
  "realloc that shrinks": (heap, bytes) => heap.realloc(heap.malloc(bytes), bytes / 2),
  "realloc to the same": (heap, bytes) => heap.realloc(heap.malloc(bytes), bytes),
  "realloc in its place": (heap, bytes) => heap.realloc(heap.malloc(bytes / 2), bytes),
};

for (const [name, use] of Object.entries(uses)) {
  test(`the memory does not grow for what was there before: ${name}`, () => {
    for (const domain of ["raw", "mem", "object"] as const) {
      const lengths = [1000, 70_000, MB, 100 * MB];
      if (name !== "calloc") lengths.push(600 * MB); // which is written to
      for (const bytes of lengths) {
        const heap = pooledHeap();
        // Where the first pool is, the map of slices begins to be as long as the memory before it says.
        heap.object.malloc(1);
        // Blocks of this length and a little shorter ones, none beside another.
        const blocks = [bytes - 200, bytes - 100, bytes].map((length) => {
          const p = heap[domain].malloc(length);
          heap[domain].malloc(600);
          return p;
        });
        assert.ok(!blocks.includes(0));
        for (const p of blocks) heap[domain].free(p);
        const before = heap.memory.buffer.byteLength;
        assert.ok(before < 3.3 * bytes + 2 * MB, `${before} bytes for 3 blocks of ${bytes}`);
        assert.notEqual(use(heap[domain], bytes), 0);
        assert.equal(heap.memory.buffer.byteLength, before, `${domain}, ${bytes} bytes`);
      }
    }
  });
}

test("the last block gets longer where it is, and grows the memory by no more than that", () => {
  const heap = pooledHeap();
  let p = heap.raw.malloc(MB);
  let moves = 0;
  for (let bytes = 2 * MB; bytes <= 64 * MB; bytes += MB) {
    const longer = heap.raw.realloc(p, bytes);
    if (longer !== p) moves++;
    p = longer;
    assert.ok(heap.memory.buffer.byteLength < bytes * 1.07 + 3 * MB);
  }
  // The maps may have come to lie behind it, once; later ones lie where it was.
  assert.ok(moves <= 1, `${moves} moves`);
  heap.raw.free(p);
  p = heap.raw.malloc(70 * MB); // a free block at the end is a part of the next one
  assert.ok(heap.memory.buffer.byteLength < 77 * MB);
});

for (const pools of [true, false]) {
  const granule = pools ? 64 : 16;

  test(`granules of ${granule}: at the maximum, what does not fit is refused and changes nothing`, () => {
    const { system, memory, granule, blocks } = new Watched(pools, 64);
    const kept = system.malloc(100);
    // The malloc's state and its maps: two bits for each granule.
    let most = 64 * PAGE - granule;
    assert.equal(system.malloc(64 * PAGE), 0);
    while (system.malloc(most) === 0) most -= granule;
    assert.ok(most > 64 * PAGE * (1 - 2.6 / 8 / granule) - (4 * PAGE) / granule - 4096, `${most}`);
    assert.equal(memory.buffer.byteLength, 64 * PAGE);
    const before = blocks();
    const all = before.find(({ size }) => size >= most)?.p as number;
    for (const bytes of [PAGE, MB, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      assert.equal(system.malloc(bytes), 0);
      assert.equal(system.calloc(bytes, 1), 0);
      assert.equal(system.memalign(256, bytes), 0);
      assert.equal(system.realloc(kept, bytes), 0);
      assert.equal(system.realloc(all, Math.min(most + bytes, 0xffff_ffff)), 0);
    }
    assert.equal(system.calloc(0x10000, 0x10001), 0);
    assert.equal(system.usableSize(all), most);
    assert.deepEqual(blocks(), before);
    system.free(all);
    assert.equal(system.malloc(most), all);
  });

  test(`granules of ${granule}: memalign gives multiples of any power of 2, and wastes nothing`, () => {
    const { system, blocks } = new Watched(pools);
    for (let bits = 0; bits <= 20; bits++) {
      for (const bytes of [0, 1, 100, 5000]) {
        const p = unsigned(system.memalign(2 ** bits, bytes));
        assert.ok(p !== 0 && p % 2 ** bits === 0 && p % 16 === 0);
        const size = Math.max(granule, Math.ceil(bytes / granule) * granule);
        assert.equal(system.usableSize(p), size);
        assert.ok(blocks().some((block) => block.p === p && block.size === size && block.inUse));
      }
    }
  });

  test(`granules of ${granule}: it grows only where no free block would do, and blocks keep their content`, () => {
    for (let seed = 0; seed < (long ? 60 : 12); seed++) randomProgram(seed, pools);
  });
}

interface Live {
  readonly p: number;
  readonly bytes: number;
  readonly mark: number;
}

/** Writes into all of a new block. */
function marked({ memory }: Watched, p: number, bytes: number, mark: number): Live {
  assert.notEqual(p, 0);
  assert.equal(p % 16, 0);
  new Uint8Array(memory.buffer, unsigned(p), bytes).fill(mark);
  return { p, bytes, mark };
}

function assertMarked({ memory }: Watched, { p, bytes, mark }: Live): void {
  const content = new Uint8Array(memory.buffer, unsigned(p), bytes);
  assert.ok(content.every((byte) => byte === mark));
}

/** Some memory becomes someone else's, and comes back. */
function lend({ system, memory }: Watched, random: (bound: number) => number): void {
  const from = unsigned(system.end()) + PAGE * random(2);
  const bytes = PAGE * (1 + random(4));
  assert.ok(system.leave(from, from + bytes));
  const used = random(2) === 0 ? system.malloc(2 * MB) : 0;
  new Uint8Array(memory.buffer, from, bytes).fill(255);
  system.takeBack(from);
  if (unsigned(system.end()) === from) {
    assert.ok(new Uint8Array(memory.buffer, from, bytes).every((byte) => byte === 0));
  }
  if (used !== 0) system.free(used);
}

function randomProgram(seed: number, pools: boolean): void {
  const random = numbers(seed);
  const watched = new Watched(pools);
  const { system } = watched;
  const live: Live[] = [];
  const sizeOf = [() => random(600), () => random(5000), () => random(3 * PAGE)];
  for (let step = 0; step < 300; step++) {
    const bytes = (sizeOf[random(3)] as () => number)();
    const end = system.end();
    const what = random(11);
    let fits = watched.longestFree() >= bytes;
    if (what < 5) {
      const makers = [() => system.calloc(1, bytes), () => system.memalign(16, bytes)];
      const make = makers[what] ?? (() => system.malloc(bytes));
      live.push(marked(watched, make(), bytes, random(256)));
    } else if (live.length > 0) {
      const block = live.splice(random(live.length), 1)[0] as Live;
      assertMarked(watched, block);
      if (what < 8) {
        // What waits becomes free for a new block, not for one that can get longer at the end.
        fits &&= !watched.anyWaits();
        const p = system.realloc(block.p, bytes);
        assertMarked(watched, { ...block, p, bytes: Math.min(bytes, block.bytes) });
        live.push(marked(watched, p, bytes, random(256)));
      } else {
        system.free(block.p);
      }
    }
    if (fits) assert.equal(system.end(), end, `${bytes} bytes would have fitted`);
    if (random(50) === 0) lend(watched, random);
  }
  for (const block of live) {
    assertMarked(watched, block);
    system.free(block.p);
  }
  assert.ok(watched.blocks().every(({ inUse }) => !inUse));
}
