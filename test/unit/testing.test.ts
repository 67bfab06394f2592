/** pymalloc/testing: allocations that fail when a test wants them to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Allocator,
  createHeap,
  type Domain,
  type DomainName,
  type Heap,
} from "../../src/index.js";
import { failAllocations, failEachAllocation } from "../../src/testing.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { debugHeap, debugModes } from "../support/mistakes.js";

test("the calls from start up to stop fail, whichever domain they ask", () => {
  const heap = pooledHeap();
  const failing = failAllocations(heap, { start: 3, stop: 5 });
  const first = heap.object.malloc(8);
  const second = heap.mem.malloc(8);
  assert.ok(first !== 0 && second !== 0);
  assert.equal(heap.PyMem_RawMalloc(8), 0);
  assert.equal(heap.object.realloc(first, 100), 0, "the block stays as it was");
  const fifth = heap.object.calloc(1, 8);
  assert.ok(fifth !== 0);
  assert.deepEqual([failing.calls, failing.failed], [5, 2]);
  for (const p of [first, second, fifth]) heap.object.free(p);
  failing.remove();
  assertBalanced(heap, 0);
});

test("to remove it twice is safe, and brings the very functions back", () => {
  const heap = pooledHeap();
  const before = { ...heap.object };
  const failing = failAllocations(heap);
  assert.equal(heap.object.malloc(8), 0);
  failing.remove();
  failing.remove();
  assert.deepEqual(heap.object, before);
  heap.object.free(heap.object.malloc(8));
  assertBalanced(heap, 0);
});

test("it ends with the block that it is bound to", () => {
  const heap = pooledHeap();
  const failing = failAllocations(heap, { domains: ["object"] });
  assert.equal(heap.object.malloc(8), 0);
  assert.notEqual(heap.mem.malloc(8), 0);
  failing[Symbol.dispose]();
  assert.notEqual(heap.object.malloc(8), 0);
});

/** Another hook on top of what is there; it returns what brings that back. */
function hook(heap: Heap, domain: DomainName): () => void {
  const inner = heap.getAllocator(domain);
  const { ctx } = inner;
  heap.setAllocator(domain, {
    ctx: null,
    malloc: (_, bytes) => inner.malloc(ctx, bytes),
    calloc: (_, count, size) => inner.calloc(ctx, count, size),
    realloc: (_, p, bytes) => inner.realloc(ctx, p, bytes),
    free: (_, p) => inner.free(ctx, p),
  });
  return () => heap.setAllocator(domain, inner);
}

test("removed under another hook, it lets everything pass", () => {
  const heap = pooledHeap();
  const failing = failAllocations(heap, { domains: ["mem"] });
  hook(heap, "mem");
  assert.equal(heap.mem.malloc(8), 0);
  failing.remove();
  assert.notEqual(heap.mem.malloc(8), 0);
});

const domains = ["raw", "mem", "object"] as const;

/** Everything that a heap calls: its functions, by both names, and its records. */
function inForce(heap: Heap): unknown[] {
  const { PyMem_RawMalloc, PyMem_Realloc, PyObject_Calloc, PyObject_Free } = heap;
  return [
    ...domains.flatMap((name) => Object.values(heap[name])),
    ...domains.map((name) => heap.getAllocator(name)),
    ...[PyMem_RawMalloc, PyMem_Realloc, PyObject_Calloc, PyObject_Free],
  ];
}

function assertSame(heap: Heap, before: readonly unknown[]): void {
  for (const [at, now] of inForce(heap).entries()) assert.equal(now, before[at], `function ${at}`);
  for (const name of domains) heap[name].free(heap[name].malloc(8));
  assert.equal(heap.getAllocatedBlocks(), 0);
}

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) =>
    orders(items.toSpliced(at, 1)).map((others) => [item, ...others]),
  );
}

test("to set the allocator that was got changes nothing, and neither does a copy of it", () => {
  for (const malloc of ["pymalloc", "malloc", ...debugModes] as const) {
    const heap = createHeap({ malloc });
    for (const hooked of [undefined, ...domains]) {
      if (hooked !== undefined) hook(heap, hooked);
      const before = inForce(heap);
      for (const name of domains) {
        heap.setAllocator(name, heap.getAllocator(name));
        heap.setAllocator(name, { ...heap.getAllocator(name) });
      }
      assertSame(heap, before);
    }
  }
});

