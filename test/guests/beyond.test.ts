/** A heap's own memory beyond 2 GiB, up to its limit, and guests that lie there. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHeap, type Heap } from "../../src/index.js";
import {
  buildGuest,
  expectedReport,
  exportsOf,
  reasonToSkip,
  textAt,
  wasi,
} from "../support/guests.js";
import { assertBalanced, assertFilled, fill } from "../support/heaps.js";
import { faultOf } from "../support/mistakes.js";

const GIB = 2 ** 30;
const LIMIT = 4 * GIB - 65536;

/** A heap in which all that comes lies behind so many GiB. Nothing is written there, so it is not dear. */
function heapBeyond(gib: number): { heap: Heap; fillers: number[] } {
  const heap = createHeap({ malloc: "pymalloc", maximumBytes: LIMIT });
  const fillers: number[] = [];
  while (heap.memory.buffer.byteLength < gib * GIB) {
    const p = heap.raw.malloc(0.45 * GIB) >>> 0;
    assert.notEqual(p, 0);
    fillers.push(p);
  }
  // What is free before them.
  for (let i = 0; i < 3000; i++) heap.raw.malloc(24);
  return { heap, fillers };
}

for (const debug of [false, true]) {
  test(`blocks, objects and the books beyond 2 GiB, ${debug ? "with" : "without"} debug hooks`, () => {
    const { heap } = heapBeyond(2.1);
    if (debug) heap.setupDebugHooks();
    const T = heap.defineType({ name: "T", fields: { x: "f64", next: "ptr" } });
    let last = 0;
    const blocks = Array.from({ length: 2000 }, (_, seed) => {
      const p = heap.mem.malloc(seed) >>> 0;
      fill(heap, p, seed, seed);
      const object = heap.newObject(T);
      T.at(object).next = last;
      last = object;
      return p;
    });
    const beyond = blocks.filter((p) => p > 2 * GIB);
    assert.ok(beyond.length > 1500, `${beyond.length} blocks are beyond`);
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 4000);
    for (const [seed, p] of blocks.entries()) {
      assertFilled(heap, p, seed, seed);
      heap.mem.free(p);
    }
    while (last !== 0) {
      const { next } = T.at(last);
      heap.decref(last | 0);
      last = next;
    }
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  });
}

test("the memory is used up to its limit, and its blocks come back", () => {
  const { heap, fillers } = heapBeyond(3.5);
  const large: number[] = [];
  let end = 0;
  for (const bytes of [2 ** 26, 2 ** 22, 2 ** 18, 2 ** 14]) {
    for (let p = heap.raw.malloc(bytes); p !== 0; p = heap.raw.malloc(bytes)) {
      large.push(p);
      end = Math.max(end, (p >>> 0) + bytes);
    }
  }
  const small: number[] = [];
  for (let p = heap.object.malloc(64); p !== 0; p = heap.object.malloc(64)) small.push(p >>> 0);
  assert.ok(end > LIMIT - 2 ** 15, `${LIMIT - end} bytes before the limit`);
  assert.ok(heap.memory.buffer.byteLength <= LIMIT + 65536);
  assert.equal(heap.object.malloc(64), 0);
  assert.equal(heap.raw.calloc(1, 2 ** 14), 0);
  for (const [seed, p] of small.entries()) fill(heap, p, 64, seed);
  assertBalanced(heap, small.length);
  for (const [seed, p] of small.entries()) assertFilled(heap, p, 64, seed);
  for (const p of small) heap.object.free(p);
  for (const p of [...large, ...fillers]) heap.raw.free(p);
  assertBalanced(heap, 0);
  assert.notEqual(heap.raw.malloc(0.9 * GIB), 0);
});

describe("guests", { skip: reasonToSkip() }, () => {
  const flags = [`-Wl,--global-base=${2.5 * GIB}`];

  test("a guest whose data and stack lie beyond 2 GiB runs as below", () => {
    const { heap } = heapBeyond(2.1);
    const bytes = buildGuest(["extension.c"], { flags });
    const { run } = exportsOf(heap.instantiate(bytes, { wasi_snapshot_preview1: wasi }));
    for (let round = 0; round < 2; round++) {
      const report = (run?.(1000) as number) >>> 0;
      assert.ok(report > 2 * GIB);
      assert.equal(textAt(heap, report), expectedReport);
    }
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  });

  test("its hooks, its types and its mistakes as well", () => {
    const { heap } = heapBeyond(2.1);
    const hooks = exportsOf(heap.instantiate(buildGuest(["hooks.c"], { flags })));
    for (const [number, domain] of (["raw", "mem", "object"] as const).entries()) {
      hooks["hook"]?.(number);
      assert.equal(hooks["is_hooked"]?.(number), 1);
      hooks[`use_${domain}`]?.();
      assert.equal(hooks["counted"]?.(number), 252_1112);
      hooks["unhook"]?.(number);
      assert.equal(hooks["is_hooked"]?.(number), 0);
    }
    heap.validate();
  });

  test("and its mistakes are named", () => {
    const { heap } = heapBeyond(2.1);
    heap.setupDebugHooks();
    const bytes = buildGuest(["mistakes.c"], { malloc: false, flags });
    const mistakes = exportsOf(heap.instantiate(bytes));
    for (const [name, kind] of Object.entries({
      buffer_overflow: "buffer-overflow",
      double_free: "double-free",
      wrong_family: "wrong-family",
    })) {
      const fault = faultOf(() => mistakes[name]?.());
      assert.equal(fault.kind, kind);
      assert.ok(fault.address > 2 * GIB);
      assert.ok(fault.message.includes(`0x${fault.address.toString(16)}`), fault.message);
    }
  });
});
