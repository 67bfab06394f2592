/** Options: each wrong one is refused, by name, and before anything is made. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { createHeap, type HeapOptions } from "../../src/index.js";
import { foreignMalloc } from "../support/heaps.js";

const variables = ["PYMALLOC", "PYTHONMALLOC"];
const saved = variables.map((name) => process.env[name]);
const restore = () => {
  for (const [i, name] of variables.entries()) {
    if (saved[i] === undefined) delete process.env[name];
    else process.env[name] = saved[i];
  }
};
beforeEach(() => {
  for (const name of variables) delete process.env[name];
});
afterEach(restore);

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

test("PYMALLOC decides where the option does not, and PYTHONMALLOC is nothing to a library", () => {
  process.env["PYMALLOC"] = "malloc";
  assert.equal(createHeap().stats().malloc, "malloc");
  assert.equal(createHeap({ malloc: "pymalloc" }).stats().malloc, "pymalloc");
  process.env["PYMALLOC"] = "";
  assert.equal(createHeap().stats().malloc, "pymalloc");
  for (const word of ["mimalloc", "malloc", "nonsense"]) {
    process.env["PYTHONMALLOC"] = word;
    assert.equal(createHeap().stats().malloc, "pymalloc");
  }
  process.env["PYMALLOC"] = "dlmalloc";
  assertRefused({}, /PYMALLOC: unknown allocator "dlmalloc", expected one of default, pymalloc/);
  const from = createHeap({ malloc: "pymalloc" }).snapshot();
  for (const word of ["malloc", "debug", "dlmalloc"]) {
    process.env["PYMALLOC"] = word;
    assert.equal(createHeap({ from }).stats().malloc, "pymalloc", "a heap is what it is");
  }
});

test("an environment that is not there, or may not be read, is none", () => {
  const { process: real } = globalThis;
  const replace = (name: string, property: PropertyDescriptor) =>
    Object.defineProperty(globalThis, name, { configurable: true, ...property });
  const throwing = () => {
    throw new Error("Requires env access, run again with the --allow-env flag");
  };
  const environments: PropertyDescriptor[] = [
    { value: undefined },
    { value: {} },
    { value: { env: {} } },
    { get: throwing },
    { value: Object.defineProperty({}, "env", { get: throwing }) },
    { value: { env: new Proxy({}, { get: throwing }) } },
  ];
  try {
    for (const environment of environments) {
      replace("process", environment);
      assert.equal(createHeap().stats().malloc, "pymalloc");
    }
    // Deno would ask its user: so it is asked first, whether it would.
    for (const [state, expected] of [
      ["granted", "malloc"],
      ["prompt", "pymalloc"],
      ["denied", "pymalloc"],
    ] as const) {
      const asked: object[] = [];
      const querySync = (of: object) => {
        asked.push(of);
        return { state };
      };
      replace("Deno", { value: { permissions: { querySync } } });
      replace("process", { value: { env: { PYMALLOC: "malloc" } } });
      assert.equal(createHeap().stats().malloc, expected);
      assert.deepEqual(asked, [{ name: "env", variable: "PYMALLOC" }]);
    }
  } finally {
    replace("process", { value: real, writable: true });
    Reflect.deleteProperty(globalThis, "Deno");
  }
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
    for (const value of [0, -1, 1.5, 2 ** 32 - 65535, 2 ** 32, Number.NaN, "1 MB"]) {
      assertRefused({ [key]: value }, new RegExp(`${key} is .*, expected a whole number of bytes`));
    }
  }
  assertRefused({ maximumBytes: 2 ** 32 }, /to 4294901760 \(4 GiB less a page, so that the addr/);
  assertRefused({ initialBytes: 2 ** 31 + 1 }, /at most maximumBytes \(2147483648\)/);
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
  assertRefused(
    { memory, system: { ...functions, memalign: 3 } },
    /system\.memalign is 3, expected a function/,
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

test("what is taken over comes with a memory, and with nothing that contradicts it", () => {
  const snapshot = createHeap({ malloc: "pymalloc" }).snapshot();
  const { image, root } = snapshot;
  assertRefused({ image, root }, /unknown option "image", expected one of malloc, memory/);
  assertRefused({ root: 1024 }, /root is 1024, expected nothing: `memory` and `system` are not/);
  for (const from of [null, 5, "snapshot"]) {
    assertRefused({ from }, /from is .*, expected what `heap.snapshot\(\)` gave/);
  }
  assertRefused({ from: { ...snapshot, roots: 8 } }, /from: unknown option "roots", expected one/);
  assertRefused({ from: { root } }, /from\.image is undefined, expected a Uint8Array/);
  assertRefused({ from: { image: [], root } }, /from\.image is an object \(Array\), expected a Ui/);
  for (const [bytes, shown] of [
    [image.subarray(1), image.length - 1],
    [new Uint8Array(0), 0],
  ] as const) {
    const message = new RegExp(`from\\.image is "${shown} bytes long", expected whole pages`);
    assertRefused({ from: { image: bytes, root } }, message);
  }
  const long = { image: new Uint8Array(image.length + 65536), root };
  assertRefused({ from: long, maximumBytes: image.length }, /expected whole pages .* at most/);
  for (const wrong of [undefined, 0, -4, 12, 1.5, 2 ** 32 + root, Number.NaN, String(root)]) {
    assertRefused({ from: { image, root: wrong } }, /from\.root is .*, expected the `heap.root`/);
  }
  assertRefused(
    { from: { ...snapshot, malloc: "lost" } },
    /from\.malloc: unknown allocator "lost"/,
  );
  for (const [key, value] of Object.entries({
    memory,
    system: functions,
    root,
    initialBytes: 65536,
  })) {
    const message = new RegExp(`${key} is .*, expected nothing: \`from\` is given`);
    assertRefused({ from: snapshot, [key]: value }, message);
  }
});

test("a malloc without memory for the root is a RangeError, not half a heap", () => {
  assert.throws(() => createHeap({ memory, system: functions }), {
    name: "RangeError",
    message: /no room for the heap's root/,
  });
});

test("a malloc without memory for the debug mode gets back what it gave", () => {
  const mine = new WebAssembly.Memory({ initial: 1 });
  const system = foreignMalloc(mine, 1024);
  const { malloc } = system;
  system.malloc = (bytes) => (system.live.size > 0 ? 0 : malloc(bytes));
  assert.throws(() => createHeap({ malloc: "debug", memory: mine, system }), {
    name: "RangeError",
    message: /no room for the debug mode's ledger/,
  });
  assert.equal(system.live.size, 0);
});

test("sizes of an own memory are as they were asked for", () => {
  const heap = createHeap({ initialBytes: 100_000, maximumBytes: 200_000 });
  assert.ok(heap.memory.buffer.byteLength <= 3 * 65536);
  while (heap.raw.malloc(1000) !== 0);
  assert.equal(heap.memory.buffer.byteLength, 3 * 65536);
});
