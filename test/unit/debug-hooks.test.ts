/** The debug hooks among other hooks: above them, below them, set late; and hooks in WebAssembly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { standaloneHost } from "../../hosts/own.js";
import { DebugHeap, newLedger } from "../../src/debug/debug.js";
import { javascriptTracer } from "../../src/debug/stacks.js";
import { type Allocator, createHeap, type Heap } from "../../src/index.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { debugHeap, type Family, families, faultOf, serialOf } from "../support/mistakes.js";

/** Notes calls by name and size, and passes them on. */
function note(heap: Heap, family: Family, calls: string[]): Allocator {
  const inner = heap.getAllocator(family);
  const { ctx } = inner;
  heap.setAllocator(family, {
    ctx: family,
    malloc(own, bytes) {
      calls.push(`${own} malloc ${bytes}`);
      return inner.malloc(ctx, bytes);
    },
    calloc(own, count, size) {
      calls.push(`${own} calloc ${count} ${size}`);
      return inner.calloc(ctx, count, size);
    },
    realloc(own, p, bytes) {
      calls.push(`${own} realloc ${bytes}`);
      return inner.realloc(ctx, p, bytes);
    },
    free(own, p) {
      calls.push(`${own} free`);
      inner.free(ctx, p);
    },
  });
  return inner;
}

test("set late, the debug hooks see what is allocated from then on, and let older blocks pass", () => {
  const heap = createHeap({ malloc: "pymalloc", onFault: "throw", quarantineBytes: 4096 });
  const old = families.map((family) => [10, 600].map((size) => heap[family].malloc(size)));
  heap.setupDebugHooks();
  assert.equal(heap.stats().malloc, "pymalloc_debug");
  const p = heap.object.malloc(16);
  assert.equal(faultOf(() => heap.mem.free(p)).kind, "wrong-family");
  heap.u8[p + 16] = 0;
  assert.equal(faultOf(() => heap.object.free(p)).kind, "buffer-overflow");
  heap.u8[p + 16] = 0xfd;
  heap.object.free(p);
  assert.equal(faultOf(() => heap.object.free(p)).kind, "double-free");
  for (const [index, [small = 0, large = 0]] of old.entries()) {
    const { realloc, free } = heap[families[index] as Family];
    heap.u8.fill(7, small, small + 10);
    const moved = realloc(small, 20);
    assert.ok(heap.u8.subarray(moved, moved + 10).every((byte) => byte === 7));
    free(moved);
    assert.equal(faultOf(() => free(moved)).kind, "double-free");
    free(large);
  }
  heap.validate();
  assert.equal(heap.getAllocatedBlocks(), 0);
});

test("set a second time, or on a heap that has them, they change nothing", () => {
  for (const heap of [debugHeap(), pooledHeap()]) {
    heap.setupDebugHooks();
    const functions = { ...heap.object };
    heap.setupDebugHooks();
    assert.deepEqual(heap.object, functions);
    const p = heap.object.malloc(8);
    assert.equal(serialOf(heap), 1);
    assert.equal(heap.stats().debug?.serial, 1);
    heap.object.free(p);
    heap.validate();
  }
});

test("a hook above the debug hooks sees the user's sizes, one below them those with pads", () => {
  for (const family of families) {
    const heap = pooledHeap();
    const below: string[] = [];
    const above: string[] = [];
    note(heap, family, below);
    heap.setupDebugHooks();
    const debug = note(heap, family, above);
    const { malloc, calloc, realloc, free } = heap[family];
    const p = malloc(42);
    const q = realloc(p, 200);
    free(q);
    free(calloc(2, 5));
    assert.deepEqual(above, [
      `${family} malloc 42`,
      `${family} realloc 200`,
      `${family} free`,
      `${family} calloc 2 5`,
      `${family} free`,
    ]);
    // A realloc is a malloc here, and what is freed is held back.
    assert.deepEqual(below, [
      `${family} malloc 58`,
      `${family} malloc 216`,
      `${family} calloc 1 26`,
    ]);
    heap.setAllocator(family, debug);
    assert.equal(faultOf(() => heap[family].free(q)).kind, "double-free");
    heap.validate();
  }
});

test("a hook of the raw domain sees the large blocks of the others, pads and all", () => {
  const heap = debugHeap({ quarantineBytes: 0 });
  const calls: string[] = [];
  const raw = note(heap, "raw", calls);
  const large = heap.object.malloc(1000);
  const small = heap.object.malloc(100);
  heap.object.free(small);
  heap.object.free(large);
  assert.deepEqual(calls, ["raw malloc 1016", "raw free"]);
  heap.setAllocator("raw", raw);
  const after = heap.object.malloc(1000);
  heap.object.free(after);
  assert.equal(calls.length, 2);
  heap.validate();
});

test("what stood below the debug hooks takes them off", () => {
  const heap = pooledHeap();
  const plain = heap.getAllocator("object");
  heap.setupDebugHooks();
  assert.equal(heap.u8[heap.object.malloc(3)], 0xcd);
  heap.setAllocator("object", plain);
  const p = heap.object.malloc(3);
  heap.mem.free(heap.mem.malloc(3));
  heap.object.free(p);
  heap.setupDebugHooks();
  const q = heap.object.malloc(3);
  assert.equal(faultOf(() => heap.mem.free(q)).kind, "wrong-family");
  heap.object.free(q);
  heap.validate();
});

test("a hook may be WebAssembly: it gets its context and every argument", () => {
  const { memory, system } = standaloneHost(1, 1000);
  const heap = createHeap({ malloc: "pymalloc", memory, system });
  const inner = heap.getAllocator("object");
  // A debug module of our own is such a hook: its context says which family's letter it writes.
  const debug = new DebugHeap(
    {
      memory,
      system,
      settings: { onFault: "throw", stacks: false, quarantineBytes: 0 },
      tracer: javascriptTracer,
      poolOf: () => 0,
    },
    newLedger({ memory, system }),
  );
  const plain = { ...heap.object };
  const hook = debug.instantiate({ raw: plain, mem: plain, object: plain });
  for (const [ctx, letter] of [..."rmo"].entries()) {
    heap.setAllocator("object", {
      ctx,
      malloc: hook.pyMalloc as Allocator["malloc"],
      calloc: hook.pyCalloc as Allocator["calloc"],
      realloc: hook.pyRealloc as Allocator["realloc"],
      free: hook.pyFree as Allocator["free"],
    });
    const sees = (p: number, size: number) => {
      assert.equal(String.fromCharCode(heap.u8[p - 4] as number), letter);
      assert.equal(new DataView(memory.buffer).getUint32(p - 8), size);
    };
    const p = heap.object.malloc(42);
    sees(p, 42);
    const q = heap.object.realloc(p, 200);
    sees(q, 200);
    heap.object.free(q);
    const r = heap.object.calloc(2, 5);
    sees(r, 10);
    heap.object.free(r);
    assert.equal(faultOf(() => heap.object.free(r)).kind, "double-free");
    heap.setAllocator("object", inner);
    assert.deepEqual(heap.object, plain);
    assertBalanced(heap, 0);
  }
});
