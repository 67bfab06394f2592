/** Guests that fail: nothing of the heap is changed by it, and the same bytes with the right imports are taken afterwards. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { largeEnd } from "../../hosts/hosts.js";
import { readGuest } from "../../src/guests/binary.js";
import { createHeap, type Heap } from "../../src/index.js";
import { assertFilled, fill, numbers, pooledHeap } from "../support/heaps.js";
import { long } from "../support/profile.js";
import {
  constant,
  functionImport,
  globalAt,
  globalImport,
  i32,
  i64,
  type Parts,
  tableImport,
  variable,
  wasm,
} from "../support/wasm.js";

const PAGE = 65536;
const domains = ["raw", "mem", "object"] as const;

/** How far the heap uses its memory: core/large/break.ts. */
const pagesInUse = (heap: Heap) => largeEnd(heap.u32) / PAGE || 1;

const parts = ["pagesInUse", "stats", "allocators", "arenas", "functions"] as const;
type Part = (typeof parts)[number];

/** A heap in use, which looks the same as long as nothing was changed. */
class Watched {
  readonly heap: Heap;
  readonly #blocks: { p: number; bytes: number }[];

  constructor(malloc: "pymalloc" | "pymalloc_debug" = "pymalloc") {
    this.heap = createHeap({ malloc, maximumBytes: 128 * PAGE });
    this.#blocks = [10, 100, 300, 2000].map((bytes) => {
      const p = this.heap.object.malloc(bytes);
      fill(this.heap, p, bytes, bytes);
      return { p, bytes };
    });
  }

  look(): Record<Part, unknown> {
    const { heap } = this;
    heap.validate();
    for (const { p, bytes } of this.#blocks) assertFilled(heap, p, bytes, bytes);
    return {
      pagesInUse: pagesInUse(heap),
      stats: { ...heap.stats(), memoryBytes: 0 },
      allocators: domains.map((name) => heap.getAllocator(name)),
      arenas: heap.getArenaAllocator(),
      functions: domains.map((name) => ({ ...heap[name] })),
    };
  }

  /** Whatever lies behind what the heap uses is zeros: a guest's variables begin so. */
  assertClean(): void {
    const from = pagesInUse(this.heap) * PAGE;
    assert.ok(this.heap.u8.subarray(from).every((byte) => byte === 0));
  }
}

/** Behind what the heap uses in any mode. */
const START = 4 * PAGE;

/** Imports a function, a global and a table; has data, and a variable. */
const complete: Parts = {
  imports: [
    ["env", "f", functionImport],
    ["env", "g", globalImport(i32)],
    ["env", "t", tableImport],
  ],
  memory: [0, 6],
  code: [0x10, 0], // calls f
  start: 1,
  globals: [variable(START + 100)],
  data: [{ at: constant(START), bytes: [1, 2, 3] }],
};

function rightImports(f: () => void = () => {}): Record<string, WebAssembly.ImportValue> {
  return { f, g: 5, t: new WebAssembly.Table({ initial: 1, element: "anyfunc" }) };
}

/** A function of WebAssembly of type () -> (). */
function otherFunction(): WebAssembly.ImportValue {
  const parts = { code: [], memory: [0, 0] };
  const memory = new WebAssembly.Memory({ initial: 0 });
  const module = new WebAssembly.Module(wasm(parts));
  return new WebAssembly.Instance(module, { env: { memory } }).exports["run"] as CallableFunction;
}

