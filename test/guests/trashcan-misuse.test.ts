/** Objects that are dead and wait for their dealloc: nobody takes them for alive, and nobody gets them out of the list. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHeap, type Heap, type TypeObject } from "../../src/index.js";
import { buildGuest, exportsOf, reasonToSkip, wasi } from "../support/guests.js";
import { objectsLayout } from "../support/objects.js";

/** Calls that take an object, by the name that an error has. */
type Calls = (heap: Heap, type: TypeObject) => Record<string, (p: number) => unknown>;

const fromTypeScript: Calls = (heap, type) => ({
  Py_INCREF: (p) => heap.incref(p),
  Py_DECREF: (p) => heap.decref(p),
  own: (p) => heap.own(p),
  PyObject_Del: (p) => heap.deleteObject(p),
  PyObject_Init: (p) => heap.initObject(p, type),
  PyObject_InitVar: (p) => heap.initVarObject(p, heap.defineType({ name: "V", itemsize: 1 }), 2),
});

/** The functions that a guest imports. */
const fromImports: Calls = (heap, type) => {
  const functions = heap.imports()["pymalloc"] as Record<string, (...args: number[]) => void>;
  const call = (name: string, ...more: number[]) => ({
    [name]: (p: number) => functions[name]?.(p, ...more),
  });
  return {
    ...call("Py_INCREF"),
    ...call("Py_DECREF"),
    ...call("PyObject_Del"),
    ...call("PyObject_Init", type.address),
    ...call("PyObject_InitVar", type.address, 3),
  };
};

/** A deep tree dies. Whenever an object has come to wait, all calls are tried on it, before it is its turn. */
function assertRefused(heap: Heap, calls: Calls): void {
  const died = new Set<number>();
  let tried = 0;
  const Node = heap.defineType({
    name: "Node",
    fields: { children: "ptr[3]", tag: "u32" },
    dealloc(p) {
      const children = [...Node.at(p).children].filter((child) => child !== 0);
      for (const child of children) heap.decref(child);
      for (const child of children) if (!died.has(child)) tryOn(child);
      assert.equal(heap.refcount(p), 0);
      heap.deleteObject(p);
      died.add(p);
    },
  });
  const all = calls(heap, Node);
  const tryOn = (p: number) => {
    tried++;
    assert.equal(heap.refcount(p), 0);
    assert.equal(heap.typeOf(p), Node.address);
    const object = `the object at 0x${p.toString(16)}`;
    const waits = `${object} is dead and waits for its dealloc`;
    for (const [name, call] of Object.entries(all)) {
      const messages: Record<string, string> = {
        PyObject_Del: `${name}: ${waits}, which frees it`,
        PyObject_Init: `${name}: ${waits}, expected memory without an object`,
        PyObject_InitVar: `${name}: ${waits}, expected memory without an object`,
      };
      const otherwise = `${name}: ${object} has 0 references, expected at least 1`;
      assert.throws(() => call(p), { name: "RangeError", message: messages[name] ?? otherwise });
      assert.equal(heap.refcount(p), 0);
    }
    assert.equal(Node.at(p).tag, 1234, "its fields are there until its dealloc has run");
  };
  const nodes: number[] = [];
  const grow = (height: number): number => {
    const p = heap.newObject(Node);
    nodes.push(p);
    const isWide = height % (objectsLayout.TRASHCAN_DEPTH - 1) === 0;
    const node = Node.at(p);
    node.tag = 1234;
    for (let i = 0; i < 3; i++) {
      node.children.set(i, height > 0 && (i === 0 || isWide) ? grow(height - 1) : 0);
    }
    return p;
  };
  const before = heap.getAllocatedBlocks();
  heap.decref(grow(130));
  assert.deepEqual([...died].sort(), nodes.sort(), "each died once");
  assert.ok(tried >= 10, `${tried}`);
  assert.equal(heap.getAllocatedBlocks(), before);
  heap.validate();
}

for (const malloc of ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const) {
  test(`malloc: "${malloc}": an object that waits is refused as the dead object that it is`, () => {
    assertRefused(createHeap({ malloc }), fromTypeScript);
    assertRefused(createHeap({ malloc }), fromImports);
  });
}

describe("in C", { skip: reasonToSkip() }, () => {
  test("the macros see the same, and throw the same", () => {
    for (const malloc of ["pymalloc", "pymalloc_debug"] as const) {
      const heap = createHeap({ malloc });
      const bytes = buildGuest(["counts.c"]);
      const guest = exportsOf(heap.instantiate(bytes, { wasi_snapshot_preview1: wasi }));
      const call = (name: string, ...more: number[]) => {
        return (p: number) => guest[name]?.(p, ...more);
      };
      assertRefused(heap, (_, type) => ({
        Py_INCREF: call("incref"),
        Py_DECREF: call("decref"),
        PyObject_Del: call("delete"),
        PyObject_Init: call("init", type.address),
      }));
      assertRefused(heap, () => ({
        Py_INCREF: call("xincref"),
        Py_DECREF(p) {
          assert.equal(guest["refcnt"]?.(p), 0);
          call("xdecref")(p);
        },
      }));
    }
  });
});

test("what a guest counts wrongly in a dealloc comes out of the outermost Py_DECREF", () => {
  const heap = createHeap();
  const { Py_INCREF, Py_DECREF } = heap.imports()["pymalloc"] as Record<
    string,
    (p: number) => void
  >;
  const Zombie = heap.defineType({
    name: "Zombie",
    dealloc(p) {
      try {
        Py_INCREF?.(p);
      } finally {
        heap.deleteObject(p);
      }
    },
  });
  for (const decref of [Py_DECREF as (p: number) => void, (p: number) => heap.decref(p)]) {
    const p = heap.newObject(Zombie);
    const message = `Py_INCREF: the object at 0x${p.toString(16)} has 0 references, expected at least 1`;
    assert.throws(() => decref(p), { name: "RangeError", message });
    assert.equal(heap.getAllocatedBlocks(), 0);
  }
});

test("in a debug mode a pointer to nowhere is named as such, also while objects wait", () => {
  const heap = createHeap({ malloc: "debug" });
  let named = 0;
  assertRefused(heap, () => ({
    Py_INCREF(p) {
      for (const wild of [0xcdcdcdcc, 0xfffffffc]) {
        assert.throws(() => heap.deleteObject(wild), { kind: "invalid-pointer" });
        named++;
      }
      heap.incref(p);
    },
  }));
  assert.ok(named > 0);
});

test("memory without an object may look like one that waits", () => {
  const heap = createHeap();
  const blanks: number[] = [];
  const Node = heap.defineType({
    name: "Node",
    fields: { next: "ptr" },
    dealloc(p) {
      const { next } = Node.at(p);
      if (next !== 0) heap.decref(next);
      const blank = heap.object.malloc(Node.basicsize);
      heap.u32.fill(0x80000000 + p / 4, blank / 4, blank / 4 + 3);
      blanks.push(heap.initObject(blank, Node));
      heap.deleteObject(p);
    },
  });
  let list = 0;
  for (let i = 0; i < 200; i++) {
    const p = heap.newObject(Node);
    Node.at(p).next = list;
    list = p;
  }
  heap.decref(list);
  assert.equal(blanks.length, 200);
  assert.ok(blanks.every((p) => heap.refcount(p) === 1));
  for (const p of blanks) heap.deleteObject(p);
});
