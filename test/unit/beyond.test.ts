/** Memories beyond 2 GiB, where WebAssembly's addresses come out negative: everything is as it is below. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { debugLayout } from "../../base/generated/modules.js";
import { instantiate } from "../../base/instances.js";
import {
  createHeap,
  type Domain,
  type Heap,
  type HeapOptions,
  PyMemError,
} from "../../src/index.js";
import {
  assertBalanced,
  assertFilled,
  fill,
  foreignMalloc,
  layout,
  numbers,
} from "../support/heaps.js";
import { type Family, families, faultOf, prefixes } from "../support/mistakes.js";

const PAGE = 65536;
const unsigned = (p: number) => p >>> 0;
const hex = (p: number) => `0x${unsigned(p).toString(16)}`;

/** Where the malloc begins. A memory is only as dear as what is used of it. */
const STARTS = { "2.1 GiB": 2.1 * 2 ** 30, "3.9 GiB": 3.9 * 2 ** 30 };

/** A malloc that is JavaScript, and one whose addresses come out of WebAssembly. */
const SYSTEMS: Record<string, (memory: WebAssembly.Memory, start: number) => Domain> = {
  JavaScript: foreignMalloc,
  WebAssembly: (memory, start) =>
    instantiate("bump", { env: { memory }, bump: { start, span: 0 } }) as unknown as Domain,
};

const modes = ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const;

interface Place {
  readonly start: number;
  readonly memory: WebAssembly.Memory;
  readonly system: Domain;
}

/** A heap in every place, in some modes. */
function everywhere(
  name: string,
  check: (heap: Heap, place: Place, options: HeapOptions) => void,
  inModes: readonly (typeof modes)[number][] = modes,
): void {
  for (const [where, at] of Object.entries(STARTS)) {
    for (const [what, systemOver] of Object.entries(SYSTEMS)) {
      test(`a heap at ${where} over a malloc of ${what}: ${name}`, () => {
        for (const malloc of inModes) {
          const start = Math.floor(at / 16) * 16;
          const memory = new WebAssembly.Memory({ initial: Math.ceil(start / PAGE) + 1 });
          const system = systemOver(memory, start);
          const options = { malloc, memory, system };
          const heap = createHeap(options);
          assert.ok(heap.root >= start, `the root is at ${heap.root}`);
          check(heap, { start, memory, system }, options);
        }
      });
    }
  }
}

everywhere("blocks keep their content, and the books balance", (heap, { start }, { malloc }) => {
  const pooled = malloc?.startsWith("pymalloc");
  const next = numbers(7);
  const blocks = Array.from({ length: 600 }, (_, seed) => {
    const family = families[seed % 3] as Family;
    const bytes = seed % 20 === 0 ? 600 + next(5000) : 1 + next(300);
    const p = unsigned(heap[family].malloc(bytes));
    assert.ok(p >= start);
    fill(heap, p, bytes, seed);
    return { p, bytes, seed, family };
  });
  for (const block of blocks) {
    block.p = unsigned(heap[block.family].realloc(block.p, block.bytes + 100));
    assertFilled(heap, block.p, block.bytes, block.seed);
    if (block.seed % 4 === 0) heap[block.family].free(block.p);
  }
  const live = blocks.filter(({ seed }) => seed % 4 !== 0);
  for (const { p, bytes, seed } of live) assertFilled(heap, p, bytes, seed);
  const counted = live.filter(({ family }) => family !== "raw");
  const inPools = counted.filter(({ p }) => heap.isPymallocAddress(p));
  assert.deepEqual(
    counted.filter(({ p }) => heap.isPymallocAddress(p | 0)),
    inPools,
  );
  assert.equal(inPools.length > counted.length / 2, pooled);
  assert.equal(heap.getAllocatedBlocks(), pooled ? counted.length : 0);
  heap.validate();
  if (malloc === "pymalloc") assertBalanced(heap, counted.length);
  const { arenas } = heap.stats();
  assert.equal(arenas.current > 0, pooled);
  const rows = heap.debugMallocStats();
  assert.equal(
    rows.includes(`${arenas.current} arenas * ${arenas.size}`),
    malloc !== "malloc",
    rows,
  );
  const zeros = unsigned(heap.object.calloc(100, 7));
  assert.ok(heap.u8.subarray(zeros, zeros + 700).every((byte) => byte === 0));
});

everywhere("a second heap object over the same root is the same heap", (heap, _, options) => {
  const p = heap.object.malloc(100);
  for (const root of [heap.root, heap.root | 0]) {
    const other = createHeap({ ...options, root });
    assert.equal(other.root, heap.root);
    assert.deepEqual(other.stats(), heap.stats());
    other.validate();
    const q = other.object.malloc(100);
    assert.notEqual(q, p);
    heap.object.free(q);
  }
});

everywhere("objects, their types and their fields", (heap, { start }) => {
  const died: number[] = [];
  const Node = heap.defineType({
    name: "Node",
    fields: { value: "f64", next: "ptr", small: "u8", bytes: "u8[3]" },
    dealloc(p) {
      died.push(p);
      const { next } = Node.at(p);
      heap.deleteObject(p);
      if (next !== 0) heap.decref(next);
    },
  });
  const Blob = heap.defineType({ name: "Blob", items: "i16" });
  assert.ok(Node.address >= start);
  const first = heap.newObject(Node);
  const second = heap.newObject(Node);
  assert.ok(first >= start && second >= start);
  Node.at(first).next = second;
  Node.at(second).next = 0;
  assert.equal(Node.at(first).next, second);
  Node.at(first).value = 1.5;
  Node.at(first).small = 300;
  Node.at(first).bytes.set(2, 7);
  for (const p of [first, first | 0]) {
    const node = Node.at(p);
    assert.deepEqual([node.address, node.value, node.small], [first, 1.5, 44]);
    assert.equal(node.bytes.get(2), 7);
    assert.equal(heap.typeOf(p), Node.address);
    heap.incref(p);
    assert.equal(heap.refcount(p), 2);
    heap.decref(p);
  }
  const blob = heap.newVarObject(Blob, 5);
  assert.equal(heap.itemCount(blob | 0), 5);
  assert.deepEqual([...Blob.at(blob).items].length, 5);
  assert.throws(() => Node.at(blob), { message: new RegExp(`p is ${hex(blob)}, expected`) });
  const room = unsigned(heap.object.malloc(64));
  assert.equal(heap.initObject(room | 0, Node), room);
  assert.equal(heap.initVarObject(room | 0, Blob, 3), room);
  heap.decref(first | 0);
  assert.deepEqual(died, [first, second]);
});

