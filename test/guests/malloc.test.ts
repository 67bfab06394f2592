/** C's malloc on a heap of ours: its promises, and AssemblyScript's allocator. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { buildAssemblyScript, buildGuest, exportsOf, reasonToSkip } from "../support/guests.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { debugHeap, faultOf } from "../support/mistakes.js";

const modes = ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const;

describe("C's malloc", { skip: reasonToSkip() }, () => {
  let bytes: Uint8Array<ArrayBuffer>;

  before(() => {
    // The compiler believes that its own malloc leaves errno alone.
    bytes = buildGuest(["malloc.c"], { flags: ["-fno-builtin"] });
  });

  for (const malloc of modes) {
    test(`it keeps C's and POSIX's promises, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc, maximumBytes: 1 << 24 });
      const guest = exportsOf(heap.instantiate(bytes));
      for (const name of ["plain", "failing", "aligned", "usable", "plain"]) {
        assert.equal(
          guest[name]?.(),
          0,
          `${name}: the line of test/guests/programs/malloc.c that failed`,
        );
        heap.validate();
        assert.equal(heap.getAllocatedBlocks(), 0, name);
      }
    });
  }

  test("a debug heap names what is wrong with an aligned block as well", () => {
    const { twice } = exportsOf(debugHeap().instantiate(bytes));
    assert.equal(faultOf(() => twice?.()).kind, "invalid-pointer");
  });
});

interface Blocks {
  readonly live: number;
  readonly collected: number;
}

describe("AssemblyScript", () => {
  const flags = [
    ...["--importMemory", "--memoryBase", "65536", "--runtime", "./include/pymalloc"],
    ...["--exportStart", "_initialize", "-O2"],
  ];
  let bytes: Uint8Array<ArrayBuffer>;
  before(() => {
    bytes = buildAssemblyScript("words.ts", flags);
  });

  for (const malloc of modes) {
    test(`its objects live in our pools and are collected, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc });
      let aborted = "";
      const abort = (message: number) => {
        aborted = `abort at ${message}`;
      };
      const { count, collect } = exportsOf(heap.instantiate(bytes, { env: { abort } }));
      const blocks: Blocks[] = [];
      for (let round = 0; round < 4; round++) {
        // So many words that they alone are more than is asked for below: what else lives is the collector's affair.
        assert.equal(count?.(8000), 8000 + 800);
        const live = heap.getAllocatedBlocks();
        collect?.();
        collect?.();
        heap.validate();
        blocks.push({ live, collected: heap.getAllocatedBlocks() });
      }
      assert.equal(aborted, "");
      if (malloc.startsWith("pymalloc")) {
        for (const { live, collected } of blocks) {
          assert.ok(live > 8000, `${live} blocks while the words live`);
          // AssemblyScript takes what lies below its own data for static: at most so many of 32 bytes.
          assert.ok(collected < 65536 / 32, `${collected} blocks after collecting`);
        }
      }
      if (malloc === "pymalloc") assertBalanced(heap, heap.getAllocatedBlocks());
    });
  }
});
