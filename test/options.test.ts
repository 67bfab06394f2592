/** Options: each wrong one is refused, by name, and before anything is made. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createHeap, type HeapOptions } from "../src/index.js";

const saved = process.env["PYTHONMALLOC"];
afterEach(() => {
  if (saved === undefined) delete process.env["PYTHONMALLOC"];
  else process.env["PYTHONMALLOC"] = saved;
});

function assertRefused(options: unknown, message: RegExp): void {
  assert.throws(() => createHeap(options as HeapOptions), { name: "TypeError", message });
}

const memory = new WebAssembly.Memory({ initial: 1 });
const functions = { malloc: () => 0, calloc: () => 0, realloc: () => 0, free() {} };

test("each of PYTHONMALLOC's words gives the allocator of that name", () => {
  for (const word of ["default", "pymalloc"] as const) {
    const heap = createHeap({ malloc: word });
    assert.ok(heap.isPymallocAddress(heap.object.malloc(8)));
    assert.equal(heap.stats().malloc, "pymalloc");
  }
  for (const word of ["debug", "pymalloc_debug"] as const) {
    const heap = createHeap({ malloc: word });
    assert.ok(heap.isPymallocAddress(heap.object.malloc(8)));
    assert.equal(heap.stats().malloc, "pymalloc_debug");
    assert.throws(() => heap.object.free(heap.mem.malloc(8)), { kind: "wrong-family" });
  }
  const bare = createHeap({ malloc: "malloc_debug" });
  assert.equal(bare.isPymallocAddress(bare.object.malloc(8)), false);
  assert.equal(bare.stats().malloc, "malloc_debug");
  assert.throws(() => bare.object.free(bare.mem.malloc(8)), { kind: "wrong-family" });
  const plain = createHeap({ malloc: "malloc" });
  const p = plain.object.malloc(8);
  assert.equal(plain.isPymallocAddress(p), false);
  assert.equal(plain.stats().malloc, "malloc");
  assert.equal(plain.stats().arenas.allocatedTotal, 0);
  assert.equal(plain.getAllocatedBlocks(), 0);
  assert.equal(plain.debugMallocStats(), "");
  plain.validate();
  plain.object.free(p);
});

test("the environment decides where the option does not", () => {
  process.env["PYTHONMALLOC"] = "malloc";
  assert.equal(createHeap().stats().malloc, "malloc");
  assert.equal(createHeap({ malloc: "pymalloc" }).stats().malloc, "pymalloc");
  process.env["PYTHONMALLOC"] = "";
  assert.equal(createHeap().stats().malloc, "pymalloc");
  process.env["PYTHONMALLOC"] = "dlmalloc";
  assertRefused(
    {},
    /PYTHONMALLOC: unknown allocator "dlmalloc", expected one of default, pymalloc/,
  );
});

test("the debug options are checked, whatever the mode", () => {
  for (const onFault of ["ignore", 1, null]) {
    assertRefused({ onFault }, /onFault is .*, expected "throw", "report" or a function/);
  }
  for (const stacks of [1, "yes", null]) {
    assertRefused({ stacks }, /stacks is .*, expected true or false/);
  }
  for (const quarantineBytes of [-1, 1.5, 2 ** 30 + 1, Number.NaN, "1 MB"]) {
    assertRefused({ quarantineBytes }, /quarantineBytes is .*, expected a whole number of bytes/);
  }
  createHeap({ onFault: "report", stacks: true, quarantineBytes: 0 });
});

test("unknown options and wrong values are refused by name", () => {
  assertRefused({ maloc: "malloc" }, /unknown option "maloc", expected one of malloc, memory/);
  assertRefused({ malloc: "jemalloc" }, /malloc: unknown allocator "jemalloc"/);
  assertRefused({ malloc: 3 }, /malloc: unknown allocator 3/);
  assertRefused(null, /expected an object of options, got null/);
  for (const key of ["initialBytes", "maximumBytes"]) {
    for (const value of [0, -1, 1.5, 2 ** 31 + 1, Number.NaN, "1 MB"]) {
      assertRefused({ [key]: value }, new RegExp(`${key} is .*, expected a whole number of bytes`));
    }
  }
  assertRefused(
    { initialBytes: 1 << 20, maximumBytes: 1 << 19 },
    /initialBytes is 1048576, expected at most maximumBytes \(524288\)/,
  );
});

test("a memory needs its malloc, and a malloc its memory", () => {
  assertRefused({ memory }, /system is undefined, expected the malloc, calloc, realloc and free/);
  assertRefused({ system: functions }, /memory is undefined, expected the memory/);
  assertRefused(
    { memory: {}, system: functions },
    /memory is an object \(Object\), expected a WebA/,
  );
  for (const name of Object.keys(functions)) {
    const system = { ...functions, [name]: undefined };
    assertRefused(
      { memory, system },
      new RegExp(`system\\.${name} is undefined, expected a function`),
    );
  }
  const maximumBytes = 1 << 20;
  assertRefused(
    { memory, system: functions, maximumBytes },
    /maximumBytes is 1048576, expected nothing/,
  );
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  assertRefused({ memory: shared, system: functions }, /expected a memory that is not shared/);
});

test("a root and an image go together", () => {
  const image = new Uint8Array(65536);
  assertRefused({ image }, /root is undefined, expected the `heap.root`/);
  assertRefused({ root: 1024 }, /root is 1024, expected nothing without/);
  for (const root of [0, -4, 12, 1.5]) assertRefused({ image, root }, /root is .*, expected the/);
  assertRefused({ image: [], root: 8 }, /image is an object \(Array\), expected a Uint8Array/);
  assertRefused(
    { image: image.subarray(1), root: 8 },
    /image is "65535 bytes long", expected whole/,
  );
  assertRefused({ image, root: 8, initialBytes: 65536 }, /initialBytes is 65536, expected nothing/);
});

test("a malloc without memory for the root is a RangeError, not half a heap", () => {
  assert.throws(() => createHeap({ memory, system: functions }), {
    name: "RangeError",
    message: /no room for the heap's root/,
  });
});

test("sizes of an own memory are as they were asked for", () => {
  const heap = createHeap({ initialBytes: 100_000, maximumBytes: 200_000 });
  // TLSF, which traps, is always given a page more than it needs.
  assert.ok(heap.memory.buffer.byteLength <= 3 * 65536);
  while (heap.raw.malloc(1000) !== 0);
  assert.equal(heap.memory.buffer.byteLength, 3 * 65536);
});
