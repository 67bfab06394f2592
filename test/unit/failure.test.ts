/** Memory that can't be had: 0 comes back, nothing is lost, and life goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Heap } from "../../src/index.js";
import { failAllocations } from "../../src/testing.js";
import { assertBalanced, assertFilled, fill, numbers, pooledHeap } from "../support/heaps.js";

interface Block {
  p: number;
  bytes: number;
  seed: number;
}

/** A program of mallocs, callocs, reallocs and frees that goes on when one of them returns 0. */
function work(heap: Heap, steps: number): { live: Block[]; failures: number } {
  const next = numbers(7);
  const live: Block[] = [];
  let failures = 0;
  for (let step = 0; step < steps; step++) {
    const bytes = next(10) === 0 ? next(5000) : next(400);
    const kind = next(10);
    const at = next(live.length);
    const block = live[at];
    if (kind < 5 || block === undefined) {
      const p = kind === 0 ? heap.object.calloc(1, bytes) : heap.object.malloc(bytes);
      if (p === 0) failures++;
      else {
        fill(heap, p, bytes, step);
        live.push({ p, bytes, seed: step });
      }
    } else if (kind < 7) {
      const p = heap.object.realloc(block.p, bytes);
      if (p === 0) {
        failures++;
        assertFilled(heap, block.p, block.bytes, block.seed);
      } else {
        assertFilled(heap, p, Math.min(bytes, block.bytes), block.seed);
        fill(heap, p, bytes, step);
        live[at] = { p, bytes, seed: step };
      }
    } else {
      assertFilled(heap, block.p, block.bytes, block.seed);
      heap.object.free(block.p);
      live.splice(at, 1);
    }
  }
  return { live, failures };
}

function release(heap: Heap, live: readonly Block[]): void {
  for (const { p, bytes, seed } of live) {
    assertFilled(heap, p, bytes, seed);
    heap.object.free(p);
  }
  assertBalanced(heap, 0);
}

test("the n-th arena can't be had, for every n: small blocks come from the raw domain", () => {
  let all = Number.POSITIVE_INFINITY;
  for (let n = 1; n <= all; n++) {
    const heap = pooledHeap();
    const inner = heap.getArenaAllocator();
    let calls = 0;
    heap.setArenaAllocator({
      ctx: null,
      alloc: (_ctx, bytes) => (++calls === n ? 0 : inner.alloc(inner.ctx, bytes)),
      free: (_ctx, p, bytes) => inner.free(inner.ctx, p, bytes),
    });
    const { live, failures } = work(heap, 3000);
    if (calls < n) all = n - 1;
    assert.equal(failures, 0, "the raw domain serves instead");
    assertBalanced(heap, live.length);
    release(heap, live);
  }
  assert.ok(all > 10, `${all} runs were asked for`);
});

test("no arena can be had at all: every block comes from the raw domain", () => {
  const heap = pooledHeap();
  heap.setArenaAllocator({ ctx: null, alloc: () => 0, free: () => assert.fail("freed") });
  const { live, failures } = work(heap, 2000);
  assert.equal(failures, 0);
  assert.equal(heap.stats().blocks.raw, live.length);
  release(heap, live);
});

test("the n-th call of the raw domain fails, for every n: 0, and the heap is sound", () => {
  let noticed = 0;
  for (let n = 1; n <= 60; n++) {
    const heap = pooledHeap();
    const failing = failAllocations(heap, { start: n, stop: n + 1, domains: ["raw"] });
    const { live, failures } = work(heap, 800);
    assert.equal(failing.failed, 1, `n = ${n}`);
    // A block that can't be made shorter stays as it is, and nobody notices.
    assert.ok(failures <= 1, `n = ${n}`);
    noticed += failures;
    assertBalanced(heap, live.length);
    failing.remove();
    release(heap, live);
  }
  assert.ok(noticed >= 55, `${noticed} of 60`);
});

test("past maximumBytes malloc returns 0, and after some frees it serves again", () => {
  const heap = pooledHeap({ maximumBytes: 1 << 20 });
  const blocks: number[] = [];
  for (let p = heap.object.malloc(100); p !== 0; p = heap.object.malloc(100)) blocks.push(p);
  assert.ok(blocks.length * 104 > 0.9 * (1 << 20), `${blocks.length} blocks fit`);
  assertBalanced(heap, blocks.length);
  assert.equal(heap.memory.buffer.byteLength, 1 << 20);
  for (const domain of [heap.raw, heap.mem, heap.object]) {
    assert.equal(domain.malloc(100_000), 0);
    assert.equal(domain.calloc(1, 100_000), 0);
  }
  const [first] = blocks as [number];
  fill(heap, first, 100, 1);
  assert.equal(heap.object.realloc(first, 100_000), 0);
  assertFilled(heap, first, 100, 1);
  const shrunk = heap.object.realloc(first, 8);
  assert.ok(shrunk !== 0, "shrinking needs no memory");
  assertFilled(heap, shrunk, 8, 1);
  for (const p of blocks.splice(1)) heap.object.free(p);
  assertBalanced(heap, 1);
  // In one piece, although the table of runs lies in the middle.
  const large = heap.object.malloc(400_000);
  assert.ok(large !== 0, "what was in pools serves large requests");
  heap.object.free(large);
  heap.object.free(shrunk);
  assertBalanced(heap, 0);
});

test("a heap works up to its last byte again and again", () => {
  const heap = pooledHeap({ maximumBytes: 1 << 19 });
  const next = numbers(11);
  for (let round = 0; round < 20; round++) {
    const blocks: number[] = [];
    for (;;) {
      const p = heap.object.malloc(next(600));
      if (p === 0) break;
      blocks.push(p);
    }
    assertBalanced(heap, blocks.length);
    for (const p of blocks) heap.object.free(p);
    assertBalanced(heap, 0);
  }
});

test("requests far beyond the memory are refused without growing it", () => {
  const heap = pooledHeap({ maximumBytes: 1 << 20 });
  for (const bytes of [1 << 21, 1 << 28, (1 << 30) - 4, 1 << 30, 0x7fffffff]) {
    assert.equal(heap.object.malloc(bytes), 0);
    assert.equal(heap.raw.malloc(bytes), 0);
    assert.equal(heap.raw.realloc(0, bytes), 0);
  }
  assert.ok(heap.memory.buffer.byteLength <= 1 << 20);
  assertBalanced(heap, 0);
});
