/** Misuse of objects: refused by function, value and what was expected, before anything is changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Heap, TypeObject } from "../../src/index.js";
import { pooledHeap } from "../support/heaps.js";
import { defineNode } from "../support/objects.js";

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
      PyObject_New: () => heap.newObject(type),
      PyObject_NewVar: () => heap.newVarObject(type, 1),
      PyObject_Init: () => heap.initObject(8, type),
      PyObject_InitVar: () => heap.initVarObject(8, type, 1),
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
  refused(() => heap.newObject(V), `PyObject_New: type is ${withItems}`);
  refused(() => heap.initObject(8, V), `PyObject_Init: type is ${withItems}`);
  refused(() => heap.newVarObject(T, 1), `PyObject_NewVar: type is ${without}`);
  refused(() => heap.initVarObject(8, T, 1), `PyObject_InitVar: type is ${without}`);
  const items = "expected a whole number of items from 0 to 1073741816";
  for (const [n, name] of [
    [-1, "RangeError"],
    [1073741817, "RangeError"],
    [1.5, "TypeError"],
    [Number.NaN, "TypeError"],
    [2 ** 40, "RangeError"],
  ] as const) {
    refused(() => heap.newVarObject(V, n), `PyObject_NewVar: n is ${n}, ${items}`, name);
    refused(() => heap.initVarObject(8, V, n), `PyObject_InitVar: n is ${n}, ${items}`, name);
  }
  const size = heap.memory.buffer.byteLength;
  const place = "expected 16 bytes of the memory, at a multiple of 8";
  for (const p of [12, size, size - 8, -8]) {
    const shown = `0x${(p >>> 0).toString(16)}`;
    refused(() => heap.initObject(p, T), `PyObject_Init: p is ${shown}, ${place}`, "RangeError");
  }
  refused(() => heap.initObject(8.5, T), `PyObject_Init: p is 0x8, ${place}`, "RangeError");
  assert.throws(() => heap.initVarObject(size - 16, V, 3), /expected 18 bytes of the memory/);
});

test("what is no object is not counted, and the dead stay dead", () => {
  const [heap, other] = [pooledHeap(), pooledHeap()];
  const blank = heap.object.malloc(16);
  const calls = (of: Heap, p: number) => ({
    Py_INCREF: () => of.incref(p),
    Py_DECREF: () => of.decref(p),
    Py_REFCNT: () => of.refcount(p),
    Py_TYPE: () => of.typeOf(p),
    Py_SIZE: () => of.itemCount(p),
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
  const p = heap.newObject(Node);
  for (const wrong of [0, 8, blank, p + 1, p + 8, heap.u8.length, -4]) assertNoObject(heap, wrong);
  assertNoObject(other, p);
  assert.throws(() => heap.itemCount(p), {
    name: "TypeError",
    message:
      /^Py_SIZE: 0x\w+ is of type Node, which has no itemsize, expected an object of variable/,
  });
  let inside: unknown;
  const Zombie = heap.defineType({
    name: "Zombie",
    dealloc(z) {
      try {
        heap.decref(z);
      } catch (error) {
        inside = error;
      }
      assert.throws(() => heap.incref(z), RangeError);
      heap.deleteObject(z);
    },
  });
  heap.decref(heap.newObject(Zombie));
  assert.ok(inside instanceof RangeError);
  assert.match(
    inside.message,
    /^Py_DECREF: the object at 0x\w+ has 0 references, expected at least 1$/,
  );
});
