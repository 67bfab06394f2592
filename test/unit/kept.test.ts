/** core/heap/kept.ts: one large block waits from its free to the next request, and nobody but the system malloc can tell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemMalloc } from "../../base/types.js";
import { type Allocator, createHeap, type Heap, type MallocName } from "../../src/index.js";
import { assertBalanced, assertFilled, fill, foreignMalloc, pooledHeap } from "../support/heaps.js";

/** What CPython's regular expressions ask for. */
const STACK = 1069;

/** The shortest block and the longest that may wait, and one that is none of a pool's nor waits. */
const [SHORTEST, LONGEST, TOO_LONG] = [513, 2048, 2049];

type Verb = keyof SystemMalloc;

/** A heap over a malloc of JavaScript's, all blocks of that, and what is done when it is called. */
function watchedHeap(malloc: MallocName = "pymalloc") {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const inner = foreignMalloc(memory, 1024);
  const watch = { before(_verb: Verb, _parameter: number) {} };
  const call = <T extends number[], R>(verb: Verb, run: (...parameters: T) => R) => {
    return (...parameters: T): R => {
      watch.before(verb, parameters[0] as number);
      return run(...parameters);
    };
  };
  const system: SystemMalloc = {
    malloc: call("malloc", inner.malloc),
    calloc: call("calloc", inner.calloc),
    realloc: call("realloc", inner.realloc),
    free: call("free", inner.free),
  };
  const heap = createHeap({ malloc, memory, system, quarantineBytes: 0 });
  return { heap, memory, system, watch, live: inner.live };
}

/** Allocates a block and gives it back. @returns where it was */
function passing(heap: Heap, bytes = STACK): number {
  const p = heap.object.malloc(bytes);
  assert.notEqual(p, 0);
  heap.object.free(p);
  return p;
}

test("a block that was given back serves the next request for as much, and counts only meanwhile", () => {
  for (const bytes of [SHORTEST, STACK, LONGEST]) {
    const { heap, live, watch } = watchedHeap();
    const first = heap.object.malloc(bytes);
    const blocks = new Set(live);
    const called: Verb[] = [];
    watch.before = (verb) => called.push(verb);
    for (let round = 0; round < 5; round++) {
      assertBalanced(heap, 1);
      heap.object.free(first);
      assertBalanced(heap, 0);
      assert.equal(heap.mem.malloc(bytes), first, "the domains are one heap");
    }
    assert.deepEqual(called, [], "the system malloc is not asked");
    assert.deepEqual(live, blocks);
  }
});

test("longer blocks, small ones and those of calloc do not wait", () => {
  const { heap, live } = watchedHeap();
  const p = heap.object.malloc(TOO_LONG);
  heap.object.free(p);
  assert.ok(!live.has(p));
  const q = heap.object.calloc(1, STACK);
  heap.object.free(q);
  assert.ok(!live.has(q));
  assertBalanced(heap, 0);
});

test("only the last large block waits", () => {
  const { heap, live } = watchedHeap();
  const [one, other] = [heap.object.malloc(STACK), heap.object.malloc(STACK)];
  heap.object.free(one);
  assert.ok(!live.has(one));
  heap.object.free(other);
  assert.ok(live.has(other));
  assertBalanced(heap, 0);
});

test("every other large request gives it back first, and a small one where a pool needs memory", () => {
  const requests: Record<string, (heap: Heap, block: number) => number> = {
    longer: (heap) => heap.object.malloc(STACK + 1),
    shorter: (heap) => heap.object.malloc(STACK - 1),
    long: (heap) => heap.object.malloc(100_000),
    calloc: (heap) => heap.object.calloc(1, STACK),
    realloc: (heap, block) => heap.object.realloc(block, 5000),
    small: (heap) => heap.object.malloc(100),
  };
  for (const [name, request] of Object.entries(requests)) {
    const { heap, live, watch } = watchedHeap();
    const block = heap.object.malloc(3000);
    fill(heap, block, 3000, 1);
    const p = passing(heap);
    assert.ok(live.has(p));
    const called: string[] = [];
    watch.before = (verb, parameter) => called.push(`${verb} ${parameter}`);
    const q = request(heap, block);
    assert.equal(called[0], `free ${p}`, name);
    assertBalanced(heap, name === "realloc" ? 1 : 2);
    if (name === "realloc") assertFilled(heap, q, 3000, 1);
    else heap.object.free(block);
    heap.object.free(q);
    assertBalanced(heap, 0);
  }
});

