/** core/heap/validate.ts: every kind of damage is found, by its number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MARK, ROOT_BLOCK } from "../../base/root.js";
import { type Heap, PyMemError } from "../../src/index.js";
import { layout, pooledHeap, poolOf } from "../support/heaps.js";

const { SLICE_SIZE, POOL_HEADER, BOOKS, MAP, BY_FREE_SLICES } = layout;

/** A heap with full pools, pools with room, free slices, and more than one arena. */
function busyHeap(): { heap: Heap; blocks: number[]; words: Uint32Array; halves: Uint16Array } {
  const heap = pooledHeap({ initialBytes: 1 << 20 });
  const blocks = Array.from({ length: 3000 }, (_, i) => heap.object.malloc(i < 2000 ? 48 : 200));
  for (let i = 0; i < 1000; i += 2) heap.object.free(blocks[i] as number);
  for (let i = 1001; i < 1300; i++) heap.object.free(blocks[i] as number);
  heap.object.malloc(104);
  heap.validate();
  return { heap, blocks, words: heap.u32, halves: heap.u16 };
}

type Busy = ReturnType<typeof busyHeap>;

interface Damage {
  readonly invariant: number;
  readonly what: string;
  readonly done: (busy: Busy) => void;
}

/** Offsets in words: of the books (core/layout.ts, Books), and of an arena (Arena). */
const book = {
  arenas: 0,
  arenaSlots: 1,
  unusedSlot: 2,
  usable: 3,
  allocated: 4,
  highwater: 6,
  current: 7,
  spare: 12,
};
const arena = { base: 0, units: 1, free: 2, next: 3, prev: 4 };

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

/** The word index of the end of a class's list (List), and of its head (Head). */
const listAt = (heap: Heap, sizeClass: number) =>
  (heap.root + layout.LISTS + sizeClass * layout.LIST_SIZE) / 4;
const headAt = (heap: Heap, sizeClass: number) =>
  (heap.root + layout.HEADS + sizeClass * layout.HEAD_SIZE) / 4;

/** Makes it look as if a class had no pool in its list. */
function emptyClass(heap: Heap, sizeClass: number): void {
  const list = listAt(heap, sizeClass);
  heap.u32.fill(4 * list, list + 1, list + 3);
  heap.u32[headAt(heap, sizeClass)] = 4 * list;
}

/** The pool of the first block for which the condition holds. */
function poolWhere({ heap, blocks }: Busy, wanted: (pool: number) => boolean): number {
  const pools = blocks.map((block) => poolOf(heap, block));
  const pool = pools.find((pool) => pool !== 0 && wanted(pool));
  assert.ok(pool !== undefined);
  return pool;
}

const biasOf = ({ heap }: Busy, pool: number) => heap.i16[pool / 2 + 10] as number;
const isFull = (busy: Busy) => poolWhere(busy, (pool) => biasOf(busy, pool) < 0);
const hasRoom = (busy: Busy) =>
  poolWhere(busy, (pool) => biasOf(busy, pool) >= 0 && firstFree(busy, pool) !== 0);
const firstFree = ({ words }: Busy, pool: number) => (words[pool / 4] as number) & 0xffff;

function set(words: Uint32Array | Uint16Array, at: number, to: (old: number) => number): void {
  words[at] = to(words[at] as number);
}

