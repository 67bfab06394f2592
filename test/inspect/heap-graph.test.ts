/** Snapshots of heaps of `createHeap`: objects of their types, references, what is held from outside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Snapshot, takeSnapshot } from "../../inspect/inspect.js";
import { createHeap, type HeapOptions } from "../../src/index.js";

const OUTSIDE = "JavaScript or C";

/** A heap with a list of three nodes, the first of which JavaScript has. */
function listHeap(options: HeapOptions = {}) {
  const heap = createHeap(options);
  const Node = heap.defineType({
    name: "Node",
    fields: { weight: "f64", tag: "u8", next: "ptr", others: "ptr[2]" },
  });
  const make = () => {
    const p = heap.newObject(Node);
    Object.assign(Node.at(p), { weight: 0, tag: 0, next: 0 });
    for (const i of [0, 1]) Node.at(p).others.set(i, 0);
    return p;
  };
  const [a, b, c] = [make(), make(), make()];
  Node.at(a).next = b;
  Node.at(b).others.set(1, c);
  return { heap, Node, make, a, b, c };
}

function paths(snapshot: Snapshot, p: number): string[] {
  return snapshot.pathsTo(snapshot.nodeAt(p)).map(String);
}

test("objects have their types, and pointers their names, in every mode", () => {
  for (const malloc of ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const) {
    const { heap, a, b, c } = listHeap({ malloc });
    const snapshot = takeSnapshot(heap);
    const node = snapshot.types().find(({ type }) => type === "Node");
    assert.equal(node?.count, 3, malloc);
    assert.deepEqual(paths(snapshot, a), [`${OUTSIDE} > Node`], malloc);
    assert.deepEqual(paths(snapshot, b), [`${OUTSIDE} > Node.next > Node`], malloc);
    assert.deepEqual(
      paths(snapshot, c),
      [`${OUTSIDE} > Node.next > Node.others[1] > Node`],
      malloc,
    );
    const { own, retained } = snapshot.describe(snapshot.nodeAt(a));
    assert.equal(retained, 3 * own, malloc);
    assert.equal(snapshot.describe(snapshot.nodeAt(c)).retained, own, malloc);
  }
});

test("a ring of objects that count no more than the ring is one that is lost", () => {
  const { heap, Node, make } = listHeap();
  const [x, y] = [make(), make()];
  Node.at(x).next = y;
  Node.at(y).next = x;
  const rows = takeSnapshot(heap).cycles();
  assert.deepEqual(
    rows.map(({ types, count, objects }) => [types, count, objects]),
    [["Node", 1, 2]],
  );
  heap.incref(x);
  const held = takeSnapshot(heap);
  assert.deepEqual(held.cycles(), []);
  assert.deepEqual(paths(held, y), [`${OUTSIDE} > Node.next > Node`]);
});

test("plain blocks hold each other by the addresses in them; a ring of those counts as held", () => {
  const heap = createHeap();
  const [a, b, c, d] = [40, 40, 600, 40].map((size) => heap.mem.calloc(1, size));
  heap.u32[((a as number) + 8) >>> 2] = b as number;
  heap.u32[((c as number) + 4) >>> 2] = d as number;
  heap.u32[(d as number) >>> 2] = c as number;
  const snapshot = takeSnapshot(heap);
  assert.deepEqual(paths(snapshot, b as number), [`${OUTSIDE} > memory+8? > memory`]);
  assert.equal(snapshot.cycles().length, 0);
  assert.deepEqual(snapshot.unreachable(), []);
});

test("the blocks of a heap are those that were allocated, whatever is in them", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(700), fc.nat()), { maxLength: 60 }), (requests) => {
      const heap = createHeap();
      const blocks = requests.map(([size, word]) => {
        const p = heap.mem.calloc(1, Math.max(size, 4));
        heap.u32[p >>> 2] = word;
        return p;
      });
      const snapshot = takeSnapshot(heap);
      for (const p of blocks) {
        const node = snapshot.nodeAt(p);
        assert.notEqual(node, 0);
        assert.equal(snapshot.graph.addresses[node], p);
      }
      assert.deepEqual(snapshot.unreachable(), []);
      const memory = snapshot.types().find(({ type }) => type === "memory");
      assert.equal(memory?.count ?? 0, blocks.length);
    }),
    { numRuns: 30 },
  );
});

test("few blocks in large pools pin them", () => {
  const heap = createHeap();
  const blocks = Array.from({ length: 20_000 }, () => heap.mem.malloc(64));
  for (const [i, p] of blocks.entries()) if (i % 200 !== 0) heap.mem.free(p);
  const row = takeSnapshot(heap)
    .pins()
    .find(({ size }) => size === 64);
  assert.ok(row !== undefined && row.pools > 10, JSON.stringify(row));
  assert.ok(row.blocks <= 100 && row.blocks > 50);
  assert.equal(row.used, 64 * row.blocks);
  assert.ok(row.used < row.bytes / 4);
  assert.match(row.types, /^memory \d+$/);
});
