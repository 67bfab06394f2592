/** core/validate.ts: every kind of damage is found, by its number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Heap, PyMemError } from "../src/index.js";
import { layout, pooledHeap } from "./support/heaps.js";

const { POOL_SIZE, POOL_HEADER, BOOKS, HEAD_SIZE, MAP, BY_FREE_COUNT } = layout;

/** A heap with full pools, pools with room, a free pool, and more than one arena. */
function busyHeap(): { heap: Heap; blocks: number[]; words: Uint32Array; halves: Uint16Array } {
  const heap = pooledHeap({ initialBytes: 1 << 20 });
  const blocks = Array.from({ length: 3000 }, (_, i) => heap.object.malloc(i < 2000 ? 48 : 200));
  for (let i = 0; i < 1000; i += 2) heap.object.free(blocks[i] as number);
  for (let i = 1001; i < 1300; i++) heap.object.free(blocks[i] as number);
  heap.object.malloc(104);
  heap.validate();
  return { heap, blocks, words: heap.u32, halves: heap.u16 };
}

const poolOf = (p: number) => p - (p % POOL_SIZE);

interface Damage {
  readonly invariant: number;
  readonly what: string;
  readonly done: (busy: ReturnType<typeof busyHeap>) => void;
}

/** Offsets in words: of the books (core/layout.ts, Books), and of an arena (Arena). */
const book = {
  arenas: 0,
  arenaSlots: 1,
  unusedSlot: 2,
  usable: 4,
  allocated: 6,
  highwater: 8,
  current: 9,
};
const arena = { base: 0, freePools: 1, fresh: 2, freeCount: 3, poolCount: 4, next: 5, prev: 6 };

function bookAt(heap: Heap, field: keyof typeof book): number {
  return (heap.root + BOOKS) / 4 + book[field];
}

/** The word index of a field in the first arena that satisfies the condition. */
function arenaAt(
  heap: Heap,
  field: keyof typeof arena,
  wanted: (read: (field: keyof typeof arena) => number) => boolean = () => true,
): number {
  const words = heap.u32;
  const table = words[bookAt(heap, "arenas")] as number;
  const slots = words[bookAt(heap, "arenaSlots")] as number;
  for (let slot = 0; slot < slots; slot++) {
    const at = (table + slot * layout.ARENA_SLOT_SIZE) / 4;
    const read = (name: keyof typeof arena) => words[at + arena[name]] as number;
    if (read("base") !== 0 && wanted(read)) return at + arena[field];
  }
  return assert.fail("no such arena");
}

/** The pool of the first block for which the condition on its state holds. */
function poolWhere(
  { words, blocks }: ReturnType<typeof busyHeap>,
  wanted: (state: number) => boolean,
) {
  const p = blocks.find((block) => {
    const size = (words[poolOf(block) / 4 + 4] as number) & 0xffff;
    return size !== 0 && wanted(words[poolOf(block) / 4] as number);
  });
  assert.ok(p !== undefined);
  return poolOf(p);
}

const isFull = (state: number) => state >>> 31 === 1;
const hasRoom = (state: number) => !isFull(state) && (state & 0xffff) !== 0;

function set(words: Uint32Array | Uint16Array, at: number, to: (old: number) => number): void {
  words[at] = to(words[at] as number);
}