const damages: Damage[] = [
  {
    invariant: 1,
    what: "the table of arenas lies outside the memory",
    done: ({ heap, words }) => set(words, bookAt(heap, "arenas"), () => 0x7000_0000),
  },
  {
    invariant: 1,
    what: "the list of unused slots leads to a slot in use",
    done: ({ heap, words }) => set(words, bookAt(heap, "unusedSlot"), () => 1),
  },
  {
    invariant: 2,
    what: "an arena has too many units",
    done: ({ heap, words }) => set(words, arenaAt(heap, "units"), (n) => n + 8),
  },
  {
    invariant: 2,
    what: "a slice behind its end is free",
    done: ({ heap, words }) => set(words, arenaAt(heap, "free"), (bits) => bits | (1 << 20)),
  },
  {
    invariant: 3,
    what: "the map has lost a slice",
    done: ({ heap, blocks, words }) => {
      const p = blocks[2500] as number;
      const origin = words[(heap.root + MAP) / 4] as number;
      heap.u8[(origin + Math.floor(p / SLICE_SIZE)) >>> 0] = layout.NO_POOL;
    },
  },
  {
    invariant: 4,
    what: "a slice of a pool is free",
    done: (busy) => {
      const long = poolWhere(busy, (pool) => (busy.halves[pool / 2 + 11] as number) > SLICE_SIZE);
      const at = runOfPool(busy, long);
      const base = busy.words[at + arena.base] as number;
      const slice = Math.floor((long - base) / SLICE_SIZE) + 1;
      set(busy.words, at + arena.free, (bits) => bits | (1 << slice));
    },
  },
  {
    invariant: 4,
    what: "a pool is no whole number of slices long",
    done: ({ heap, blocks, halves }) =>
      set(halves, poolOf(heap, blocks[2000] as number) / 2 + 11, (end) => end - 8),
  },
  {
    invariant: 5,
    what: "a pool says it is of another arena",
    done: ({ heap, blocks, words }) =>
      set(words, poolOf(heap, blocks[2000] as number) / 4 + 3, (n) => n + 1),
  },
  {
    invariant: 6,
    what: "the count of arenas is wrong",
    done: ({ heap, words }) => set(words, bookAt(heap, "current"), (n) => n + 1),
  },
  {
    invariant: 8,
    what: "an arena is in the list for another number",
    done: ({ heap, words }) => {
      const at = (heap.root + BY_FREE_SLICES) / 4;
      const lists = Array.from({ length: layout.ARENA_SLICES }, (_, i) => words[at + i] as number);
      const used = lists.findIndex((first) => first !== 0);
      set(words, at + used, () => 0);
    },
  },
  {
    invariant: 9,
    what: "a pool's block size is none of ours",
    done: ({ heap, blocks, halves }) =>
      set(halves, poolOf(heap, blocks[2000] as number) / 2 + 8, () => 52),
  },
  {
    invariant: 10,
    what: "a pool counts more blocks than it has",
    done: (busy) => set(busy.words, hasRoom(busy) / 4, (state) => state + (900 << 16)),
  },
  {
    invariant: 11,
    what: "a full pool is not full",
    done: (busy) => set(busy.halves, isFull(busy) / 2 + 10, (bias) => bias + 1),
  },
  {
    invariant: 12,
    what: "a free list leads outside the carved part",
    done: (busy) => {
      const pool = hasRoom(busy);
      const first = firstFree(busy, pool);
      set(busy.halves, (pool + first) / 2, () => 4090);
    },
  },
  {
    invariant: 12,
    what: "a free list leads into the middle of a block",
    done: (busy) => {
      const pool = hasRoom(busy);
      const first = firstFree(busy, pool);
      set(busy.halves, (pool + first) / 2, () => POOL_HEADER + 4);
    },
  },
  {
    invariant: 12,
    what: "a block is in its free list twice",
    done: (busy) => {
      const pool = hasRoom(busy);
      const first = firstFree(busy, pool);
      set(busy.halves, (pool + first) / 2, () => first);
    },
  },
  {
    invariant: 12,
    what: "a free block has got lost",
    done: (busy) => set(busy.words, hasRoom(busy) / 4, (state) => state & ~0xffff),
  },
  {
    invariant: 13,
    what: "the list of a class leads nowhere",
    done: ({ heap, words }) => set(words, listAt(heap, 5) + 1, () => 0x1000_0000),
  },
  {
    invariant: 13,
    what: "the list of a class has a pool of another one",
    done: ({ heap, words }) => {
      set(words, listAt(heap, 7) + 1, () => words[listAt(heap, 12) + 1] as number);
    },
  },
  {
    invariant: 13,
    what: "the current pool of a class is of another one",
    done: ({ heap, words }) => {
      set(words, headAt(heap, 7), () => words[headAt(heap, 12)] as number);
    },
  },
  {
    invariant: 13,
    what: "the pool of the last free is none",
    done: ({ heap, words }) => set(words, (heap.root + layout.RECENT) / 4, (pool) => pool + 1024),
  },
  {
    invariant: 14,
    what: "a pool is pinned beside others",
    done: (busy) => {
      const list = listAt(busy.heap, 5);
      const pool = busy.words[list + 1] as number;
      assert.notEqual(busy.words[pool / 4 + 1], 4 * list, "not alone");
      set(busy.halves, pool / 2 + 10, () => 1);
      set(busy.words, pool / 4, (state) => state + (1 << 16));
    },
  },
  {
    invariant: 15,
    what: "a pool with free blocks is in no list",
    done: ({ heap }) => emptyClass(heap, 5),
  },
  {
    invariant: 17,
    what: "the slices of a class are miscounted",
    done: ({ heap, words }) => set(words, (heap.root + layout.CLASS_SLICES) / 4 + 5, (n) => n + 1),
  },
  {
    invariant: 18,
    what: "a spare lies outside the memory",
    done: ({ heap, words }) => set(words, bookAt(heap, "spare"), () => 0x7000_0000),
  },
  {
    invariant: 18,
    what: "a spare has no arenas",
    done: ({ heap, words }) => {
      const p = heap.raw.calloc(1, 100);
      set(words, bookAt(heap, "spare"), () => p);
    },
  },
  {
    invariant: 6,
    what: "the list of spares leads back into itself",
    done: ({ heap, words }) => {
      const p = heap.raw.calloc(1, layout.LONGEST_ARENA);
      words.set([p, 8], p / 4);
      set(words, bookAt(heap, "spare"), () => p);
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

/** The word index of the arena that a pool is in. */
function runOfPool({ heap, words }: Busy, pool: number): number {
  const slot = words[pool / 4 + 3] as number;
  return ((words[bookAt(heap, "arenas")] as number) + slot * layout.ARENA_SLOT_SIZE) / 4;
}

test("invariant 7: two arenas are wholly free", () => {
  const heap = pooledHeap({ initialBytes: 1 << 20 });
  const arenasOf = () => heap.stats().arenas.current;
  while (arenasOf() <= layout.LONGEST_ARENA / layout.UNIT_SIZE) heap.object.malloc(400);
  const words = heap.u32;
  const table = words[bookAt(heap, "arenas")] as number;
  const slotAt = (slot: number) => (table + slot * layout.ARENA_SLOT_SIZE) / 4;
  // By hand: no slice of the two arenas is in a pool, and no class has one.
  for (const [slot, next, prev] of [
    [0, 2, 0],
    [1, 0, 1],
  ] as const) {
    words[slotAt(slot) + arena.units] = layout.LONGEST_ARENA / layout.UNIT_SIZE;
    words[slotAt(slot) + arena.free] = 2 ** layout.ARENA_SLICES - 1;
    words[slotAt(slot) + arena.next] = next;
    words[slotAt(slot) + arena.prev] = prev;
  }
  assert.equal(words[slotAt(2) + arena.base], 0, "there are two arenas");
  const lists = (heap.root + BY_FREE_SLICES) / 4;
  words.fill(0, lists, lists + layout.ARENA_SLICES);
  words[lists + layout.ARENA_SLICES - 1] = 1;
  words[bookAt(heap, "usable")] = 1 << (layout.ARENA_SLICES - 1);
  for (let sizeClass = 0; sizeClass < layout.SIZE_CLASSES; sizeClass++) {
    emptyClass(heap, sizeClass);
    words[(heap.root + layout.CLASS_SLICES) / 4 + sizeClass] = 0;
  }
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
    Array.from({ length: 18 }, (_, index) => index + 1),
  );
});

test("validate never traps, whatever a word of the heap is overwritten with", () => {
  const { heap } = busyHeap();
  const { image, root } = heap.snapshot();
  let state = 99;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state;
  };
  for (let i = 0; i < 3000; i++) {
    const damaged = image.slice();
    const words = new Uint32Array(damaged.buffer);
    const at = i % 2 === 0 ? root / 4 + (next() % (layout.ROOT_SIZE / 4)) : next() % (1 << 16);
    // Without its mark it would not be taken over.
    if (at * 4 >= root + MARK && at * 4 < root + ROOT_BLOCK) continue;
    words[at] = i % 3 === 0 ? next() : (words[at] as number) ^ (1 << (next() % 32));
    const copy = pooledHeap({ from: { image: damaged, root } });
    try {
      copy.validate();
    } catch (error) {
      assert.ok(error instanceof PyMemError, `${error} after damage at word ${at}`);
    }
  }
});
