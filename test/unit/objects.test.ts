/** Objects: made, counted, and dead in the right order, without a trace in the books. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHeap, type Heap, type TypeDefinition } from "../../src/index.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { defineNode, objectsLayout, word } from "../support/objects.js";

const { OB_REFCNT, OB_TYPE, OB_SIZE, TP_BASICSIZE, TP_ITEMSIZE, TP_NAME, TP_DEALLOC } =
  objectsLayout;

/** Hooks the object domain: the sizes that it is asked for, and what it is given back. */
function recordRequests(heap: Heap): { requests: number[]; frees: number[] } {
  const record = { requests: [] as number[], frees: [] as number[] };
  const inner = heap.getAllocator("object");
  heap.setAllocator("object", {
    ctx: null,
    malloc(_ctx, bytes) {
      record.requests.push(bytes);
      return inner.malloc(inner.ctx, bytes);
    },
    calloc: (_ctx, count, size) => inner.calloc(inner.ctx, count, size),
    realloc: (_ctx, p, bytes) => inner.realloc(inner.ctx, p, bytes),
    free(_ctx, p) {
      record.frees.push(p);
      inner.free(inner.ctx, p);
    },
  });
  return record;
}

for (const malloc of ["pymalloc", "malloc"] as const) {
  describe(`with malloc: "${malloc}"`, () => {
    test("each constructor gives one reference and the type", () => {
      const heap = createHeap({ malloc });
      const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
      const Blob = heap.defineType({ name: "Blob", itemsize: 1 });
      const memory = [heap.object.malloc(16), heap.object.malloc(20)] as const;
      const fixed = [heap.newObject(Point), heap.initObject(memory[0], Point)];
      const sized = [heap.newVarObject(Blob, 7), heap.initVarObject(memory[1], Blob, 7)];
      assert.deepEqual([fixed[1], sized[1]], memory, "Init returns its argument");
      for (const p of [...fixed, ...sized]) {
        assert.notEqual(p, 0);
        assert.deepEqual([heap.refcount(p), word(heap, p, OB_REFCNT)], [1, 1]);
        const type = fixed.includes(p) ? Point.address : Blob.address;
        assert.deepEqual([heap.typeOf(p), word(heap, p, OB_TYPE)], [type, type]);
      }
      for (const p of sized) assert.deepEqual([heap.itemCount(p), word(heap, p, OB_SIZE)], [7, 7]);
      for (const p of fixed) heap.decref(p);
      for (const p of sized) heap.deleteObject(p);
      assert.equal(heap.getAllocatedBlocks(), 0);
      heap.validate();
    });

    test("references are counted, and dealloc runs once, after the last", () => {
      const heap = createHeap({ malloc });
      const died: number[] = [];
      const T = heap.defineType({
        name: "T",
        dealloc(p) {
          assert.equal(this.name, "T");
          died.push(p);
          heap.deleteObject(p);
        },
      });
      const p = heap.newObject(T);
      heap.incref(p);
      assert.equal(heap.refcount(p), 2);
      heap.decref(p);
      assert.deepEqual([heap.refcount(p), died], [1, []]);
      heap.decref(p);
      assert.deepEqual(died, [p]);
      assert.equal(heap.getAllocatedBlocks(), 0);
    });

    test("hooks on the object domain see the objects, set before or after the type", () => {
      const heap = createHeap({ malloc });
      const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
      const Blob = heap.defineType({ name: "Blob", items: "u16" });
      const early = heap.newObject(Point);
      const original = heap.getAllocator("object");
      const record = recordRequests(heap);
      const [p, q] = [heap.newObject(Point), heap.newVarObject(Blob, 3)];
      heap.defineType({ name: "Later" });
      assert.deepEqual(record.requests, [16, 20], "the types themselves are not there");
      for (const object of [early, p, q]) heap.decref(object);
      assert.deepEqual(record.frees, [early, p, q]);
      heap.setAllocator("object", original);
      heap.decref(heap.newObject(Point));
      assert.deepEqual([record.requests.length, record.frees.length], [2, 3]);
    });
  });
}

test("PyObject_NewVar rounds up to whole words, PyObject_New asks for basicsize", () => {
  const heap = pooledHeap();
  const Odd = heap.defineType({ name: "Odd", basicsize: 13 });
  const Bytes = heap.defineType({ name: "Bytes", itemsize: 1, basicsize: 13 });
  const Threes = heap.defineType({ name: "Threes", itemsize: 3 });
  const { requests } = recordRequests(heap);
  heap.newObject(Odd);
  for (const n of [0, 1, 3, 4]) heap.newVarObject(Bytes, n);
  for (const n of [0, 1, 4]) heap.newVarObject(Threes, n);
  assert.deepEqual(requests, [13, 16, 16, 16, 20, 12, 16, 24]);
});