test("small requests that pools serve leave it waiting", () => {
  const { heap } = watchedHeap();
  const small = Array.from({ length: 20 }, () => heap.object.malloc(40));
  const p = passing(heap);
  for (const q of small.splice(10)) heap.object.free(q);
  small.push(heap.object.malloc(40));
  assert.equal(heap.object.malloc(STACK), p);
  assertBalanced(heap, small.length + 1);
});

test("a realloc of the last block forgets it: its length is another one then", () => {
  for (const bytes of [600, 1500, 5000]) {
    const { heap, live } = watchedHeap();
    const p = heap.object.malloc(STACK);
    fill(heap, p, STACK, 7);
    const q = heap.object.realloc(p, bytes);
    assertFilled(heap, q, Math.min(bytes, STACK), 7);
    heap.object.free(q);
    assert.ok(!live.has(q), "it does not wait");
    // Our malloc shrinks a block where it is.
    const own = pooledHeap();
    const shrunk = own.object.realloc(own.object.malloc(STACK), bytes);
    own.object.free(shrunk);
    const [one, other] = [own.object.malloc(STACK), own.object.malloc(STACK)];
    fill(own, one, STACK, 1);
    fill(own, other, STACK, 2);
    assertFilled(own, one, STACK, 1);
    assertBalanced(own, 2);
  }
});

/** A hook in front of an allocator, and what it was asked for. */
function spy({ ctx, ...inner }: Allocator) {
  const seen: string[] = [];
  const hook: Allocator = {
    ctx: null,
    malloc(_, bytes) {
      seen.push(`malloc ${bytes}`);
      return inner.malloc(ctx, bytes);
    },
    calloc(_, count, size) {
      seen.push(`calloc ${count * size}`);
      return inner.calloc(ctx, count, size);
    },
    realloc(_, p, bytes) {
      seen.push(`realloc ${bytes}`);
      return inner.realloc(ctx, p, bytes);
    },
    free(_, p) {
      seen.push(`free ${p}`);
      inner.free(ctx, p);
    },
  };
  return { hook, seen };
}

test("a hook on the raw domain sees every request, also right after a block began to wait", () => {
  const { heap, live } = watchedHeap();
  const bare = heap.getAllocator("raw");
  const { hook, seen } = spy(bare);
  const p = passing(heap);
  heap.setAllocator("raw", hook);
  assert.ok(live.has(p), "it waits");
  for (let round = 0; round < 3; round++) {
    const q = heap.object.malloc(STACK);
    assert.deepEqual(seen.splice(0), [`malloc ${STACK}`], "and not the block that waited");
    assertBalanced(heap, 1);
    heap.object.free(q);
    assert.deepEqual(seen.splice(0), [`free ${q}`]);
    assert.ok(!live.has(q));
    assertBalanced(heap, 0);
  }
  // What was allocated without the hook goes back through it, as any other block.
  heap.setAllocator("raw", bare);
  const early = heap.object.malloc(STACK);
  heap.setAllocator("raw", hook);
  heap.object.free(early);
  assert.deepEqual(seen.splice(0), [`free ${early}`]);
  // And without the hook, one waits again.
  heap.setAllocator("raw", bare);
  const waits = passing(heap);
  assert.equal(heap.object.malloc(STACK), waits);
  assert.deepEqual(seen, []);
  assertBalanced(heap, 1);
});

test("a hook's functions see a block that waits go back only when it is the system malloc's", () => {
  const { heap, live } = watchedHeap();
  const { hook, seen } = spy(heap.getAllocator("raw"));
  const p = passing(heap);
  heap.setAllocator("raw", hook);
  const block = heap.object.calloc(1, STACK);
  assert.deepEqual(seen, [`calloc ${STACK}`], "it never saw the one that waited");
  assert.ok(!live.has(p) || block === p);
  assertBalanced(heap, 1);
});

