/**
 * Wild writes into the debug heap's own books: nothing loops, nothing traps, no correct call is accused, no block loses
 * its content. The longer profile makes more of them.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { debugLayout, ledgerOf } from "../../base/base.js";
import type { PyMemError } from "../../src/index.js";
import { debugHeap, faultOf } from "../support/mistakes.js";
import { long } from "../support/profile.js";

const TRIALS = long ? 10_000 : 200;
const SECONDS = long ? 600 : 60;

test("a wild write into the debug heap's books is named, or harms nothing", () => {
  const program = fileURLToPath(new URL("../support/wild.ts", import.meta.url));
  const args = ["--import", "tsx", program, "1", String(TRIALS)];
  const run = spawnSync(process.execPath, args, { timeout: SECONDS * 1000, encoding: "utf8" });
  assert.equal(run.status, 0, `${run.signal ?? ""} after seed ${run.stderr.slice(-2000)}`);
  assert.ok(Number(run.stdout) > TRIALS / 2, `${run.stdout} of ${TRIALS} were noticed`);
});

test("what is broken in the books is said with its number, thrown or reported", () => {
  const cases: [number, number, number][] = [
    [debugLayout.HELD_LIMIT, 0x7fffffff, debugLayout.LEDGER_HOLDS],
    [debugLayout.LEDGER_SIZE - 4096, 12345, debugLayout.TABLES_HOLD], // the upper layer's first table
    [debugLayout.HELD_BLOCKS, 0x7fffffff, debugLayout.QUARANTINE_HOLDS],
    [debugLayout.HELD_BYTES, 1, debugLayout.QUARANTINE_HOLDS],
  ];
  for (const [offset, value, invariant] of cases) {
    const breakIt = (heap: ReturnType<typeof debugHeap>) => {
      heap.mem.free(heap.mem.malloc(50));
      heap.u32[(ledgerOf(heap.memory, heap.root) + offset) / 4] = value;
    };
    const heap = debugHeap();
    const p = heap.mem.malloc(50);
    breakIt(heap);
    for (const call of [() => heap.mem.free(p), () => heap.validate()]) {
      const fault = faultOf(call);
      assert.deepEqual([fault.kind, fault.invariant], ["broken-invariant", invariant]);
      assert.match(fault.report(), /^PyMemError: heap invariant \d+ is broken at 0x[0-9a-f]+: /);
    }
    const faults: PyMemError[] = [];
    const other = debugHeap({ onFault: (fault) => faults.push(fault) });
    const q = other.mem.malloc(50);
    breakIt(other);
    for (let round = 0; round < 100; round++) other.mem.free(other.mem.malloc(50));
    other.mem.free(q);
    other.validate();
    assert.deepEqual(
      faults.map((fault) => fault.invariant),
      [invariant],
    );
  }
});

test("a fault while a fault is handled is thrown, and not handled in turn", () => {
  let calls = 0;
  const heap = debugHeap({
    onFault() {
      calls++;
      heap.mem.free(p);
    },
  });
  const p = heap.mem.malloc(8);
  heap.mem.free(p);
  assert.equal(faultOf(() => heap.mem.free(p)).kind, "double-free");
  assert.equal(calls, 1);
});
