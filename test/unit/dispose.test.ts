/** A heap that was disposed of: one clear error, and nothing that holds the memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createHeap, type MallocName } from "../../src/index.js";

const gone = {
  name: "Error",
  code: "PYMALLOC_DISPOSED",
  message: "the heap was disposed of, expected one in use",
};

for (const malloc of ["pymalloc", "malloc", "debug"] satisfies MallocName[]) {
  test(`after its disposal every use of a heap throws the same error (${malloc})`, () => {
    const heap = createHeap({ malloc });
    const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
    const Blob = heap.defineType({ name: "Blob", items: "u8" });
    const p = heap.newObject(Point);
    const view = Point.at(p);
    const { object, checked, capi } = heap;
    const owned = heap.own(heap.newObject(Point));
    heap[Symbol.dispose]();
    heap[Symbol.dispose]();
    const uses: Record<string, () => unknown> = {
      malloc: () => heap.object.malloc(8),
      calloc: () => heap.mem.calloc(1, 8),
      realloc: () => object.realloc(p, 8),
      free: () => heap.raw.free(p),
      checked: () => checked.object.malloc(8),
      capi: () => capi.PyObject_Malloc(8),
      old: () => heap.PyObject_Malloc(8),
      memory: () => heap.memory,
      u8: () => heap.u8,
      f64: () => heap.f64[0],
      defineType: () => heap.defineType({ name: "T" }),
      adoptType: () => heap.adoptType({ name: "Point", fields: { x: "f64" } }),
      newObject: () => heap.newObject(Point),
      newVarObject: () => heap.newVarObject(Blob, 1),
      initObject: () => heap.initObject(p, Point),
      initVarObject: () => heap.initVarObject(p, Blob, 1),
      deleteObject: () => heap.deleteObject(p),
      incref: () => heap.incref(p),
      decref: () => capi.Py_DECREF(p),
      refcount: () => heap.refcount(p),
      typeOf: () => heap.typeOf(p),
      itemCount: () => heap.itemCount(p),
      own: () => heap.own(p),
      owned: () => owned[Symbol.dispose](),
      at: () => Point.at(p),
      read: () => view.x,
      getAllocator: () => heap.getAllocator("object"),
      setAllocator: () => heap.setAllocator("object", { ctx: null, ...object }),
      setupDebugHooks: () => heap.setupDebugHooks(),
      getArenaAllocator: () => heap.getArenaAllocator(),
      stats: () => heap.stats(),
      debugMallocStats: () => heap.debugMallocStats(),
      getAllocatedBlocks: () => heap.getAllocatedBlocks(),
      validate: () => heap.validate(),
      isPymallocAddress: () => heap.isPymallocAddress(p),
      imports: () => heap.imports(),
      instantiate: () => heap.instantiate(new Uint8Array()),
      snapshot: () => heap.snapshot(),
    };
    for (const [name, use] of Object.entries(uses)) assert.throws(use, gone, name);
  });
}

test("a function that was copied out before goes on working", () => {
  const heap = createHeap();
  const { malloc, free } = heap.object;
  heap[Symbol.dispose]();
  free(malloc(24));
});

test("a memory of someone else's stays as it is, and its heap can be taken over", () => {
  const owner = createHeap({ malloc: "malloc" });
  const { memory, raw: system } = owner;
  const heap = createHeap({ malloc: "pymalloc", memory, system });
  const p = heap.object.malloc(24);
  heap[Symbol.dispose]();
  const other = createHeap({ memory, system, root: heap.root });
  assert.ok(other.isPymallocAddress(p));
  assert.equal(other.getAllocatedBlocks(), 1);
  other.object.free(p);
  other.validate();
});

test("a heap that is kept after its disposal does not keep its memory", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const heap = createHeap({ malloc: "debug" });
  const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
  heap.decref(heap.newObject(Point));
  const memory = new WeakRef(heap.memory);
  heap[Symbol.dispose]();
  for (let turn = 0; turn < 10 && memory.deref() !== undefined; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
  assert.equal(memory.deref(), undefined);
  assert.equal(Point.name, "Point");
  assert.throws(() => heap.memory, gone);
});
