/** PyMem_GetAllocator, PyMem_SetAllocator and the arena allocator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Allocator, DomainName, DomainNumber, Heap } from "../../src/index.js";
import { assertBalanced, layout, pooledHeap } from "../support/heaps.js";

type Call = [string, ...unknown[]];

/** Notes every call with its context and arguments, and passes it on. */
function noting(inner: Allocator, calls: Call[], ctx: unknown): Allocator {
  return {
    ctx,
    malloc(given, bytes) {
      calls.push(["malloc", given, bytes]);
      return inner.malloc(inner.ctx, bytes);
    },
    calloc(given, count, size) {
      calls.push(["calloc", given, count, size]);
      return inner.calloc(inner.ctx, count, size);
    },
    realloc(given, p, bytes) {
      calls.push(["realloc", given, p, bytes]);
      return inner.realloc(inner.ctx, p, bytes);
    },
    free(given, p) {
      calls.push(["free", given, p]);
      inner.free(inner.ctx, p);
    },
  };
}

const prefixes = { raw: "PyMem_Raw", mem: "PyMem_", object: "PyObject_" } as const;

/** The four functions of a domain by their C names. */
function byName(heap: Heap, domain: DomainName) {
  const functions = heap as unknown as Record<string, (...args: number[]) => number>;
  const get = (verb: string) => {
    const found = functions[`${prefixes[domain]}${verb}`];
    assert.ok(found, `${prefixes[domain]}${verb}`);
    return found;
  };
  return {
    malloc: get("Malloc"),
    calloc: get("Calloc"),
    realloc: get("Realloc"),
    free: get("Free"),
  };
}

test("an allocator that was set sees its context and every argument; restoring brings the old one back", () => {
  for (const [number, domain] of (["raw", "mem", "object"] as const).entries()) {
    const heap = pooledHeap();
    const before = { ...heap[domain] };
    const old = heap.getAllocator(number as DomainNumber);
    const calls: Call[] = [];
    const ctx = { name: domain };
    heap.setAllocator(domain, noting(old, calls, ctx));

    const { malloc, calloc, realloc, free } = byName(heap, domain);
    const p = malloc(42);
    const q = realloc(p, 200);
    free(q);
    const r = calloc(2, 5);
    free(r);
    assert.deepEqual(calls, [
      ["malloc", ctx, 42],
      ["realloc", ctx, p, 200],
      ["free", ctx, q],
      ["calloc", ctx, 2, 5],
      ["free", ctx, r],
    ]);

    heap.setAllocator(domain, old);
    assert.deepEqual(heap[domain], before, "the very functions that were there");
    assert.equal(heap.getAllocator(domain), old);
    byName(heap, domain).free(byName(heap, domain).malloc(42));
    assert.equal(calls.length, 5);
    assertBalanced(heap, 0);
  }
});

test("without a hook the functions are the WebAssembly exports, by both names", () => {
  const heap = pooledHeap();
  for (const domain of ["raw", "mem", "object"] as const) {
    assert.match(String(heap[domain].malloc), /native code/);
    assert.deepEqual(byName(heap, domain), heap[domain]);
  }
});

test("hooks wrap hooks, and come off in reverse order", () => {
  const heap = pooledHeap();
  const calls: Call[] = [];
  const first = heap.getAllocator("object");
  heap.setAllocator("object", noting(first, calls, "inner"));
  const second = heap.getAllocator("object");
  heap.setAllocator("object", noting(second, calls, "outer"));
  heap.object.free(heap.object.malloc(1));
  assert.deepEqual(
    calls.map(([name, ctx]) => [name, ctx]),
    [
      ["malloc", "outer"],
      ["malloc", "inner"],
      ["free", "outer"],
      ["free", "inner"],
    ],
  );
  heap.setAllocator("object", second);
  heap.setAllocator("object", first);
  heap.object.free(heap.object.malloc(1));
  assert.equal(calls.length, 4);
});