describe("a guest that fails changes nothing", () => {
  /** Imports f as a function of another type, i32 -> i32. */
  const typed: Parts = {
    ...complete,
    imports: [["env", "f", [0, 1]], ...(complete.imports ?? []).slice(1)],
    code: [],
  };
  const wrong: Record<string, [Parts, Record<string, unknown>, object]> = {
    "a function is missing": [complete, { f: undefined }, /"env\.f", expected it in `imports`/],
    "a number for a function": [complete, { f: 5 }, /"env\.f", which is 5, expected a function$/],
    "a table for a function": [complete, { f: rightImports()["t"] }, /expected a function$/],
    "null for a function": [complete, { f: null }, /which is null, expected a function$/],
    "a function of another type": [typed, { f: otherFunction() }, { name: "LinkError" }],
    "a global is missing": [complete, { g: undefined }, /"env\.g", expected it in `imports`/],
    "a text for a global": [complete, { g: "five" }, { name: "LinkError" }],
    "a global of another type": [
      complete,
      { g: new WebAssembly.Global({ value: "i64" }, 5n) },
      { name: "LinkError" },
    ],
    "a big number for an i32": [complete, { g: 5n }, { name: "LinkError" }],
    "a function for a table": [
      complete,
      { t: () => 0 },
      /"env\.t", which is a function.* a table$/,
    ],
    "an object for a table": [complete, { t: {} }, { name: "LinkError" }],
    "a table that is too short": [
      complete,
      { t: new WebAssembly.Table({ initial: 0, element: "anyfunc" }) },
      { name: "LinkError" },
    ],
    "elements behind the table's end": [
      { ...complete, elements: [[0, ...constant(9), 1, 0]] },
      {},
      { name: "RuntimeError" },
    ],
    "a start function that traps": [{ ...complete, code: [0x00] }, {}, { name: "RuntimeError" }],
    "data that an import places": [
      { ...complete, data: [{ at: globalAt(0), bytes: [1] }] },
      {},
      /data at an address that an import says, expected it at fixed addresses.*-shared/,
    ],
    "data below the heap's end": [
      { ...complete, data: [...(complete.data ?? []), { at: constant(100), bytes: [1] }] },
      {},
      /data begins at 100, expected 65536 or more/,
    ],
    "more data than there is memory for": [
      { ...complete, data: [{ at: constant(200 * PAGE), bytes: [1] }] },
      {},
      { name: "RangeError", message: /^instantiate: the guest needs 13172736 bytes, expected at/ },
    ],
    "more memory than there can be": [
      { ...complete, memory: [0, 200, 1] },
      {},
      { name: "RangeError", message: /needs 13107200 bytes, expected at most 8388608/ },
    ],
    "more memory than there can be, without data": [
      { memory: [0, 200, 1] },
      {},
      { name: "RangeError", message: /needs 13107200 bytes, expected at most 8388608/ },
    ],
  };
  for (const [what, [parts, imports, expected]] of Object.entries(wrong)) {
    test(what, () => {
      const watched = new Watched();
      const before = watched.look();
      const env = { ...rightImports(), ...imports } as WebAssembly.ModuleImports;
      assert.throws(() => watched.heap.instantiate(wasm(parts), { env }), expected);
      assert.deepEqual(watched.look(), before);
      watched.assertClean();
      watched.heap.instantiate(wasm(complete), { env: rightImports() });
      watched.look();
    });
  }

  const thrown = new Error("from the start function");

  /** What a guest may have done until then. */
  const deeds: Record<string, [deed: (heap: Heap) => void, kept: readonly Part[]]> = {
    nothing: [() => {}, parts],
    "it has written into its variables": [
      (heap) => heap.u8.fill(255, START, START + 2 * PAGE),
      parts,
    ],
    "it set allocators": [
      (heap) => {
        for (const name of domains) {
          heap.setAllocator(name, { ...heap.getAllocator(name), ctx: 1 });
        }
        heap.setArenaAllocator({ ...heap.getArenaAllocator() });
        // In a debug mode, other instances have the same functions then.
      },
      parts.filter((part) => part !== "functions"),
    ],
    // The debug heap's ledger, once there is one, stays.
    "it switched debug hooks on": [(heap) => heap.setupDebugHooks(), ["allocators", "functions"]],
  };
  for (const [what, [deed, kept]] of Object.entries(deeds)) {
    for (const malloc of ["pymalloc", "pymalloc_debug"] as const) {
      test(`a start function that throws, malloc: "${malloc}": ${what}`, () => {
        const watched = new Watched(malloc);
        const { heap } = watched;
        const before = watched.look();
        const env = rightImports(() => {
          deed(heap);
          throw thrown;
        });
        assert.throws(() => heap.instantiate(wasm(complete), { env }), thrown);
        const after = watched.look();
        for (const part of kept) assert.deepEqual(after[part], before[part], part);
        watched.heap.instantiate(wasm(complete), { env: rightImports() });
        watched.look();
      });
    }
  }

  test("a start function that throws when blocks lie behind the guest: they stay, and its place is used for others", () => {
    const watched = new Watched();
    const { heap } = watched;
    const blocks: number[] = [];
    const env = rightImports(() => {
      for (let i = 0; i < 3; i++) blocks.push(heap.raw.malloc(PAGE));
      heap.u8.fill(255, START, START + PAGE);
      throw thrown;
    });
    assert.throws(() => heap.instantiate(wasm(complete), { env }), thrown);
    assert.ok(blocks.every((p) => p > START + PAGE));
    const length = heap.memory.buffer.byteLength;
    const p = heap.raw.malloc(PAGE + 1000);
    assert.ok(p > 0 && p < START + 2 * PAGE, `${p} is in the guest's place, or begins before it`);
    assert.equal(heap.memory.buffer.byteLength, length);
    for (const block of [...blocks, p]) heap.raw.free(block);
    watched.look();
  });

  test("_initialize that throws: the same", () => {
    const { start: _start, ...rest } = complete;
    const bytes = wasm({ ...rest, exported: "_initialize" });
    const watched = new Watched();
    const before = watched.look();
    const env = rightImports(() => {
      throw thrown;
    });
    assert.throws(() => watched.heap.instantiate(bytes, { env }), thrown);
    assert.deepEqual(watched.look(), before);
    watched.assertClean();
    watched.heap.instantiate(bytes, { env: rightImports() });
  });
});

