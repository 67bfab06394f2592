/** The quarantine of the debug modes, going on after a report, and what is kept for a report. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeap, type PyMemError } from "../../src/index.js";
import { debugHeap, debugModes, families, faultOf } from "../support/mistakes.js";

test("freed blocks are held back, up to a limit by bytes, the oldest leave first", () => {
  for (const malloc of debugModes) {
    const heap = debugHeap({ malloc, quarantineBytes: 1000 });
    const size = 84; // 100 with its pads: 10 fit
    const blocks = Array.from({ length: 30 }, () => heap.mem.malloc(size));
    for (const [index, p] of blocks.entries()) {
      heap.mem.free(p);
      const { heldBlocks, heldBytes } = heap.stats().debug as never;
      const expected = Math.min(index + 1, 10);
      assert.deepEqual([heldBlocks, heldBytes], [expected, expected * 100]);
    }
    assert.equal(heap.getAllocatedBlocks(), 0, "what is held back counts as freed");
    const held = blocks.slice(20);
    for (const p of Array.from({ length: 20 }, () => heap.mem.malloc(size))) {
      assert.ok(!held.includes(p), "held memory is not reused");
    }
  }
});

test("a block that is larger than the quarantine is not held, and empties nothing", () => {
  const heap = debugHeap({ quarantineBytes: 1000 });
  const small = heap.object.malloc(10);
  heap.object.free(small);
  const large = heap.object.malloc(5000);
  heap.object.free(large);
  assert.equal(heap.stats().debug?.heldBlocks, 1);
  assert.equal(faultOf(() => heap.object.free(small)).kind, "double-free");
});

test("a large block is held once, though it is a block of two families", () => {
  const heap = debugHeap({ quarantineBytes: 3000 });
  for (let round = 0; round < 100; round++) {
    heap.object.free(heap.object.malloc(900));
    assert.ok((heap.stats().debug?.heldBytes as number) <= 3000);
  }
  assert.equal(heap.stats().debug?.heldBlocks, 3);
  heap.validate();
});

test("a write into freed memory is found when the block leaves, and its memory is never used again", () => {
  for (const malloc of debugModes) {
    for (const family of families) {
      const faults: PyMemError[] = [];
      const onFault = (fault: PyMemError) => faults.push(fault);
      const heap = debugHeap({ malloc, quarantineBytes: 1000, onFault });
      const { malloc: take, free } = heap[family];
      const p = take(21);
      free(p);
      heap.u8[p + 20] = 0xdc;
      for (let i = 0; i < 100; i++) free(take(21));
      assert.equal(faults.length, 1);
      const [fault] = faults;
      assert.deepEqual([fault?.kind, fault?.address], ["use-after-free-write", p]);
      assert.deepEqual([fault?.call, fault?.size, fault?.family], ["quarantine", 21, family]);
      const later = Array.from({ length: 1000 }, () => take(21));
      assert.ok(!later.includes(p));
      heap.validate();
      assert.equal(faults.length, 1, "it is reported once");
      free(p);
      assert.equal(faults[1]?.kind, "double-free");
    }
  }
});

test("thrown from a free, a fault of another block leaves the block at hand as it was", () => {
  const heap = debugHeap({ quarantineBytes: 200 });
  const p = heap.mem.malloc(80);
  const q = heap.mem.malloc(120);
  heap.mem.free(p);
  heap.u8[p] = 0;
  const fault = faultOf(() => heap.mem.free(q));
  assert.deepEqual([fault.kind, fault.address], ["use-after-free-write", p]);
  heap.mem.free(q);
  assert.equal(faultOf(() => heap.mem.free(q)).kind, "double-free");
  heap.validate();
});

test("without a quarantine, a second free is still named until the memory is another block's", () => {
  const heap = debugHeap({ quarantineBytes: 0 });
  const keep = heap.mem.malloc(24);
  const p = heap.mem.malloc(24);
  heap.mem.free(p);
  const fault = faultOf(() => heap.mem.free(p));
  assert.deepEqual([fault.kind, fault.size], ["double-free", 24]);
  assert.equal(heap.mem.malloc(24), p, "reused at once");
  heap.mem.free(p);
  heap.mem.free(keep);
  heap.validate();
});

test('onFault "report": the bad call does nothing, and the program goes on', () => {
  for (const malloc of debugModes) {
    const kinds: string[] = [];
    const heap = debugHeap({ malloc, onFault: ({ kind }) => kinds.push(kind) });
    const p = heap.mem.malloc(100);
    heap.object.free(p); // wrong family: it is live still
    assert.equal(heap.object.realloc(p, 200), 0);
    heap.u8[p + 99] = 7;
    heap.mem.free(p + 8);
    heap.u8[p + 100] = 0;
    assert.equal(heap.mem.realloc(p, 200), 0, "a damaged block stays where it is");
    heap.validate(); // reported already
    const q = heap.mem.realloc(p, 200);
    assert.equal(heap.u8[q + 99], 7, "the second time it moves: the true size is known");
    const r = heap.mem.malloc(50);
    heap.u8[r - 1] = 0;
    heap.mem.free(r);
    heap.mem.free(r);
    heap.mem.free(q);
    heap.mem.free(q);
    assert.deepEqual(kinds, [
      "wrong-family",
      "wrong-family",
      "invalid-pointer",
      "buffer-overflow",
      "buffer-underflow",
      "double-free",
      "double-free",
    ]);
    const damaged = [p, r];
    for (let i = 0; i < 20_000; i++) assert.ok(!damaged.includes(heap.mem.malloc(100)));
    heap.validate();
    assert.equal(kinds.length, 7);
  }
});

test('"report" writes the whole report to the console', () => {
  const written: unknown[] = [];
  const { error } = console;
  console.error = (text: unknown) => written.push(text);
  try {
    const heap = debugHeap({ onFault: "report" });
    const p = heap.object.malloc(5);
    heap.object.free(p);
    heap.object.free(p);
  } finally {
    console.error = error;
  }
  assert.equal(written.length, 1);
  assert.match(String(written[0]), /^PyMemError: double-free: PyObject_Free\(0x[0-9a-f]+\): the/);
  assert.match(String(written[0]), /\nDebug memory block at address p=0x[0-9a-f]+: API 'o'\n/);
});

test("validate reports every damaged block, where reports do not throw", () => {
  const seen: [string, number][] = [];
  const heap = debugHeap({ onFault: ({ kind, address }) => seen.push([kind, address]) });
  const expected: [string, number][] = [];
  for (let i = 0; i < 50; i++) {
    const family = families[i % 3] as "raw";
    const size = i * 20 + 1;
    const p = heap[family].malloc(size);
    if (i % 5 === 0) {
      heap.u8[p + size] = 0;
      expected.push(["buffer-overflow", p]);
    } else if (i % 5 === 1) {
      heap.u8[p - 2] = 0;
      expected.push(["buffer-underflow", p]);
    } else if (i % 5 === 2) {
      heap[family].free(p);
      heap.u8[p + size - 1] = 0;
      expected.push(["use-after-free-write", p]);
    }
  }
  heap.validate();
  const sorted = (list: [string, number][]) => list.map(String).sort();
  assert.deepEqual(sorted(seen), sorted(expected));
});

function allocateHere(heap: ReturnType<typeof debugHeap>): number {
  return heap.object.malloc(33);
}

function freeThere(heap: ReturnType<typeof debugHeap>, p: number): void {
  heap.object.free(p);
}

test("with stacks, a report says where the block was allocated and where it was freed", () => {
  const heap = debugHeap({ stacks: true });
  const p = allocateHere(heap);
  const wrong = faultOf(() => heap.mem.free(p));
  assert.match(wrong.allocationStack as string, /^ +at allocateHere /);
  assert.equal(wrong.freeStack, undefined);
  freeThere(heap, p);
  const twice = faultOf(() => heap.object.free(p));
  assert.match(twice.allocationStack as string, /^ +at allocateHere /);
  assert.match(twice.freeStack as string, /^ +at freeThere /);
  assert.match(
    twice.report(),
    /The block was allocated here:\n +at allocateHere [\s\S]*freed here:/,
  );
  const without = debugHeap();
  const q = allocateHere(without);
  assert.equal(faultOf(() => without.mem.free(q)).allocationStack, undefined);
});

test("when memory is short, the quarantine gives up what it holds", () => {
  for (const malloc of debugModes) {
    const maximumBytes = 1 << 20;
    const heap = debugHeap({ malloc, maximumBytes, quarantineBytes: 2 ** 30 });
    for (let i = 0; i < 50_000; i++) {
      const p = heap.mem.malloc(100);
      assert.notEqual(p, 0);
      heap.mem.free(p);
    }
    const live: number[] = [];
    for (const size of [1000, 500, 200, 8]) {
      for (let p = heap.mem.malloc(size); p !== 0; p = heap.mem.malloc(size)) live.push(p);
    }
    assert.ok(live.length > 200, `${live.length}`);
    assert.equal(heap.stats().debug?.heldBlocks, 0);
    const [first = 0] = live;
    assert.equal(heap.mem.realloc(first, 100_000), 0, "and the block stays as it was");
    assert.equal(heap.mem.realloc(first, 500), first, "a smaller one is cut down where it is");
    heap.validate();
    for (const p of live) heap.mem.free(p);
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  }
});

test("a debug heap is rebuilt from a copy of its memory, and only as what it is", () => {
  const heap = debugHeap();
  const p = heap.mem.malloc(30);
  const dead = heap.object.malloc(30);
  heap.object.free(dead);
  const from = heap.snapshot();
  const copy = createHeap({ from });
  assert.equal(faultOf(() => copy.object.free(p)).kind, "wrong-family");
  assert.equal(faultOf(() => copy.object.free(dead)).kind, "double-free");
  copy.mem.free(p);
  copy.validate();
  assert.equal(copy.getAllocatedBlocks(), 0);
  assert.throws(() => createHeap({ malloc: "pymalloc", from }), {
    name: "TypeError",
    message: /malloc is "pymalloc", expected "pymalloc_debug" for the heap at 0x/,
  });
  const plain = createHeap({ malloc: "pymalloc" });
  assert.throws(() => createHeap({ malloc: "debug", from: plain.snapshot() }), {
    name: "TypeError",
    message: /malloc is "pymalloc_debug", expected "pymalloc" for the heap at 0x/,
  });
});
