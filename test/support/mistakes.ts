/** What the tests of the debug modes ask. */
import assert from "node:assert/strict";
import { debugLayout, layout, ledgerOf, loadWord } from "../../base/base.js";
import { createHeap, type Heap, type HeapOptions, PyMemError } from "../../src/index.js";

export type Family = "raw" | "mem" | "object";
export const families: readonly Family[] = ["raw", "mem", "object"];
export const debugModes = ["pymalloc_debug", "malloc_debug"] as const;

export const prefixes = { raw: "PyMem_Raw", mem: "PyMem_", object: "PyObject_" } as const;

export function debugHeap(options: HeapOptions = {}): Heap {
  return createHeap({ malloc: "pymalloc_debug", ...options });
}

/** The fault that a call throws. */
export function faultOf(call: () => unknown): PyMemError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof PyMemError, String(error));
    return error;
  }
  assert.fail("nothing was thrown");
}

/** Number of the last call that made a block, as the ledger has it: statistics walk over all pools. */
export function serialOf(heap: Heap): number {
  return loadWord(heap.memory, ledgerOf(heap.memory, heap.root) + debugLayout.SERIAL);
}

/** All bytes of the memory but those of the ledger, which holds the report itself, and validate's scratch. */
export function snapshot(heap: Heap): Uint8Array {
  const copy = heap.u8.slice();
  const ledger = ledgerOf(heap.memory, heap.root);
  copy.fill(0, ledger, ledger + debugLayout.LEDGER_SIZE);
  copy.fill(0, heap.root + layout.REPORT_POOLS, heap.root + layout.ROOT_SIZE);
  return copy;
}

/** A value for a byte that is another than it has. */
export function changed(heap: Heap, at: number, by = 1): number {
  return ((heap.u8[at] as number) + by) & 0xff;
}
