/** Objects: made, counted, and dead in the right order, without a trace in the books. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { instantiate } from "../src/core.js";
import { layout, objectsLayout } from "../src/generated/modules.js";
import { createHeap, type Heap, type TypeDefinition, type TypeObject } from "../src/index.js";
import type { ObjectFunctions } from "../src/objects.js";
import { assertBalanced, pooledHeap } from "./support/heaps.js";

const { OB_REFCNT, OB_TYPE, OB_SIZE, TP_BASICSIZE, TP_ITEMSIZE, TP_NAME, TP_DEALLOC } =
  objectsLayout;

/** A word of the memory. */
function word(heap: Heap, p: number, offset = 0): number {
  return heap.u32[(p + offset) / 4] as number;
}

/** The list that a C programmer would write; how often its dealloc ran is counted. */
function defineNode(heap: Heap) {
  const deaths = { count: 0, deepest: 0, depth: 0 };
  const Node = heap.defineType({
    name: "Node",
    fields: { left: "ptr", right: "ptr" },
    dealloc(p) {
      assert.equal(heap.i32[p / 4], 0, "no reference is left, waited or not");
      deaths.depth++;
      deaths.deepest = Math.max(deaths.deepest, deaths.depth);
      const { left, right } = Node.at(p);
      heap.PyObject_Del(p);
      if (left !== 0) heap.Py_DECREF(left);
      if (right !== 0) heap.Py_DECREF(right);
      deaths.depth--;
      deaths.count++;
    },
  });
  const newNode = (left: number, right: number): number => {
    const p = heap.PyObject_New(Node);
    assert.notEqual(p, 0);
    Object.assign(Node.at(p), { left, right });
    return p;
  };
  return { Node, newNode, deaths };
}

