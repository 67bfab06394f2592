/** What C expects of malloc's addresses: 16 bytes and more begin at a multiple of 16, in every mode, in C and in AssemblyScript. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { Heap } from "../../src/index.js";
import { buildAssemblyScript, buildGuest, exportsOf, reasonToSkip } from "../support/guests.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { faultOf } from "../support/mistakes.js";
import { long } from "../support/profile.js";

const words = ["default", "pymalloc", "malloc", "debug", "pymalloc_debug", "malloc_debug"] as const;

/** Lets a heap be used first, so that pools, holes and large blocks are there which are nobody's in the guest. */
function aged(heap: Heap): Heap {
  const blocks = Array.from({ length: 5000 }, (_, i) => heap.object.malloc(8 + (i % 600)));
  for (const p of blocks.filter((_, i) => i % 3 !== 0)) heap.object.free(p);
  return heap;
}

describe("the alignment of C's malloc", { skip: reasonToSkip() }, () => {
  let bytes: Uint8Array<ArrayBuffer>;
  /** The same, for a place behind what a used heap has. */
  let moved: Uint8Array<ArrayBuffer>;

  before(() => {
    bytes = buildGuest(["alignment.c"], { flags: ["-fno-builtin"] });
    const flags = ["-fno-builtin", `-Wl,--global-base=${1 << 24}`];
    moved = buildGuest(["alignment.c"], { flags });
  });

  for (const malloc of words) {
    test(`100 blocks of each size, by each function, malloc: "${malloc}"`, () => {
      for (const heap of [pooledHeap({ malloc }), aged(pooledHeap({ malloc }))]) {
        const own = heap.getAllocatedBlocks();
        const isNew = heap.memory.buffer.byteLength === 65536;
        const guest = exportsOf(heap.instantiate(isNew ? bytes : moved));
        const where = "10000 + the size, or the line of test/guests/programs/alignment.c";
        assert.equal(guest["alignment"]?.(), 0, where);
        const steps = long ? 400_000 : 20_000;
        for (const seed of [1, 2, 3]) assert.equal(guest["churn"]?.(seed, steps), 0, where);
        heap.validate();
        assert.equal(heap.getAllocatedBlocks(), own);
      }
    });
  }

  test("with an allocator that JavaScript set, and a debug mode that is switched on meanwhile", () => {
    for (const malloc of ["pymalloc", "malloc"] as const) {
      const heap = pooledHeap({ malloc });
      const below = heap.getAllocator("object");
      heap.setAllocator("object", { ...below });
      const guest = exportsOf(heap.instantiate(bytes));
      assert.equal(guest["alignment"]?.(), 0);
      heap.setAllocator("object", below);
      heap.setupDebugHooks();
      const debugged = exportsOf(heap.instantiate(moved));
      assert.equal(debugged["alignment"]?.(), 0);
    }
  });

  test("a debug mode still sees each byte too much", () => {
    for (const malloc of ["pymalloc_debug", "malloc_debug"] as const) {
      for (const n of [1, 8, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40, 41, 100, 500, 600, 5000]) {
        const { overflow } = exportsOf(pooledHeap({ malloc }).instantiate(bytes));
        const fault = faultOf(() => overflow?.(n));
        assert.deepEqual([fault.kind, fault.size], ["buffer-overflow", n]);
      }
    }
    const heap = pooledHeap();
    const { overflow } = exportsOf(heap.instantiate(bytes));
    overflow?.(20); // into what malloc leaves unused
    heap.setupDebugHooks();
    // The guest has the functions of before, and a heap without them knows no fault.
    assertBalanced(heap, 0);
  });

  test("freeing blocks of large alignments does not depend on how many there are", () => {
    for (const multiple of [32, 1024, 4096]) {
      const heap = pooledHeap();
      const { make_aligned, free_aligned } = exportsOf(heap.instantiate(bytes));
      /** Milliseconds, the shortest of some: other programs run as well. */
      const time = (count: number) => {
        const times = Array.from({ length: 7 }, () => {
          assert.equal(make_aligned?.(multiple, count), 0);
          const start = performance.now();
          free_aligned?.(count);
          return performance.now() - start;
        });
        return Math.min(...times);
      };
      time(2000);
      const [few, many] = [time(2000), time(20_000)];
      // With one chain for all, 10 times as many took 100 times as long.
      assert.ok(many < 40 * few, `${many} ms for 20,000, ${few} ms for 2000`);
      assertBalanced(heap, 0);
    }
  });

  test("malloc_usable_size believes nothing that stands in front of a block", () => {
    for (const malloc of ["pymalloc_debug", "malloc_debug"] as const) {
      const heap = pooledHeap({ malloc });
      const { usable } = exportsOf(heap.instantiate(bytes));
      const p = heap.object.malloc(100);
      heap.u32.fill(0x77777777, (p - 8) / 4, p / 4);
      assert.equal(usable?.(p), 100);
      for (const wrong of [p + 8, p - 8, p + 100, 8, heap.root, 0x7fff0000]) {
        assert.equal(usable?.(wrong), 0, `${wrong}`);
      }
      const other = heap.object.malloc(50);
      heap.object.free(other);
      assert.equal(usable?.(other), 0, "of a freed one");
    }
    const heap = pooledHeap();
    const { usable } = exportsOf(heap.instantiate(bytes));
    const earlier = [heap.object.malloc(20), heap.object.malloc(5000)];
    heap.setupDebugHooks();
    const sizes = [...earlier, heap.object.malloc(20)].map((p) => usable?.(p));
    assert.deepEqual(sizes, [24, 5056, 20], "blocks from before have what was rounded up");
  });
});

test("AssemblyScript's memory begins at multiples of 16", () => {
  const flags =
    "--importMemory --memoryBase 65536 --runtime ./include/pymalloc -O2 --exportStart _initialize --use abort=";
  const bytes = buildAssemblyScript("alignment.ts", flags.split(" "));
  for (const malloc of words) {
    const heap = pooledHeap({ malloc });
    const guest = exportsOf(heap.instantiate(bytes));
    assert.equal(guest["alignment"]?.(), 0, malloc);
    assert.equal(guest["objects"]?.(), 0, malloc);
    heap.validate();
  }
});
