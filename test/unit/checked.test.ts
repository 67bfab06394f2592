/** src/heap/checked.ts: what JavaScript may pass for a size or an address, with checks and without. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Heap } from "../../src/index.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { type Family, families } from "../support/mistakes.js";

const modes = ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const;

/** Too long for any block, however they look to 32 bits. */
const long = [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 24, 2 ** 53, 2 ** 80, Number.MAX_VALUE];

/** No sizes at all. */
const wrong: readonly unknown[] = [
  ...[-1, -(2 ** 32), 0.5, 24.000001, Number.NaN, Infinity, -Infinity],
  ...["24", null, undefined, true, 24n, {}, []],
];

function each(check: (heap: Heap, family: Family) => void): void {
  for (const malloc of modes) {
    for (const family of families) {
      const heap = pooledHeap({ malloc });
      check(heap, family);
      assert.equal(heap.getAllocatedBlocks(), 0);
      heap.validate();
    }
  }
}

test("checked sizes over 0x7fffffff give 0, whatever they are modulo 2^32", () => {
  each((heap, family) => {
    const { malloc, calloc, realloc, free } = heap.checked[family];
    const p = malloc(24);
    heap.u8.fill(7, p, p + 24);
    for (const bytes of long) {
      assert.equal(malloc(bytes), 0);
      assert.equal(realloc(0, bytes), 0);
      assert.equal(realloc(p, bytes), 0);
      assert.equal(calloc(1, bytes), 0);
      assert.equal(calloc(bytes, 1), 0);
      assert.equal(calloc(bytes, bytes), 0);
    }
    for (const [count, size] of [
      [2 ** 32 + 1, 8],
      [65536, 65536],
      [2 ** 16, 2 ** 15],
      [3, 0x40000000],
    ] as const) {
      assert.equal(calloc(count, size), 0, `${count} x ${size}`);
      assert.equal(calloc(size, count), 0, `${size} x ${count}`);
    }
    assert.ok(heap.u8.subarray(p, p + 24).every((byte) => byte === 7));
    free(p);
  });
});

test("checked functions refuse what is no size, and do nothing", () => {
  each((heap, family) => {
    const { malloc, calloc, realloc, free } = heap.checked[family];
    const p = malloc(24);
    const calls: Record<string, (value: never) => unknown> = {
      "malloc: bytes": (value) => malloc(value),
      "calloc: count": (value) => calloc(value, 8),
      "calloc: size": (value) => calloc(8, value),
      "realloc: bytes": (value) => realloc(p, value),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const value of wrong) {
        assert.throws(() => call(value as never), {
          name: "TypeError",
          message: new RegExp(
            `^checked\\.${family}\\.${name} is .*, expected a whole number from 0 on$`,
          ),
        });
      }
    }
    free(p);
  });
});

test("checked functions refuse what is no address", () => {
  each((heap, family) => {
    const { malloc, realloc, free } = heap.checked[family];
    const p = malloc(24);
    for (const value of [2 ** 32 + p, p + 0.5, -(2 ** 32) + p - 1, Number.NaN, `${p}`, null]) {
      const message = new RegExp(`^checked\\.${family}\\.\\w+: p is .*, expected an address$`);
      assert.throws(() => free(value as number), { name: "TypeError", message });
      assert.throws(() => realloc(value as number, 8), { name: "TypeError", message });
    }
    free(p);
    free(0);
  });
});

test("checked functions are the functions in force with what is right", () => {
  each((heap, family) => {
    const { malloc, calloc, realloc, free } = heap.checked[family];
    const zeros = calloc(5, 8);
    assert.ok(heap.u8.subarray(zeros, zeros + 40).every((byte) => byte === 0));
    let p = malloc(0);
    assert.notEqual(p, 0);
    p = realloc(p, 100);
    heap.u8[p + 99] = 5;
    p = realloc(p, 10_000);
    assert.equal(heap.u8[p + 99], 5);
    for (const none of [calloc(0, 2 ** 40), calloc(2 ** 32 + 1, 0), realloc(0, 8), malloc(-0)]) {
      assert.notEqual(none, 0);
      free(none);
    }
    free(p);
    free(zeros);
  });
  const heap = pooledHeap();
  const seen: number[] = [];
  const inner = heap.getAllocator("object");
  const { malloc, free } = heap.checked.object;
  heap.setAllocator("object", {
    ...inner,
    malloc: (ctx, bytes) => seen.push(bytes) && inner.malloc(ctx, bytes),
    calloc: (ctx, count, size) => seen.push(count, size) && inner.calloc(ctx, count, size),
  });
  free(malloc(12));
  free(heap.checked.object.calloc(3, 5));
  assert.equal(malloc(2 ** 32 + 12), 0);
  assert.deepEqual(seen, [12, 3, 5], "hooks are seen by functions that were copied out before");
  assertBalanced(heap, 0);
});

test("unchecked functions are WebAssembly's: sizes are C's size_t, modulo 2^32", () => {
  const heap = pooledHeap();
  for (const family of families) {
    const { malloc, calloc, realloc, free } = heap[family];
    assert.equal(heap[family].malloc, malloc);
    for (const bytes of [2 ** 31, -1, 2 ** 32 - 1, 2 ** 33 - 1]) assert.equal(malloc(bytes), 0);
    for (const bytes of [2 ** 32 + 24, Number.NaN, 0, 24.9]) {
      const p = malloc(bytes);
      assert.notEqual(p, 0, `${bytes}`);
      const q = realloc(p, bytes);
      assert.notEqual(q, 0);
      free(q);
    }
    free(calloc(2 ** 32 + 1, 8));
  }
  assertBalanced(heap, 0);
});
