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
  const inner = heap.PyMem_GetAllocator("object");
  heap.PyMem_SetAllocator("object", {
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
      const fixed = [heap.PyObject_New(Point), heap.PyObject_Init(memory[0], Point)];
      const sized = [heap.PyObject_NewVar(Blob, 7), heap.PyObject_InitVar(memory[1], Blob, 7)];
      assert.deepEqual([fixed[1], sized[1]], memory, "Init returns its argument");
      for (const p of [...fixed, ...sized]) {
        assert.notEqual(p, 0);
        assert.deepEqual([heap.Py_REFCNT(p), word(heap, p, OB_REFCNT)], [1, 1]);
        const type = fixed.includes(p) ? Point.address : Blob.address;
        assert.deepEqual([heap.Py_TYPE(p), word(heap, p, OB_TYPE)], [type, type]);
      }
      for (const p of sized) assert.deepEqual([heap.Py_SIZE(p), word(heap, p, OB_SIZE)], [7, 7]);
      for (const p of fixed) heap.Py_DECREF(p);
      for (const p of sized) heap.PyObject_Del(p);
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
          heap.PyObject_Del(p);
        },
      });
      const p = heap.PyObject_New(T);
      heap.Py_INCREF(p);
      assert.equal(heap.Py_REFCNT(p), 2);
      heap.Py_DECREF(p);
      assert.deepEqual([heap.Py_REFCNT(p), died], [1, []]);
      heap.Py_DECREF(p);
      assert.deepEqual(died, [p]);
      assert.equal(heap.getAllocatedBlocks(), 0);
    });

    test("hooks on the object domain see the objects, set before or after the type", () => {
      const heap = createHeap({ malloc });
      const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
      const Blob = heap.defineType({ name: "Blob", items: "u16" });
      const early = heap.PyObject_New(Point);
      const original = heap.PyMem_GetAllocator("object");
      const record = recordRequests(heap);
      const [p, q] = [heap.PyObject_New(Point), heap.PyObject_NewVar(Blob, 3)];
      heap.defineType({ name: "Later" });
      assert.deepEqual(record.requests, [16, 20], "the types themselves are not there");
      for (const object of [early, p, q]) heap.Py_DECREF(object);
      assert.deepEqual(record.frees, [early, p, q]);
      heap.PyMem_SetAllocator("object", original);
      heap.Py_DECREF(heap.PyObject_New(Point));
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
  heap.PyObject_New(Odd);
  for (const n of [0, 1, 3, 4]) heap.PyObject_NewVar(Bytes, n);
  for (const n of [0, 1, 4]) heap.PyObject_NewVar(Threes, n);
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
  const count = heap.Py_REFCNT(T.address);
  heap.Py_INCREF(T.address);
  heap.Py_DECREF(T.address);
  heap.Py_DECREF(T.address);
  assert.equal(heap.Py_REFCNT(T.address), count);
  assert.equal(heap.Py_TYPE(heap.Py_TYPE(T.address)), heap.Py_TYPE(T.address));
  const message = /^PyObject_Del: p is the type at 0x\w+: types live as long as the heap$/;
  assert.throws(() => heap.PyObject_Del(T.address), { name: "TypeError", message });
  const p = heap.PyObject_New(T);
  heap.i32[p / 4] = objectsLayout.IMMORTAL - 1;
  heap.Py_INCREF(p);
  heap.Py_INCREF(p);
  heap.Py_DECREF(p);
  assert.equal(heap.Py_REFCNT(p), objectsLayout.IMMORTAL);
});

test("no memory: the constructors return 0, types are refused, the heap goes on", () => {
  const heap = pooledHeap({ maximumBytes: 1 << 20 });
  const { Node, newNode } = defineNode(heap);
  const Blob = heap.defineType({ name: "Blob", itemsize: 8 });
  assert.equal(heap.PyObject_NewVar(Blob, 1 << 18), 0);
  let head = 0;
  let nodes = 0;
  for (let p = heap.PyObject_New(Node); p !== 0; p = heap.PyObject_New(Node)) {
    Object.assign(Node.at(p), { left: head, right: 0 });
    head = p;
    nodes++;
  }
  assert.ok(nodes > 10_000);
  assert.equal(heap.PyObject_Init(heap.object.malloc(16), Node), 0);
  assert.equal(heap.PyObject_InitVar(0, Blob, 3), 0);
  const message = /^defineType: the memory has no room for the type X{70000}$/;
  assert.throws(() => heap.defineType({ name: "X".repeat(70_000) }), {
    name: "RangeError",
    message,
  });
  assertBalanced(heap, nodes);
  heap.Py_DECREF(head);
  assertBalanced(heap, 0);
  heap.Py_DECREF(newNode(0, 0));
});

test("a heap taken over knows its objects, but not the deallocs of before", () => {
  const heap = pooledHeap();
  const { newNode } = defineNode(heap);
  const Plain = heap.defineType({ name: "Plain" });
  const [node, plain] = [newNode(0, 0), heap.PyObject_New(Plain)];
  const copy = pooledHeap({ from: heap.snapshot() });
  const fresh = copy.defineType({ name: "Fresh", dealloc: (p) => copy.PyObject_Del(p) });
  assert.equal(copy.Py_TYPE(copy.Py_TYPE(plain)), copy.Py_TYPE(fresh.address), "one metatype");
  const message = /^Py_DECREF: 0x\w+ is of type "Node", whose dealloc is not known: expected /;
  for (let i = 0; i < 2; i++) {
    assert.throws(() => copy.Py_DECREF(node), { name: "TypeError", message });
    assert.equal(copy.Py_REFCNT(node), 1, "as it was");
  }
  copy.Py_DECREF(plain);
  copy.PyObject_Del(node);
  copy.Py_DECREF(copy.PyObject_New(fresh));
  assertBalanced(copy, 0);
  assert.throws(() => copy.PyObject_New(Plain), { name: "TypeError" });
  heap.Py_DECREF(node);
  heap.Py_DECREF(plain);
  assertBalanced(heap, 0);
});

test("own gives its reference back once", () => {
  const heap = pooledHeap();
  const T = heap.defineType({ name: "T" });
  const p = heap.PyObject_New(T);
  heap.Py_INCREF(p);
  {
    using owned = heap.own(p);
    assert.equal(owned.address, p);
    assert.equal(heap.Py_REFCNT(p), 2);
  }
  assert.equal(heap.Py_REFCNT(p), 1);
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
  const cursor = T.at(heap.PyObject_New(T));
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