const damages: Damage[] = [
  {
    invariant: 1,
    what: "the count of arenas is wrong",
    done: ({ heap, words }) => set(words, bookAt(heap, "current"), (n) => n + 1),
  },
  {
    invariant: 1,
    what: "the list of unused slots leads to a slot in use",
    done: ({ heap, words }) => set(words, bookAt(heap, "unusedSlot"), () => 1),
  },
  {
    invariant: 2,
    what: "an arena has too many pools",
    done: ({ heap, words }) => set(words, arenaAt(heap, "poolCount"), (n) => n + 1),
  },
  {
    invariant: 2,
    what: "an arena's untouched rest begins behind its end",
    done: ({ heap, words }) => set(words, arenaAt(heap, "fresh"), (p) => p + 64 * POOL_SIZE),
  },
  {
    invariant: 3,
    what: "the map has lost an arena",
    done: ({ heap, blocks, words }) => {
      const p = blocks[2500] as number;
      const leaf = words[(heap.root + MAP) / 4 + (p >>> layout.LEAF_BITS)] as number;
      const at = (leaf & ~3) / 4 + (Math.floor(p / POOL_SIZE / 32) % (layout.LEAF_BYTES / 4));
      set(words, at, () => 0);
    },
  },
  {
    invariant: 4,
    what: "a free pool has a size",
    done: ({ heap, words }) => {
      const free = words[arenaAt(heap, "freePools", (read) => read("freePools") !== 0)] as number;
      set(words, free / 4 + 4, () => 48);
    },
  },
  {
    invariant: 5,
    what: "a pool says it is of another arena",
    done: ({ blocks, words }) => set(words, poolOf(blocks[2000] as number) / 4 + 3, (n) => n + 1),
  },
  {
    invariant: 6,
    what: "an arena's count of free pools is wrong",
    done: ({ heap, words }) =>
      set(
        words,
        arenaAt(heap, "freeCount", (read) => read("freeCount") === 0),
        () => 1,
      ),
  },
  {
    invariant: 8,
    what: "an arena is in the list for another number",
    done: ({ heap, words }) => {
      const at = (heap.root + BY_FREE_COUNT) / 4;
      const lists = Array.from(
        { length: layout.ARENA_SIZE / POOL_SIZE },
        (_, i) => words[at + i] as number,
      );
      const used = lists.findIndex((first) => first !== 0);
      set(words, at + used, () => 0);
    },
  },
  {
    invariant: 9,
    what: "a pool's block size is none of ours",
    done: ({ blocks, halves }) => set(halves, poolOf(blocks[2000] as number) / 2 + 8, () => 52),
  },
  {
    invariant: 10,
    what: "a pool counts more blocks than it has",
    done: (busy) => set(busy.words, poolWhere(busy, hasRoom) / 4, (state) => state + (300 << 16)),
  },
  {
    invariant: 11,
    what: "a full pool is not full",
    done: (busy) => set(busy.words, poolWhere(busy, isFull) / 4, (state) => state - (1 << 16)),
  },
  {
    invariant: 12,
    what: "a free list leads outside the carved part",
    done: (busy) => {
      const pool = poolWhere(busy, hasRoom);
      const first = (busy.words[pool / 4] as number) & 0xffff;
      set(busy.halves, (pool + first) / 2, () => 4090);
    },
  },
  {
    invariant: 12,
    what: "a free list leads into the middle of a block",
    done: (busy) => {
      const pool = poolWhere(busy, hasRoom);
      const first = (busy.words[pool / 4] as number) & 0xffff;
      set(busy.halves, (pool + first) / 2, () => POOL_HEADER + 4);
    },
  },
  {
    invariant: 12,
    what: "a block is in its free list twice",
    done: (busy) => {
      const pool = poolWhere(busy, hasRoom);
      const first = (busy.words[pool / 4] as number) & 0xffff;
      set(busy.halves, (pool + first) / 2, () => first);
    },
  },
  {
    invariant: 12,
    what: "a free block has got lost",
    done: (busy) => set(busy.words, poolWhere(busy, hasRoom) / 4, (state) => state & ~0xffff),
  },
  {
    invariant: 13,
    what: "the list of a class leads nowhere",
    done: ({ heap, words }) => set(words, (heap.root + 5 * HEAD_SIZE) / 4 + 1, () => 0x1000_0000),
  },
  {
    invariant: 13,
    what: "the list of a class has a pool of another one",
    done: ({ heap, words }) => {
      const of = (sizeClass: number) => (heap.root + sizeClass * HEAD_SIZE) / 4 + 1;
      set(words, of(7), () => words[of(12)] as number);
    },
  },
  {
    invariant: 13,
    what: "the current pool of a class is of another one",
    done: ({ heap, words }) => {
      const of = (sizeClass: number) => (heap.root + sizeClass * HEAD_SIZE) / 4 + 3;
      set(words, of(7), () => words[of(12)] as number);
    },
  },
  {
    invariant: 14,
    what: "a pool is pinned beside others",
    done: (busy) => {
      const head = (busy.heap.root + 5 * HEAD_SIZE) / 4;
      const pool = busy.words[head + 1] as number;
      assert.notEqual(busy.words[pool / 4 + 1], busy.heap.root + 5 * HEAD_SIZE, "not alone");
      set(busy.halves, pool / 2 + 10, () => 1);
      set(busy.words, pool / 4, (state) => state + (1 << 16));
    },
  },
  {
    invariant: 15,
    what: "a pool with free blocks is in no list",
    done: ({ heap, words }) => {
      const head = heap.root + 5 * HEAD_SIZE;
      set(words, head / 4 + 1, () => head);
      set(words, head / 4 + 2, () => head);
    },
  },
  {
    invariant: 16,
    what: "the high-water mark is too low",
    done: ({ heap, words }) => set(words, bookAt(heap, "highwater"), () => 1),
  },
  {
    invariant: 16,
    what: "more arenas are there than ever were allocated",
    done: ({ heap, words }) => set(words, bookAt(heap, "allocated"), (n) => n - 1),
  },
];

