/** core/large/validate.ts: every kind of damage to the malloc of an own memory is found, by its number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { largeLayout as L, unsigned } from "../../base/base.js";
import { granuleBitsIn, LARGE_ROOT } from "../../hosts/large.js";
import { type Heap, PyMemError } from "../../src/index.js";
import { numbers, pooledHeap } from "../support/heaps.js";
import { type Block, blocksOf, PAGE } from "../support/large.js";

/** A heap with blocks in use, free ones, ones that wait, short and long, and a piece that was left to others. */
function busyHeap(malloc: "pymalloc" | "malloc"): Heap {
  const heap = pooledHeap({ malloc, maximumBytes: 512 * PAGE });
  const random = numbers(1);
  const live = Array.from({ length: 600 }, () =>
    heap.raw.malloc(random(8) ? random(3000) : random(PAGE)),
  );
  for (const p of live) if (random(2) === 0) heap.raw.free(p);
  heap.raw.malloc(40 * PAGE); // what waited is free now
  for (const p of live.filter(() => random(4) === 0)) if (isUsed(heap, p)) heap.raw.free(p);
  // Too many of one length to wait, each between two that stay.
  const many = Array.from({ length: 60 }, () => heap.raw.malloc(640));
  for (let n = 0; n < many.length; n += 2) heap.raw.free(many[n] as number);
  heap.validate();
  return heap;
}

function isUsed(heap: Heap, p: number): boolean {
  return blocksOf(heap.memory).some((block) => block.p === unsigned(p) && block.inUse);
}

/** A field of the state, as the place of a word. */
const field = (offset: number) => (LARGE_ROOT + offset) / 4;

class Busy {
  readonly words: Uint32Array;
  readonly bits: number;
  readonly blocks: readonly Block[];
  readonly starts: number;
  readonly uses: number;

  constructor(heap: Heap) {
    this.words = heap.u32;
    this.bits = granuleBitsIn(heap.u8);
    this.blocks = blocksOf(heap.memory);
    this.starts = (this.words[field(L.STATE_STARTS)] as number) / 4;
    this.uses = (this.words[field(L.STATE_USES)] as number) / 4;
  }

  set(word: number, to: (old: number) => number): void {
    this.words[word] = to(this.words[word] as number);
  }

  flip(map: "starts" | "uses", address: number): void {
    const granule = address >>> this.bits;
    this.set(this[map] + (granule >>> 5), (old) => old ^ (1 << (granule & 31)));
  }

  granules({ size }: Block): number {
    return size >>> this.bits;
  }

  /** A block for which the condition holds, and that is followed by one. */
  find(wanted: (block: Block, next: Block) => boolean): Block {
    const found = this.blocks.find((block, n) => {
      const next = this.blocks[n + 1];
      return next !== undefined && wanted(block, next);
    });
    assert.ok(found !== undefined, "there is such a block");
    return found;
  }

  free(least = 1, most = Number.POSITIVE_INFINITY): Block {
    return this.find((block) => {
      const has = this.granules(block);
      const isJoined = !block.inUse && !block.waits && this.words[block.p / 4 + 2] !== 0;
      return isJoined && has >= least && has <= most;
    });
  }

  /** A block for which the condition holds, and that has no free one beside it. */
  lone(wanted: (block: Block) => boolean): Block {
    const isTaken = (block: Block | undefined) => block?.inUse || block?.waits;
    const found = this.blocks.find((block, n) => {
      return wanted(block) && isTaken(this.blocks[n - 1]) && isTaken(this.blocks[n + 1]);
    });
    assert.ok(found !== undefined, "there is such a block");
    return found;
  }

  /** The word of the maps behind the one in which a block begins: its length stands there where it is a long one. */
  lengthWord({ p }: Block): number {
    return this.uses + (p >>> (this.bits + 5)) + 1;
  }

  /** The list of a block that waits, as the place of a word. */
  list(block: Block): number {
    return field(L.WAITING) + 2 * this.granules(block);
  }
}

interface Damage {
  readonly invariant: number;
  readonly what: string;
  readonly done: (busy: Busy) => void;
}

const state = (invariant: number, what: string, offset: number, to: (old: number) => number) => ({
  invariant,
  what,
  done: (busy: Busy) => busy.set(field(offset), to),
});