test("in a debug mode no block waits, and hooks that come later end the waiting", () => {
  const { heap, watch } = watchedHeap("pymalloc_debug");
  const called: Verb[] = [];
  watch.before = (verb) => called.push(verb);
  for (let round = 0; round < 5; round++) {
    const p = heap.object.malloc(STACK);
    assert.ok(called.splice(0).includes("malloc"));
    heap.object.free(p);
    assert.ok(called.splice(0).includes("free"));
    assertBalanced(heap, 0);
  }
  const late = watchedHeap();
  const p = passing(late.heap);
  late.heap.setupDebugHooks();
  const q = late.heap.object.malloc(STACK);
  assert.notEqual(q, p, "it has a frame around it");
  late.heap.object.free(q);
  late.heap.validate();
  assert.equal(late.heap.getAllocatedBlocks(), 0);
});

test("what the system malloc throws costs no block, and the books are right", () => {
  for (const verb of ["malloc", "realloc", "free"] as const) {
    const { heap, live, watch } = watchedHeap();
    const block = heap.object.malloc(3000);
    fill(heap, block, 3000, 3);
    const before = new Set(live);
    const p = passing(heap);
    watch.before = (called) => {
      if (called === verb) throw new RangeError("not now");
    };
    const request = () =>
      verb === "realloc" ? heap.object.realloc(block, 5000) : heap.object.malloc(STACK + 1);
    assert.throws(request, /^RangeError: not now/);
    watch.before = () => {};
    assertBalanced(heap, 1);
    assertFilled(heap, block, 3000, 3);
    // A free that throws has been called with the block: it is nobody's from then on, as a table is.
    assert.equal(live.has(p), verb === "free");
    live.delete(p);
    assert.deepEqual(live, before);
    passing(heap);
    heap.object.free(request());
    assertBalanced(heap, verb === "realloc" ? 0 : 1);
  }
});

test("a system malloc that uses the heap leaves one block waiting at most", () => {
  const { heap, live, watch } = watchedHeap();
  let depth = 0;
  watch.before = () => {
    if (depth++ === 0) passing(heap, 700);
    depth--;
  };
  const blocks = Array.from({ length: 40 }, (_, n) => heap.object.malloc(600 + (n % 3) * 100));
  heap.object.free(heap.object.calloc(1, STACK));
  for (const [n, p] of blocks.entries()) {
    fill(heap, p, 600 + (n % 3) * 100, n);
    assertBalanced(heap, blocks.length);
  }
  for (const [n, p] of blocks.entries()) {
    assertFilled(heap, p, 600 + (n % 3) * 100, n);
    heap.object.free(p);
  }
  watch.before = () => {};
  assertBalanced(heap, 0);
  heap.object.free(heap.object.malloc(TOO_LONG));
  assert.equal(live.size, 1, "the root: nothing is left of the others");
});

test("it waits in a snapshot and its copies, each of which has its own", () => {
  const heap = pooledHeap();
  const block = heap.object.malloc(3000);
  const p = passing(heap);
  const from = heap.snapshot();
  for (const one of [heap, createHeap({ from }), createHeap({ from })]) {
    assertBalanced(one, 1);
    assert.equal(one.object.malloc(STACK), p);
    assertBalanced(one, 2);
    one.object.free(p);
    one.object.free(block);
    assertBalanced(one, 0);
  }
});

test("two heap objects over one root know what waits; one with a hook gives it back", () => {
  const { heap, memory, system, live } = watchedHeap();
  const other = createHeap({ memory, system, root: heap.root });
  const p = passing(heap);
  assert.equal(other.object.malloc(STACK), p);
  assertBalanced(heap, 1);
  heap.object.free(p);
  const { hook, seen } = spy(other.getAllocator("raw"));
  other.setAllocator("raw", hook);
  const q = other.object.malloc(STACK);
  assert.deepEqual(seen, [`malloc ${STACK}`]);
  assertBalanced(other, 1);
  heap.object.free(q);
  assert.ok(live.has(q) || q !== p);
  assertBalanced(heap, 0);
});
