/** Death: of long lists and deep trees, with deallocs that fail, and from a guest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiate } from "../../base/instances.js";
import { createHeap, type Heap } from "../../src/index.js";
import type { ObjectExports } from "../../src/objects/module.js";
import { assertBalanced, layout, pooledHeap } from "../support/heaps.js";
import { defineNode, objectsLayout, word } from "../support/objects.js";

for (const malloc of ["pymalloc", "malloc"] as const) {
  test(`malloc: "${malloc}": a list of a million nodes dies without overflowing the stack`, () => {
    const heap = createHeap({ malloc });
    const { newNode, deaths } = defineNode(heap);
    const before = heap.getAllocatedBlocks();
    let head = 0;
    for (let i = 0; i < 1_000_000; i++) head = newNode(0, head);
    assert.equal(heap.getAllocatedBlocks() - before, malloc === "pymalloc" ? 1_000_000 : 0);
    heap.Py_DECREF(head);
    assert.equal(deaths.count, 1_000_000);
    assert.equal(deaths.deepest, objectsLayout.TRASHCAN_DEPTH);
    assert.equal(heap.getAllocatedBlocks(), before);
    heap.validate();
  });
}

test("a deep tree, and one with many references to one node, die whole", () => {
  const heap = pooledHeap();
  const { newNode, deaths } = defineNode(heap);
  const shared = newNode(0, 0);
  const grow = (depth: number): number => {
    if (depth > 0) return newNode(grow(depth - 1), grow(depth - 1));
    heap.Py_INCREF(shared);
    return shared;
  };
  let root = grow(12);
  for (let i = 0; i < 1000; i++) root = i % 2 ? newNode(root, grow(1)) : newNode(grow(1), root);
  heap.Py_DECREF(root);
  assert.equal(heap.Py_REFCNT(shared), 1);
  heap.Py_DECREF(shared);
  assertBalanced(heap, 0);
  assert.equal(deaths.count, 2 ** 12 - 1 + 2 * 1000 + 1);
  assert.ok(deaths.deepest <= objectsLayout.TRASHCAN_DEPTH);
});

test("when deallocs throw, all that has to die dies, and the first error comes out once", () => {
  const heap = pooledHeap();
  let thrown = 0;
  const Bad = heap.defineType({
    name: "Bad",
    fields: { next: "ptr", throws: "u8" },
    dealloc(p) {
      const { next, throws } = Bad.at(p);
      heap.PyObject_Del(p);
      if (next !== 0) heap.Py_DECREF(next);
      if (throws !== 0) throw new Error(`number ${++thrown}`);
    },
  });
  const newList = (throws: (i: number) => boolean): number => {
    let head = 0;
    for (let i = 0; i < 500; i++) {
      const p = heap.PyObject_New(Bad);
      Object.assign(Bad.at(p), { next: head, throws: throws(i) ? 1 : 0 });
      head = p;
    }
    return head;
  };
  const list = newList((i) => i % 100 === 0);
  assert.throws(() => heap.Py_DECREF(list), { message: "number 1" });
  assert.equal(thrown, 5);
  assertBalanced(heap, 0);
  assert.equal(word(heap, heap.root, layout.ROOT_SIZE + objectsLayout.DEPTH), 0);
  heap.Py_DECREF(newList(() => false));
  assert.throws(() => heap.Py_DECREF(newList((i) => i === 499)), { message: "number 6" });
  assertBalanced(heap, 0);
});

/** The exports as a guest gets them, with a dealloc of its own. */
function instantiateGuest(
  heap: Heap,
  dealloc: (number: number, p: number) => number,
  raise: () => void,
): ObjectExports {
  const { malloc, free } = heap.object;
  const host = { root: heap.root + layout.ROOT_SIZE, malloc, free, dealloc, raise };
  const env = { memory: heap.memory };
  return instantiate("objects", { env, "object-host": host }) as unknown as ObjectExports;
}

test("a guest calls the exports itself: bad input is answered by 0", () => {
  const heap = pooledHeap();
  const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
  const Blob = heap.defineType({ name: "Blob", itemsize: 0x7ffffffc });
  const fail = () => assert.fail("nothing dies");
  const guest = instantiateGuest(heap, fail, fail);
  const blank = heap.object.calloc(1, 40);
  const none = [
    guest.PyObject_New(0),
    guest.PyObject_New(blank),
    guest.PyObject_NewVar(0, 1),
    guest.PyObject_NewVar(blank, 1),
    guest.PyObject_NewVar(Blob.address, -1),
    guest.PyObject_NewVar(Blob.address, 1),
    guest.PyObject_NewVar(Blob.address, 0x7fffffff),
    guest.PyObject_Init(0, Point.address),
    guest.PyObject_Init(blank, 0),
    guest.PyObject_InitVar(0, Blob.address, 1),
    guest.PyObject_InitVar(blank, 0, 1),
    guest.PyObject_InitVar(blank, Blob.address, -1),
  ];
  assert.deepEqual(
    none,
    none.map(() => 0),
  );
  assert.ok(heap.u8.subarray(blank, blank + 40).every((byte) => byte === 0));
  for (const ignored of [guest.PyObject_Del, guest.Py_INCREF, guest.Py_DECREF]) ignored(0);
  heap.object.free(blank);
  assertBalanced(heap, 0);
});

test("a guest and the library speak of the same objects, and share the trashcan", () => {
  const heap = pooledHeap();
  const Mortal = heap.defineType({ name: "Mortal", fields: { next: "ptr" }, dealloc() {} });
  const Blob = heap.defineType({ name: "Blob", itemsize: 1 });
  const died: number[] = [];
  let raised = 0;
  let trap = false;
  const dealloc = (number: number, p: number) => {
    assert.equal(number, 1);
    died.push(p);
    const { next } = Mortal.at(p);
    heap.object.free(p);
    if (next === 0 && trap) throw new WebAssembly.RuntimeError("unreachable");
    try {
      guest.Py_DECREF(next);
    } catch {
      return 0;
    }
    return 1;
  };
  const guest = instantiateGuest(heap, dealloc, () => raised++);
  const newPair = () => {
    const [p, q] = [guest.PyObject_New(Mortal.address), guest.PyObject_New(Mortal.address)];
    Mortal.at(p).next = q;
    Mortal.at(q).next = 0;
    return [p, q] as const;
  };
  const first = newPair();
  guest.Py_INCREF(first[0]);
  heap.Py_DECREF(first[0]);
  guest.Py_DECREF(first[0]);
  assert.deepEqual(died, first);
  trap = true;
  const second = newPair();
  guest.Py_DECREF(second[0]);
  assert.deepEqual([died, raised], [[...first, ...second], 1]);
  const depth = word(heap, heap.root, layout.ROOT_SIZE + objectsLayout.DEPTH);
  assert.equal(depth, 0, "what the trap skipped is put right");
  trap = false;
  guest.Py_DECREF(newPair()[0]);
  assert.equal(raised, 1, "an error is told once");
  guest.Py_DECREF(guest.PyObject_NewVar(Blob.address, 0));
  assertBalanced(heap, 0);
});