const damages: readonly Damage[] = [
  state(23, "the granule is another one", L.STATE_BITS, (bits) => bits + 1),
  state(23, "the break lies beyond the memory", L.STATE_END, () => 0xffff0000),
  state(23, "the break lies within a granule", L.STATE_END, (end) => end + 8),
  state(23, "the break lies in the state", L.STATE_END, () => LARGE_ROOT),
  state(24, "the maps lie elsewhere", L.STATE_MAP, (map) => map + 1024),
  state(24, "the maps lie beyond the memory", L.STATE_MAP, () => 0xfffffff0),
  state(24, "the maps reach nowhere", L.STATE_REACH, () => 0),
  state(24, "the maps reach farther than they are long", L.STATE_REACH, (reach) => reach * 64),
  state(24, "a map begins elsewhere", L.STATE_USES, (uses) => uses + 4),
  {
    invariant: 24,
    what: "the maps' block is free",
    done: (busy) => busy.flip("uses", busy.words[field(L.STATE_MAP)] as number),
  },
  {
    invariant: 24,
    what: "the maps' block is shorter",
    done: (busy) => busy.flip("starts", (busy.words[field(L.STATE_MAP)] as number) + 1024),
  },
  { invariant: 25, what: "no block begins at the state", done: (busy) => busy.flip("starts", 64) },
  { invariant: 25, what: "the state's block is free", done: (busy) => busy.flip("uses", 64) },
  {
    invariant: 25,
    what: "a block begins in the state",
    done: (busy) => busy.flip("starts", LARGE_ROOT + 512),
  },
  {
    invariant: 25,
    what: "no block begins at the break",
    done: (busy) => busy.flip("starts", busy.words[field(L.STATE_END)] as number),
  },
  {
    invariant: 25,
    what: "a block begins behind the break",
    done: (busy) => busy.flip("starts", (busy.words[field(L.STATE_END)] as number) + 64),
  },
  {
    invariant: 24,
    what: "the maps' block is longer",
    done: (busy) => {
      const map = busy.words[field(L.STATE_MAP)] as number;
      const behind = busy.blocks.find(({ p }) => p > map) as Block;
      busy.flip("starts", behind.p);
    },
  },
  {
    invariant: 26,
    what: "a long block's length is wrong",
    done: (busy) => {
      const long = busy.find((block) => busy.granules(block) > 100);
      busy.set(busy.lengthWord(long), (length) => length + 1);
    },
  },
  {
    invariant: 26,
    what: "a long block begins in another one",
    done: (busy) => {
      const long = busy.find((block) => block.inUse && busy.granules(block) > 300);
      busy.flip("starts", long.p + (130 << busy.bits));
    },
  },
  {
    invariant: 26,
    what: "a free block is left to others",
    done: (busy) => busy.set(busy.lengthWord(busy.free(100)), (length) => length | L.LEFT),
  },
  {
    invariant: 26,
    what: "a block is left to others by one of its lengths",
    done: (busy) => {
      const long = busy.find((block) => block.inUse && busy.granules(block) > 100);
      busy.set(busy.lengthWord(long), (length) => length | L.LEFT);
    },
  },
  {
    invariant: 27,
    what: "a free block is two",
    done: (busy) => {
      const { p, size } = busy.free(2, 30);
      const middle = p + size - (1 << busy.bits);
      busy.flip("starts", middle);
      const granule = middle >>> busy.bits;
      busy.set(busy.uses + (granule >>> 5), (old) => old & ~(1 << (granule & 31)));
    },
  },
  state(27, "nothing is said to be dropped", L.STATE_DROPS, () => 0),
  {
    invariant: 28,
    what: "what was dropped is in no bin",
    done: (busy) => {
      busy.set(field(L.FIRSTS), () => 0);
      busy.set(field(L.FULL), (full) => full & ~1);
    },
  },
  {
    invariant: 28,
    what: "what was dropped is in the bin for its length",
    done: (busy) => {
      const dropped = busy.lone(({ p, inUse, waits }) => {
        return !inUse && !waits && busy.words[p / 4 + 2] === 0;
      });
      busy.set(dropped.p / 4 + 2, () => busy.granules(dropped));
    },
  },
  {
    invariant: 28,
    what: "a free block is in no bin",
    done: (busy) => {
      busy.flip("uses", busy.lone(({ inUse }) => inUse).p);
    },
  },
  {
    invariant: 28,
    what: "a bin is said to be empty",
    done: (busy) => {
      const bits = field(L.FULL);
      busy.set(bits, (old) => old & (old - 1));
      busy.set(bits + 1, (old) => old & (old - 1));
    },
  },
  {
    invariant: 28,
    what: "a free block does not know its length",
    done: (busy) => busy.set(busy.free().p / 4 + 2, (length) => length + 1),
  },
  {
    invariant: 28,
    what: "a free block does not know who is before it",
    done: (busy) => busy.set(busy.free().p / 4 + 1, (granule) => granule + 1),
  },
  {
    invariant: 28,
    what: "a bin leads back into itself",
    done: (busy) => {
      const { p } = busy.free();
      busy.set(p / 4, () => p >>> busy.bits);
    },
  },
  {
    invariant: 28,
    what: "a bin leads out of the memory",
    done: (busy) => busy.set(busy.free().p / 4, () => 0xffffffff),
  },
  {
    invariant: 28,
    what: "a bin holds what is in use",
    done: (busy) => {
      const used = busy.find((block) => block.inUse);
      busy.set(busy.free().p / 4, () => used.p >>> busy.bits);
    },
  },
  {
    invariant: 29,
    what: "what waits is free",
    done: (busy) => {
      const waits = busy.find(({ waits }) => waits);
      const free = busy.free();
      busy.set(busy.list(waits), () => free.p);
    },
  },
  {
    invariant: 29,
    what: "what waits is in the list for another length",
    done: (busy) => {
      const waits = busy.find(({ waits }) => waits);
      const list = busy.list(waits);
      const first = busy.words[list] as number;
      busy.set(list, () => 0);
      busy.set(list === field(L.WAITING) + 2 ? list + 2 : list - 2, () => first);
    },
  },
  {
    invariant: 29,
    what: "a list of what waits leads back into itself",
    done: (busy) => {
      const waits = busy.find(({ waits }) => waits);
      busy.set(waits.p / 4, () => waits.p);
    },
  },
  {
    invariant: 29,
    what: "a list of what waits leads out of the memory",
    done: (busy) => {
      busy.set(busy.find(({ waits }) => waits).p / 4, () => 0xfffffff0);
    },
  },
  state(29, "nothing is said to wait", L.STATE_WAITS, () => 0),
];