test("a type object is the beginning of a PyTypeObject", () => {
  const heap = pooledHeap();
  const Plain = heap.defineType({ name: "Plain" });
  const Grüße = heap.defineType({ name: "Grüße", items: "f64", dealloc() {} });
  const metatype = word(heap, Plain.address, OB_TYPE);
  const expected = [
    [metatype, "type", 28, 0, 0],
    [Plain.address, "Plain", 8, 0, 0],
    [Grüße.address, "Grüße", 16, 8, 1],
  ] as const;
  for (const [type, name, basicsize, itemsize, dealloc] of expected) {
    assert.equal(type % 4, 0);
    assert.equal(word(heap, type, OB_TYPE), metatype);
    assert.equal(word(heap, type, OB_SIZE), 0);
    assert.equal(word(heap, type, TP_BASICSIZE), basicsize);
    assert.equal(word(heap, type, TP_ITEMSIZE), itemsize);
    assert.equal(word(heap, type, TP_DEALLOC), dealloc);
    const text = new TextEncoder().encode(`${name}\0`);
    const start = word(heap, type, TP_NAME);
    assert.deepEqual(heap.u8.slice(start, start + text.length), text);
  }
  assert.equal(heap.getAllocatedBlocks(), 0, "types are in no pool");
});

test("types never die, and nor does what has too many references", () => {
  const heap = pooledHeap();
  const T = heap.defineType({ name: "T" });
  const count = heap.refcount(T.address);
  heap.incref(T.address);
  heap.decref(T.address);
  heap.decref(T.address);
  assert.equal(heap.refcount(T.address), count);
  assert.equal(heap.typeOf(heap.typeOf(T.address)), heap.typeOf(T.address));
  const message = /^PyObject_Del: p is the type at 0x\w+: types live as long as the heap$/;
  assert.throws(() => heap.deleteObject(T.address), { name: "TypeError", message });
  const p = heap.newObject(T);
  heap.i32[p / 4] = objectsLayout.IMMORTAL - 1;
  heap.incref(p);
  heap.incref(p);
  heap.decref(p);
  assert.equal(heap.refcount(p), objectsLayout.IMMORTAL);
});

test("no memory: the constructors return 0, types are refused, the heap goes on", () => {
  const heap = pooledHeap({ maximumBytes: 1 << 20 });
  const { Node, newNode } = defineNode(heap);
  const Blob = heap.defineType({ name: "Blob", itemsize: 8 });
  assert.equal(heap.newVarObject(Blob, 1 << 18), 0);
  let head = 0;
  let nodes = 0;
  for (let p = heap.newObject(Node); p !== 0; p = heap.newObject(Node)) {
    Object.assign(Node.at(p), { left: head, right: 0 });
    head = p;
    nodes++;
  }
  assert.ok(nodes > 10_000);
  assert.equal(heap.initObject(heap.object.malloc(16), Node), 0);
  assert.equal(heap.initVarObject(0, Blob, 3), 0);
  const message = /^defineType: the memory has no room for the type X{70000}$/;
  assert.throws(() => heap.defineType({ name: "X".repeat(70_000) }), {
    name: "RangeError",
    message,
  });
  assertBalanced(heap, nodes);
  heap.decref(head);
  assertBalanced(heap, 0);
  heap.decref(newNode(0, 0));
});

test("a heap taken over knows its objects, but not the deallocs of before", () => {
  const heap = pooledHeap();
  const { newNode } = defineNode(heap);
  const Plain = heap.defineType({ name: "Plain" });
  const [node, plain] = [newNode(0, 0), heap.newObject(Plain)];
  const copy = pooledHeap({ from: heap.snapshot() });
  const fresh = copy.defineType({ name: "Fresh", dealloc: (p) => copy.deleteObject(p) });
  assert.equal(copy.typeOf(copy.typeOf(plain)), copy.typeOf(fresh.address), "one metatype");
  const message = /^Py_DECREF: 0x\w+ is of type "Node", whose dealloc is not known: expected /;
  for (let i = 0; i < 2; i++) {
    assert.throws(() => copy.decref(node), { name: "TypeError", message });
    assert.equal(copy.refcount(node), 1, "as it was");
  }
  copy.decref(plain);
  copy.deleteObject(node);
  copy.decref(copy.newObject(fresh));
  assertBalanced(copy, 0);
  assert.throws(() => copy.newObject(Plain), { name: "TypeError" });
  heap.decref(node);
  heap.decref(plain);
  assertBalanced(heap, 0);
});

test("own gives its reference back once", () => {
  const heap = pooledHeap();
  const T = heap.defineType({ name: "T" });
  const p = heap.newObject(T);
  heap.incref(p);
  {
    using owned = heap.own(p);
    assert.equal(owned.address, p);
    assert.equal(heap.refcount(p), 2);
  }
  assert.equal(heap.refcount(p), 1);
  const owned = heap.own(p);
  owned[Symbol.dispose]();
  assert.equal(owned.address, 0);
  owned[Symbol.dispose]();
  assertBalanced(heap, 0);
  using nothing = heap.own(0);
  assert.equal(nothing.address, 0);
});

test("wrong types do not compile", () => {
  const heap = pooledHeap();
  const T = heap.defineType({ name: "T", fields: { x: "f64", list: "u8[4]" } });
  const cursor = T.at(heap.newObject(T));
  // @ts-expect-error: no such field
  assert.equal(cursor.y, undefined);
  // @ts-expect-error: only types with items have them
  assert.equal(cursor.items, undefined);
  assert.throws(() => {
    // @ts-expect-error: an array is filled, not replaced
    cursor.list = 1;
  }, TypeError);
  // @ts-expect-error: no such type of a field
  const wrong: TypeDefinition = { name: "T", fields: { x: "u64" } };
  assert.throws(() => heap.defineType(wrong), TypeError);
});