/** Makes all pools of all arenas free by hand: two arenas are wholly free then, which is one too many. */
function freeEverything({ heap, words }: { heap: Heap; words: Uint32Array }): void {
  const table = words[bookAt(heap, "arenas")] as number;
  const slotAt = (slot: number) => (table + slot * layout.ARENA_SLOT_SIZE) / 4;
  for (const [slot, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const at = slotAt(slot);
    const first = Math.ceil((words[at + arena.base] as number) / POOL_SIZE) * POOL_SIZE;
    words[at + arena.freePools] = 0;
    for (let pool = first; pool < (words[at + arena.fresh] as number); pool += POOL_SIZE) {
      words[pool / 4 + 4] = 0;
      words[pool / 4 + 1] = words[at + arena.freePools] as number;
      words[at + arena.freePools] = pool;
    }
    words[at + arena.freeCount] = words[at + arena.poolCount] as number;
    words[at + arena.next] = slot === 0 ? other + 1 : 0;
    words[at + arena.prev] = slot === 0 ? 0 : other + 1;
  }
  const lists = (heap.root + BY_FREE_COUNT) / 4;
  const pools = words[slotAt(0) + arena.poolCount] as number;
  words.fill(0, lists, lists + pools);
  words[lists + pools - 1] = 1;
  words[bookAt(heap, "usable")] = 1 << (pools - 1);
  for (let sizeClass = 0; sizeClass < layout.SIZE_CLASSES; sizeClass++) {
    const head = heap.root + sizeClass * HEAD_SIZE;
    words.fill(head, head / 4 + 1, head / 4 + 4);
  }
}

test("invariant 7: two arenas are wholly free", () => {
  const heap = pooledHeap({ initialBytes: 1 << 20 });
  const perArena = layout.ARENA_SIZE / POOL_SIZE;
  for (let sizeClass = 0; sizeClass <= perArena; sizeClass++) heap.object.malloc(8 + 8 * sizeClass);
  assert.equal(heap.stats().arenas.current, 2);
  freeEverything({ heap, words: heap.u32 });
  assert.throws(
    () => heap.validate(),
    (error: unknown) => error instanceof PyMemError && error.invariant === 7,
  );
});

for (const { invariant, what, done } of damages) {
  test(`invariant ${invariant}: ${what}`, () => {
    const busy = busyHeap();
    done(busy);
    assert.throws(
      () => busy.heap.validate(),
      (error: unknown) => {
        assert.ok(error instanceof PyMemError);
        assert.equal(error.kind, "broken-invariant");
        assert.equal(error.invariant, invariant, error.message);
        assert.match(error.message, new RegExp(`^heap invariant ${invariant} is broken at 0x`));
        return true;
      },
    );
  });
}

test("each invariant is broken by a test here", () => {
  const broken = new Set([7, ...damages.map(({ invariant }) => invariant)]);
  assert.deepEqual(
    [...broken].sort((a, b) => a - b),
    Array.from({ length: 16 }, (_, index) => index + 1),
  );
});

test("validate never traps, whatever a word of the heap is overwritten with", () => {
  const { heap } = busyHeap();
  const image = heap.u8.slice();
  let state = 99;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state;
  };
  for (let i = 0; i < 3000; i++) {
    const damaged = image.slice();
    const words = new Uint32Array(damaged.buffer);
    const at = i % 2 === 0 ? heap.root / 4 + (next() % (layout.ROOT_SIZE / 4)) : next() % (1 << 16);
    words[at] = i % 3 === 0 ? next() : (words[at] as number) ^ (1 << (next() % 32));
    const copy = pooledHeap({ image: damaged, root: heap.root });
    try {
      copy.validate();
    } catch (error) {
      assert.ok(error instanceof PyMemError, `${error} after damage at word ${at}`);
    }
  }
});