everywhere("hooks and arena allocators get addresses as C has them", (heap, { start }) => {
  const arenas = heap.getArenaAllocator();
  const runs = new Map<number, number>();
  heap.setArenaAllocator({
    ctx: null,
    alloc: (_, bytes) => {
      const run = arenas.alloc(arenas.ctx, bytes);
      runs.set(run, bytes);
      return run | 0;
    },
    free: (_, run, bytes) => {
      assert.equal(runs.get(run), bytes);
      runs.delete(run);
      arenas.free(arenas.ctx, run, bytes);
    },
  });

  const seen: number[] = [];
  const live = new Set<number>();
  const inner = heap.getAllocator("object");
  const born = (p: number) => {
    live.add(p);
    seen.push(p);
    return p;
  };
  const gone = (p: number) => assert.ok(live.delete(p), `${p} is live`);
  heap.setAllocator("object", {
    ctx: "mine",
    malloc: (_, bytes) => born(inner.malloc(inner.ctx, bytes)),
    calloc: (_, count, size) => born(inner.calloc(inner.ctx, count, size)),
    realloc: (_, p, bytes) => {
      gone(p);
      return born(inner.realloc(inner.ctx, p, bytes));
    },
    free: (_, p) => {
      gone(p);
      inner.free(inner.ctx, p);
    },
  });
  const p = heap.object.malloc(40);
  const q = heap.object.realloc(p | 0, 400);
  heap.object.free(q | 0);
  heap.object.free(heap.object.calloc(3, 5) | 0);
  assert.equal(live.size, 0);
  assert.ok(seen.every((address) => address >= start));

  const blocks = Array.from({ length: 500 }, () => heap.mem.malloc(500));
  for (const block of blocks) heap.mem.free(block);
  heap.validate();
});

everywhere(
  "a broken invariant is told with its place",
  (heap, { start }) => {
    const p = unsigned(heap.object.malloc(40));
    const { UNITS_CURRENT } = layout;
    const word = (heap.root + UNITS_CURRENT) / 4;
    heap.u32[word] = (heap.u32[word] as number) + 1;
    const broken = faultOf(() => heap.validate());
    assert.equal(broken.kind, "broken-invariant");
    assert.match(broken.message, new RegExp(` broken at ${hex(broken.address)}: `));
    heap.u32[word] = (heap.u32[word] as number) - 1;
    heap.validate();
    // A pool's header: the address is that of the pool.
    const pool = p - (p % layout.SLICE_SIZE);
    heap.u16[pool / 2 + 8] = 44;
    const damaged = faultOf(() => heap.validate());
    assert.ok(damaged.address >= start, damaged.message);
  },
  ["pymalloc"],
);

everywhere(
  "each mistake is named, with sentence and dump",
  (heap, { start }) => {
    const { FORBIDDENBYTE } = debugLayout;
    const block = (family: Family = "object") => unsigned(heap[family].malloc(20));
    const told = (error: PyMemError, kind: string, p: number, block = p) => {
      assert.ok(error instanceof PyMemError);
      assert.equal(error.kind, kind);
      assert.equal(error.address, p);
      assert.ok(error.message.includes(hex(block)), error.message);
      assert.ok(error.dump?.includes(`p=${hex(block)}`), error.dump);
    };
    for (const pass of [unsigned, (p: number) => p | 0]) {
      let p = block();
      assert.ok(p >= start);
      heap.u8[p + 20] = 1;
      told(
        faultOf(() => heap.validate()),
        "buffer-overflow",
        p,
      );
      told(
        faultOf(() => heap.object.free(pass(p))),
        "buffer-overflow",
        p,
      );
      heap.u8[p + 20] = FORBIDDENBYTE;
      heap.u8[p - 1] = 1;
      told(
        faultOf(() => heap.object.realloc(pass(p), 30)),
        "buffer-underflow",
        p,
      );
      heap.u8[p - 1] = FORBIDDENBYTE;
      told(
        faultOf(() => heap.mem.free(pass(p))),
        "wrong-family",
        p,
      );
      told(
        faultOf(() => heap.object.free(pass(p + 8))),
        "invalid-pointer",
        p + 8,
        p,
      );
      heap.object.free(pass(p));
      told(
        faultOf(() => heap.object.free(pass(p))),
        "double-free",
        p,
      );
      p = block("raw");
      heap.raw.free(pass(p));
      heap.u8[p + 3] = 1;
      told(
        faultOf(() => heap.validate()),
        "use-after-free-write",
        p,
      );
      heap.u8[p + 3] = debugLayout.DEADBYTE;
      heap.validate();
      const outside = start - 4096;
      const error = faultOf(() => heap.mem.free(pass(outside)));
      assert.equal(error.kind, "invalid-pointer");
      assert.ok(error.message.startsWith(`invalid-pointer: ${prefixes.mem}Free(${hex(outside)})`));
    }
  },
  ["pymalloc_debug", "malloc_debug"],
);