describe("the place of a guest", () => {
  test("its data lies behind the memory that it declares: all of it is its", () => {
    for (const pages of [0, 1, 2]) {
      const heap = pooledHeap();
      const data = [{ at: constant(START), bytes: [1] }];
      data.push({ at: constant(9 * PAGE - 2), bytes: [7, 7, 7] });
      heap.instantiate(wasm({ memory: [0, pages], globals: [variable(START)], data }));
      assert.deepEqual([...heap.u8.subarray(9 * PAGE - 2, 9 * PAGE + 1)], [7, 7, 7]);
      assert.equal(pagesInUse(heap), 10);
      for (let i = 0; i < 100; i++) heap.object.free(heap.object.malloc(i * 1000));
      heap.validate();
      assert.deepEqual([...heap.u8.subarray(9 * PAGE - 2, 9 * PAGE + 1)], [7, 7, 7]);
    }
  });

  test("... and never below what the heap uses", () => {
    const heap = pooledHeap();
    const live = heap.raw.malloc(5 * PAGE);
    fill(heap, live, 5 * PAGE, 1);
    const used = pagesInUse(heap);
    const data = [{ at: constant(used * PAGE), bytes: [1] }];
    heap.instantiate(wasm({ memory: [0, 1], globals: [variable(used * PAGE + 8)], data }));
    assert.equal(pagesInUse(heap), used + 1);
    const other = heap.raw.malloc(2 * PAGE);
    fill(heap, other, 2 * PAGE, 2);
    assertFilled(heap, live, 5 * PAGE, 1);
  });

  test("addresses that are computed, which not every engine takes", () => {
    const globals = [[i32, 0, ...constant(START)], variable(START)];
    globals.push([i64, 0, 0x42, 0x80, 0x80, 0x80, 0x80, 0x10, 0x0b]);
    const [eight, start] = [constant(8).slice(0, -1), constant(START).slice(0, -1)];
    const at = (expression: number[]) => [{ at: [...expression, 0x0b], bytes: [9, 9] }];
    const dataOf = (data: Parts["data"]) => readGuest(wasm({ globals, data: data ?? [] })).data;
    const shifted = { start: START + 8, end: START + 10 };
    assert.deepEqual(dataOf(at([...start, ...eight, 0x6a])), shifted);
    assert.deepEqual(dataOf(at([0x23, 0, ...eight, 0x6a])), shifted, "the first global");
    assert.deepEqual(dataOf(at([...start, ...eight, 0x6c])), {
      start: 8 * START,
      end: 8 * START + 2,
    });
    assert.equal(readGuest(wasm({ data: at([0xfb, 0, 0]) })).movable, true, "nothing known");
  });

  test("a guest without data gets the memory that it wants, and no place", () => {
    const heap = pooledHeap();
    const used = pagesInUse(heap);
    heap.instantiate(wasm({ memory: [0, 100] }));
    assert.equal(heap.memory.buffer.byteLength, 100 * PAGE);
    assert.equal(pagesInUse(heap), used);
  });

  test("bytes that are shared with others, and those of a longer buffer", () => {
    const bytes = wasm(complete);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 16), 16);
    shared.set(bytes);
    for (const source of [bytes.buffer, new DataView(bytes.buffer), shared]) {
      pooledHeap().instantiate(source as BufferSource, { env: rightImports() });
    }
  });
});

