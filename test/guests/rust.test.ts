/** Rust with include/rust as its global allocator: the same numbers as on Rust's own, and its mistakes are named. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import { exportsOf, instantiateAlone } from "../support/guests.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { debugHeap, debugModes, faultOf } from "../support/mistakes.js";
import { buildRust, reasonToSkipRust } from "../support/rust.js";

const words = ["default", "pymalloc", "malloc", "debug", "pymalloc_debug", "malloc_debug"] as const;

/** The functions of rust.rs that do something wrong, and what the fault says: kind, size, call. */
const mistakes = {
  double_free: ["double-free", 24, "PyObject_Free"],
  overflow: ["buffer-overflow", 21, "PyObject_Free"],
  overflow_aligned: ["buffer-overflow", 48, "PyObject_Free"],
  underflow: ["buffer-underflow", 21, "PyObject_Free"],
  write_after_free: ["use-after-free-write", 8, "quarantine"],
  invalid_pointer: ["invalid-pointer", 40, "PyObject_Free"],
} as const;

describe("a guest in Rust", { skip: reasonToSkipRust(), timeout: 120_000 }, () => {
  let hosted: Uint8Array<ArrayBuffer>;
  let expected: number;

  before(() => {
    hosted = buildRust("rust.rs", { allocator: "hosted" });
    const stock = new WebAssembly.Module(buildRust("rust.rs", { allocator: "stock" }));
    assert.deepEqual(WebAssembly.Module.imports(stock), [], "on its own allocator");
    const guest = exportsOf(new WebAssembly.Instance(stock));
    expected = guest["run"]?.(3) as number;
    assert.equal(guest["promises"]?.(), 0);
  });

  for (const malloc of words) {
    test(`it gives the same numbers in a heap, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc, maximumBytes: 1 << 25 });
      const guest = exportsOf(heap.instantiate(hosted));
      assert.equal(guest["run"]?.(3), expected);
      assert.equal(guest["promises"]?.(), 0, "100 * the size + the alignment's power of two");
      assert.equal(guest["refusals"]?.(), 0, "the alignment");
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0);
      if (malloc === "pymalloc") assertBalanced(heap, 0);
    });
  }

  for (const withPydebug of [false, true]) {
    test(`it gives the same numbers when it is linked, withPydebug: ${withPydebug}`, async () => {
      const bytes = buildRust("rust.rs", { allocator: "linked" });
      const linked = await linkGuest(bytes, { withPydebug });
      const module = new WebAssembly.Module(linked as BufferSource);
      assert.deepEqual(WebAssembly.Module.imports(module), [], "it needs no host");
      const { exports } = instantiateAlone(linked);
      assert.equal(exports["run"]?.(3), expected);
      assert.equal(exports["promises"]?.(), 0, "100 * the size + the alignment's power of two");
      assert.equal(exports["refusals"]?.(), 0, "the alignment");
    });
  }

  for (const malloc of debugModes) {
    test(`what unsafe code does wrong is named, malloc: "${malloc}"`, () => {
      for (const [name, said] of Object.entries(mistakes)) {
        const heap = debugHeap({ malloc, stacks: true });
        const call = exportsOf(heap.instantiate(hosted))[name];
        const fault = faultOf(() => call?.());
        assert.deepEqual([fault.kind, fault.size, fault.call], said, name);
        const inGuest = new RegExp(`at ${name} \\(wasm:`);
        assert.match(fault.stack ?? "", inGuest, "where it was found");
        assert.match(fault.allocationStack ?? "", inGuest, "where the block was allocated");
      }
    });
  }
});