for (const malloc of ["pymalloc", "malloc"] as const) {
  for (const { invariant, what, done } of damages) {
    test(`${malloc}: invariant ${invariant}: ${what}`, () => {
      const heap = busyHeap(malloc);
      done(new Busy(heap));
      assert.throws(
        () => heap.validate(),
        (error: unknown) => {
          assert.ok(error instanceof PyMemError, `${error}`);
          assert.equal(error.kind, "broken-invariant");
          assert.equal(error.invariant, invariant, error.message);
          assert.match(error.message, new RegExp(`^heap invariant ${invariant} is broken at 0x`));
          assert.ok(!error.message.endsWith("undefined"));
          return true;
        },
      );
    });
  }
}

test("each invariant is broken by a test here", () => {
  const broken = new Set(damages.map(({ invariant }) => invariant));
  assert.deepEqual([...broken], [23, 24, 25, 26, 27, 28, 29]);
});

test("validate never traps and always ends, whatever words of the malloc's are overwritten with", () => {
  for (const malloc of ["pymalloc", "malloc"] as const) {
    const heap = busyHeap(malloc);
    const random = numbers(7);
    const { words, starts, bits, blocks } = new Busy(heap);
    const places = [
      () => LARGE_ROOT / 4 + random(L.LARGE_ROOT_SIZE / 4),
      () => starts + random((2 * (heap.memory.buffer.byteLength >>> bits)) / 32),
      () => (blocks[random(blocks.length)] as Block).p / 4 + random(3),
    ];
    for (let round = 0; round < 3000; round++) {
      const before = new Map<number, number>();
      for (let n = random(3); n >= 0; n--) {
        const at = (places[random(3)] as () => number)();
        const old = words[at] as number;
        const values = [random(2 ** 32), old ^ (1 << random(32)), random(words.length), 0];
        if (!before.has(at)) before.set(at, old);
        words[at] = values[random(values.length)] as number;
      }
      try {
        heap.validate();
      } catch (error) {
        assert.ok(error instanceof PyMemError, `${error} in round ${round}`);
      }
      for (const [at, word] of before) words[at] = word;
    }
    heap.validate();
  }
});