/** Asks the object domain for so many bytes at a time. */
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

    test("a list of a million nodes dies without overflowing the stack", () => {
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

test("types of one heap are no types of another, and misuse is named", () => {
  const [heap, other] = [pooledHeap(), pooledHeap()];
  const T = heap.defineType({ name: "T", fields: { x: "f64" } });
  const V = heap.defineType({ name: "V", items: "u16" });
  const foreign = other.defineType({ name: "T" });
  const expectType = "expected a type that this heap's defineType made";
  for (const [type, shown] of [
    [foreign, "an object (TypeObject)"],
    [T.address, String(T.address)],
    [{ ...T }, "an object (Object)"],
    [undefined, "undefined"],
  ] as [TypeObject, string][]) {
    const calls = {
      PyObject_New: () => heap.PyObject_New(type),
      PyObject_NewVar: () => heap.PyObject_NewVar(type, 1),
      PyObject_Init: () => heap.PyObject_Init(8, type),
      PyObject_InitVar: () => heap.PyObject_InitVar(8, type, 1),
    };
    for (const [name, call] of Object.entries(calls)) {
      const message = `${name}: type is ${shown}, ${expectType}`;
      assert.throws(call, { name: "TypeError", message });
    }
  }
  const withItems = "V, with itemsize 2, expected one without (PyObject_NewVar is for it)";
  const without = "T, with itemsize 0, expected a type with an itemsize";
  const refused = (call: () => unknown, message: string, name = "TypeError") =>
    assert.throws(call, { name, message });
  refused(() => heap.PyObject_New(V), `PyObject_New: type is ${withItems}`);
  refused(() => heap.PyObject_Init(8, V), `PyObject_Init: type is ${withItems}`);
  refused(() => heap.PyObject_NewVar(T, 1), `PyObject_NewVar: type is ${without}`);
  refused(() => heap.PyObject_InitVar(8, T, 1), `PyObject_InitVar: type is ${without}`);
  const items = "expected a whole number of items from 0 to 1073741816";
  for (const [n, name] of [
    [-1, "RangeError"],
    [1073741817, "RangeError"],
    [1.5, "TypeError"],
    [Number.NaN, "TypeError"],
    [2 ** 40, "RangeError"],
  ] as const) {
    refused(() => heap.PyObject_NewVar(V, n), `PyObject_NewVar: n is ${n}, ${items}`, name);
    refused(() => heap.PyObject_InitVar(8, V, n), `PyObject_InitVar: n is ${n}, ${items}`, name);
  }
  const size = heap.memory.buffer.byteLength;
  const place = "expected 16 bytes of the memory, at a multiple of 8";
  for (const p of [12, size, size - 8, -8]) {
    const shown = `0x${(p >>> 0).toString(16)}`;
    refused(() => heap.PyObject_Init(p, T), `PyObject_Init: p is ${shown}, ${place}`, "RangeError");
  }
  refused(() => heap.PyObject_Init(8.5, T), `PyObject_Init: p is 0x8, ${place}`, "RangeError");
  assert.throws(() => heap.PyObject_InitVar(size - 16, V, 3), /expected 18 bytes of the memory/);
});

test("what is no object is not counted, and the dead stay dead", () => {
  const [heap, other] = [pooledHeap(), pooledHeap()];
  const blank = heap.object.malloc(16);
  const calls = (of: Heap, p: number) => ({
    Py_INCREF: () => of.Py_INCREF(p),
    Py_DECREF: () => of.Py_DECREF(p),
    Py_REFCNT: () => of.Py_REFCNT(p),
    Py_TYPE: () => of.Py_TYPE(p),
    Py_SIZE: () => of.Py_SIZE(p),
  });
  const assertNoObject = (of: Heap, p: number) => {
    for (const [name, call] of Object.entries(calls(of, p))) {
      const message = `${name}: p is 0x${(p >>> 0).toString(16)}, expected an object of this heap`;
      assert.throws(call, { name: "TypeError", message });
    }
  };
  for (const p of [0, 8, blank]) assertNoObject(heap, p);
  const { Node } = defineNode(heap);
  heap.u8.fill(0, blank, blank + 16);
  const p = heap.PyObject_New(Node);
  for (const wrong of [0, 8, blank, p + 1, p + 8, heap.u8.length, -4]) assertNoObject(heap, wrong);
  assertNoObject(other, p);
  assert.throws(() => heap.Py_SIZE(p), {
    name: "TypeError",
    message:
      /^Py_SIZE: 0x\w+ is of type Node, which has no itemsize, expected an object of variable/,
  });
  let inside: unknown;
  const Zombie = heap.defineType({
    name: "Zombie",
    dealloc(z) {
      try {
        heap.Py_DECREF(z);
      } catch (error) {
        inside = error;
      }
      assert.throws(() => heap.Py_INCREF(z), RangeError);
      heap.PyObject_Del(z);
    },
  });
  heap.Py_DECREF(heap.PyObject_New(Zombie));
  assert.ok(inside instanceof RangeError);
  assert.match(
    inside.message,
    /^Py_DECREF: the object at 0x\w+ has 0 references, expected at least 1$/,
  );
});

test("a heap taken over knows its objects, but not the deallocs of before", () => {
  const heap = pooledHeap();
  const { newNode } = defineNode(heap);
  const Plain = heap.defineType({ name: "Plain" });
  const [node, plain] = [newNode(0, 0), heap.PyObject_New(Plain)];
  const copy = pooledHeap({ image: heap.u8.slice(), root: heap.root });
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

/** The exports as a guest gets them, with a dealloc of its own. */
function instantiateGuest(
  heap: Heap,
  dealloc: (number: number, p: number) => number,
  raise: () => void,
): ObjectFunctions {
  const { malloc, free } = heap.object;
  const host = { root: heap.root + layout.ROOT_SIZE, malloc, free, dealloc, raise };
  const env = { memory: heap.memory };
  return instantiate("objects", { env, host }) as unknown as ObjectFunctions;
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
