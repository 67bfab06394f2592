/** C++ on a heap of ours: `new`, and what the standard library makes of it. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import {
  buildGuest,
  buildLinkable,
  buildObject,
  buildStock,
  exportsOf,
  instantiateAlone,
  reasonToSkipCpp,
} from "../support/guests.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { LinkedGuest } from "../support/linked-guests.js";
import { debugHeap, debugModes, faultOf } from "../support/mistakes.js";

describe("a guest in C++", { skip: reasonToSkipCpp(), timeout: 300_000 }, () => {
  const libraries = ["-lc++", "-lc++abi"];
  let object: string;
  let bytes: Uint8Array<ArrayBuffer>;
  let expected: number;

  before(() => {
    object = buildObject("cpp.cpp", ["-std=c++17", "-fno-exceptions"]);
    bytes = buildGuest([object], { flags: libraries });
    const { exports } = instantiateAlone(buildStock([object], libraries));
    expected = exports["run"]?.(3) as number;
  });

  for (const malloc of ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const) {
    test(`it gives the same numbers in a heap, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc, maximumBytes: 1 << 25 });
      const { run, refusals } = exportsOf(heap.instantiate(bytes));
      assert.equal(run?.(3), expected);
      assert.equal(refusals?.(), 0);
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0);
      if (malloc === "pymalloc") assertBalanced(heap, 0);
    });
  }

  for (const withPydebug of [false, true]) {
    test(`it gives the same numbers when it is linked, withPydebug: ${withPydebug}`, async () => {
      const guest = buildLinkable([object], libraries);
      const linked = new LinkedGuest(await linkGuest(guest, { withPydebug }));
      assert.equal(linked.call("run", 3), expected);
      assert.equal(linked.call("refusals"), 0);
      linked.validate();
    });
  }

  for (const malloc of debugModes) {
    test(`what it does wrong is named, malloc: "${malloc}"`, () => {
      const kinds = { delete_twice: ["double-free", 16], overflow: ["buffer-overflow", 21] };
      for (const [name, said] of Object.entries(kinds)) {
        const heap = debugHeap({ malloc, stacks: true });
        const call = exportsOf(heap.instantiate(bytes))[name];
        const fault = faultOf(() => call?.());
        assert.deepEqual([fault.kind, fault.size], said);
        assert.match(fault.stack ?? "", /at operator delete\[\]\(void\*\) \(wasm:/);
      }
    });
  }
});
