/** The names of a heap's functions: JavaScript's, CPython's under `capi`, and the old ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeap, type Heap } from "../../src/index.js";
import { pooledHeap } from "../support/heaps.js";

/** CPython's names, each with the heap's function. */
function pairs(heap: Heap): [keyof Heap["capi"], unknown][] {
  const { raw, mem, object, capi } = heap;
  return [
    ["PyMem_RawMalloc", raw.malloc],
    ["PyMem_RawCalloc", raw.calloc],
    ["PyMem_RawRealloc", raw.realloc],
    ["PyMem_RawFree", raw.free],
    ["PyMem_Malloc", mem.malloc],
    ["PyMem_Calloc", mem.calloc],
    ["PyMem_Realloc", mem.realloc],
    ["PyMem_Free", mem.free],
    ["PyObject_Malloc", object.malloc],
    ["PyObject_Calloc", object.calloc],
    ["PyObject_Realloc", object.realloc],
    ["PyObject_Free", object.free],
    ["PyMem_GetAllocator", heap.getAllocator],
    ["PyMem_SetAllocator", heap.setAllocator],
    ["PyMem_SetupDebugHooks", heap.setupDebugHooks],
    ["PyObject_GetArenaAllocator", heap.getArenaAllocator],
    ["PyObject_SetArenaAllocator", heap.setArenaAllocator],
    ["PyObject_New", heap.newObject],
    ["PyObject_NewVar", heap.newVarObject],
    ["PyObject_Init", heap.initObject],
    ["PyObject_InitVar", heap.initVarObject],
    ["PyObject_Del", heap.deleteObject],
    ["Py_INCREF", heap.incref],
    ["Py_DECREF", heap.decref],
    ["Py_REFCNT", heap.refcount],
    ["Py_TYPE", heap.typeOf],
    ["Py_SIZE", heap.itemCount],
  ] satisfies [keyof typeof capi, unknown][];
}

function assertNamed(heap: Heap): void {
  const all = pairs(heap);
  for (const [name, expected] of all) {
    assert.equal(typeof expected, "function", name);
    assert.equal(heap.capi[name], expected, `capi.${name}`);
    assert.equal(heap[name], expected, `the old name ${name}`);
  }
  assert.deepEqual(Object.keys(heap.capi).sort(), all.map(([name]) => name).sort());
}

test("each of CPython's names is the very function that has a name of JavaScript's", () => {
  const heap = createHeap({ malloc: "pymalloc" });
  const { malloc } = heap.object;
  assertNamed(heap);
  heap.setupDebugHooks();
  assert.notEqual(heap.object.malloc, malloc);
  assertNamed(heap);
});

test("no function of objects or allocators needs a this", () => {
  const { defineType, newObject, incref, decref, refcount, getAllocator, setAllocator } =
    pooledHeap();
  const Point = defineType({ name: "Point", fields: { x: "f64" } });
  const p = newObject(Point);
  incref(p);
  assert.equal(refcount(p), 2);
  decref(p);
  setAllocator("object", getAllocator("object"));
  decref(p);
});