test("in whatever order several are removed, and whatever stands between, the very functions come back", () => {
  const subsets = [["raw"], ["object"], ["mem", "object"], domains] as const;
  for (const malloc of ["pymalloc", "malloc", ...debugModes] as const) {
    for (const below of [undefined, ...domains]) {
      const heap = createHeap({ malloc });
      if (below !== undefined) hook(heap, below);
      const before = inForce(heap);
      for (const between of [undefined, ...domains]) {
        for (const order of orders([0, 1, 2])) {
          const first = failAllocations(heap);
          const second = failAllocations(heap, { domains: subsets[order[0] as number] });
          const restore = between === undefined ? () => {} : hook(heap, between);
          const third = failAllocations(heap, { domains: subsets[3 - (order[1] as number)] });
          const all = [first, second, third];
          for (const at of order) all[at]?.remove();
          restore();
          assertSame(heap, before);
        }
      }
    }
  }
});

test("debug hooks that were put on top stand on what was there before", () => {
  for (const order of orders([0, 1])) {
    const heap = pooledHeap();
    const before = inForce(heap);
    const records = domains.map((name) => heap.getAllocator(name));
    const first = failAllocations(heap);
    heap.setupDebugHooks();
    const both = [first, failAllocations(heap)];
    assert.equal(heap.object.malloc(8), 0);
    for (const at of order) both[at]?.remove();
    const { malloc } = heap.object;
    assert.match(String(malloc), /native code/);
    const calls = first.calls;
    heap.object.free(malloc(8));
    assert.equal(first.calls, calls, "nobody counts any more");
    for (const [at, name] of domains.entries()) heap.setAllocator(name, records[at] as Allocator);
    assert.deepEqual(inForce(heap).slice(0, 12), before.slice(0, 12));
  }
});

/** Builds rows and gives them up again; does with fewer when there is no memory. */
function rows(heap: Heap): void {
  const blocks: [Domain, number][] = [];
  const keep = (domain: Domain, p: number) => p !== 0 && blocks.push([domain, p]);
  for (let n = 0; n < 20; n++) {
    keep(heap.mem, heap.mem.calloc(n, 40));
    keep(heap.object, heap.object.realloc(0, n * 50));
  }
  const table = heap.raw.malloc(blocks.length * 4);
  heap.raw.free(table);
  for (const [domain, p] of blocks) domain.free(p);
}

test("each allocation of a program fails once, in the release modes and in the debug modes", () => {
  const plain = pooledHeap();
  const tried = failEachAllocation(plain, () => rows(plain));
  assert.ok(tried > 40, `${tried}`);
  assertBalanced(plain, 0);
  for (const malloc of debugModes) {
    const heap = debugHeap({ malloc });
    assert.ok(failEachAllocation(heap, () => rows(heap)) > 40);
    assert.equal(heap.getAllocatedBlocks(), 0);
  }
});

test("the debug mode itself does without memory, whenever the system has none", () => {
  for (let n = 1; n < 60; n++) {
    const memory = new WebAssembly.Memory({ initial: 64 });
    let top = 1024;
    let calls = 0;
    const take = (bytes: number) => {
      if (calls++ === n) return 0;
      top += Math.ceil(bytes / 8) * 8;
      return top - Math.ceil(bytes / 8) * 8;
    };
    const system = {
      malloc: take,
      calloc: (count: number, size: number) => take(count * size),
      realloc: (p: number, bytes: number) => {
        const q = take(bytes);
        if (q !== 0 && p !== 0) new Uint8Array(memory.buffer).copyWithin(q, p, p + bytes);
        return q;
      },
      free() {},
    };
    let heap: Heap;
    try {
      heap = debugHeap({ memory, system, quarantineBytes: 2000 });
    } catch (error) {
      assert.match(String(error), /RangeError: .*no room/);
      continue;
    }
    const live = Array.from({ length: 200 }, (_, i) => heap.mem.malloc(i * 9)).filter(Boolean);
    assert.ok(live.length >= 198, `${live.length}`);
    for (const p of live) heap.mem.free(p);
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  }
});

test("wrong options are refused by name", () => {
  const heap = pooledHeap();
  const refused = (options: unknown, message: RegExp) =>
    assert.throws(() => failAllocations(heap, options as never), { name: "TypeError", message });
  refused({ begin: 1 }, /unknown option "begin", expected one of start, stop, domains/);
  refused({ start: 0 }, /start is 0, expected a whole number from 1 on/);
  refused({ start: 5, stop: 4 }, /stop is 4, expected a whole number from 5 on/);
  refused({ stop: 1.5 }, /stop is 1.5, expected/);
  refused({ domains: "raw" }, /domains is "raw", expected an array/);
  refused({ domains: ["heap"] }, /domain is "heap", expected raw, mem or object/);
  refused(null, /expected an object of options, got null/);
  assert.notEqual(heap.object.malloc(1), 0, "and nothing was hooked");
});