test("an allocator may be an object with methods, and is copied like the struct that it is in C", () => {
  class Counter {
    calls = 0;
    ctx = "counter";
    constructor(readonly inner: Allocator) {}
    malloc(_ctx: unknown, bytes: number): number {
      this.calls++;
      return this.inner.malloc(this.inner.ctx, bytes);
    }
    calloc(_ctx: unknown, count: number, size: number): number {
      return this.inner.calloc(this.inner.ctx, count, size);
    }
    realloc(_ctx: unknown, p: number, bytes: number): number {
      return this.inner.realloc(this.inner.ctx, p, bytes);
    }
    free(_ctx: unknown, p: number): void {
      this.inner.free(this.inner.ctx, p);
    }
  }
  const heap = pooledHeap();
  const counter = new Counter(heap.getAllocator("mem"));
  heap.setAllocator("mem", counter);
  counter.malloc = () => assert.fail("changed afterwards");
  heap.mem.free(heap.mem.malloc(10));
  assert.equal(counter.calls, 1);
  assert.equal(heap.getAllocator("mem").ctx, "counter");
});

test("a hook of the raw domain sees the large requests of the others, and no small ones", () => {
  const heap = pooledHeap();
  const calls: Call[] = [];
  const raw = heap.getAllocator("raw");
  heap.setAllocator("raw", noting(raw, calls, "raw"));
  const small = heap.object.malloc(512);
  const large = heap.object.malloc(513);
  const moved = heap.mem.realloc(large, 2000);
  const zeroed = heap.mem.calloc(3, 400);
  heap.object.free(moved);
  heap.object.free(zeroed);
  heap.object.free(small);
  assert.deepEqual(
    calls.map(([name, , ...args]) => [name, ...args]),
    [
      ["malloc", 513],
      ["realloc", large, 2000],
      ["calloc", 3, 400],
      ["free", moved],
      ["free", zeroed],
    ],
  );
  heap.setAllocator("raw", raw);
  assertBalanced(heap, 0);
});

test("blocks from before a hook and from after it are the same heap's", () => {
  const heap = pooledHeap();
  const before = Array.from({ length: 500 }, (_, i) => heap.object.malloc(i * 3));
  heap.setAllocator("raw", noting(heap.getAllocator("raw"), [], null));
  const after = Array.from({ length: 500 }, (_, i) => heap.object.malloc(i * 3));
  assertBalanced(heap, 1000);
  for (const p of [...before, ...after]) heap.object.free(p);
  assertBalanced(heap, 0);
});

test("an arena allocator sees every arena, its size, and gets each back", () => {
  const heap = pooledHeap();
  const inner = heap.getArenaAllocator();
  const arenas = new Map<number, number>();
  const ctx = Symbol("ctx");
  heap.setArenaAllocator({
    ctx,
    alloc(given, bytes) {
      assert.equal(given, ctx);
      const p = inner.alloc(inner.ctx, bytes);
      if (p !== 0) arenas.set(p, bytes);
      return p;
    },
    free(given, p, bytes) {
      assert.equal(given, ctx);
      assert.equal(arenas.get(p), bytes);
      arenas.delete(p);
      inner.free(inner.ctx, p, bytes);
    },
  });
  const blocks = Array.from({ length: 5000 }, () => heap.object.malloc(64));
  const units = layout.LONGEST_ARENA / layout.UNIT_SIZE;
  assert.equal(arenas.size * units, heap.stats().arenas.current);
  assert.deepEqual(new Set(arenas.values()), new Set([layout.ARENA_REQUEST]));
  for (const p of blocks) heap.object.free(p);
  assert.equal(arenas.size * units, heap.stats().arenas.current);
  assert.ok(arenas.size <= 1);
  heap.setArenaAllocator(inner);
  assert.equal(heap.getArenaAllocator(), inner);
});

test("wrong domains and incomplete allocators are refused by name, and change nothing", () => {
  const heap = pooledHeap();
  const old = heap.getAllocator("mem");
  for (const domain of [3, -1, "obj", undefined]) {
    const wrong = domain as unknown as DomainName;
    const message = /domain is .*, expected raw, mem or object, or 0, 1 or 2/;
    assert.throws(() => heap.getAllocator(wrong), { name: "TypeError", message });
    assert.throws(() => heap.setAllocator(wrong, old), { name: "TypeError", message });
  }
  for (const name of ["malloc", "calloc", "realloc", "free"]) {
    const broken = { ...old, [name]: 5 } as unknown as Allocator;
    const message = new RegExp(`PyMem_SetAllocator: ${name} is 5, expected a function`);
    assert.throws(() => heap.setAllocator("mem", broken), { name: "TypeError", message });
  }
  assert.throws(() => heap.setArenaAllocator({} as never), {
    name: "TypeError",
    message: /PyObject_SetArenaAllocator: alloc is undefined/,
  });
  assert.equal(heap.getAllocator("mem"), old);
});