test("whatever the bytes are: an error that says so, or a guest in its place; and never another heap", () => {
  const seeds = [
    complete,
    { ...complete, memory: [1, 6, 128, 1] },
    { globals: [variable(START), [i32, 0, ...constant(7)]], data: complete.data ?? [] },
    { ...complete, table: [0x70, 0, 4], elements: [[0, ...constant(0), 1, 0]] },
  ].map((parts) => {
    const { start: _start, ...quiet } = parts as Parts; // no code of a damaged guest is run
    return wasm(quiet);
  });
  const rounds = long ? 80_000 : 3000;
  const random = numbers(14);
  const outcomes: Record<string, number> = {};
  let watched = new Watched();
  let before = watched.look();
  for (let round = 0; round < rounds; round++) {
    let bytes = (seeds[random(seeds.length)] as Uint8Array<ArrayBuffer>).slice();
    const kind = random(10);
    if (kind === 0) bytes = bytes.slice(0, random(bytes.length));
    else if (kind === 1) bytes = bytes.map((byte, i) => (i < 8 ? byte : random(256)));
    else if (kind === 2) bytes = bytes.map(() => random(256));
    else {
      for (let flips = 1 + random(3); flips > 0; flips--) {
        const at = random(bytes.length);
        bytes[at] = random(3) === 0 ? random(256) : (bytes[at] as number) ^ (1 << random(8));
      }
    }
    let outcome = "taken";
    try {
      watched.heap.instantiate(bytes, { env: rightImports() });
    } catch (error) {
      assert.ok(error instanceof Error, String(error));
      outcome = error.name;
      if (error instanceof TypeError || error instanceof RangeError) {
        assert.match(error.message, /^instantiate: the guest/);
      } else {
        const { CompileError, LinkError, RuntimeError } = WebAssembly;
        assert.ok([CompileError, LinkError, RuntimeError].some((kind) => error instanceof kind));
      }
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const after = watched.look();
    if (outcome === "taken") {
      watched = new Watched();
      before = watched.look();
    } else {
      assert.deepEqual(after, before);
    }
  }
  watched.assertClean();
  for (const outcome of ["taken", "CompileError", "TypeError", "LinkError"]) {
    assert.ok((outcomes[outcome] ?? 0) > 0, JSON.stringify(outcomes));
  }
  watched.heap.instantiate(seeds[0] as BufferSource, { env: rightImports() });
});
