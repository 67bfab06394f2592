/** Blocks and budgets of interpreters: stock, installed, linked, in the debug modes, on mimalloc, after a crash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutMark, linkedLayout } from "../../base/base.js";
import { budgetLines } from "../../cli/heap/budget.js";
import { Terminal } from "../../cli/terminal.js";
import { freeChunks, rowsOf, walkChunks } from "../../hosts/hosts.js";
import { BlockKind, budgetOf, captureImage, findBlocks } from "../../inspect/memory/memory.js";
import { install } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import { testBudgets, USE } from "../support/budget-suite.js";
import { assertAgree, assertSound, assertSums } from "../support/budgets.js";
import { loadLinked } from "../support/linked.js";
import { load, type Pyodide } from "../support/pyodide.js";

testBudgets({
  stock: { load: () => load("pyodide"), allocator: "dlmalloc" },
  "PYTHONMALLOC=debug": { load: () => load("pyodide", "debug"), allocator: "dlmalloc_debug" },
  installed: { load: () => load("pyodide"), install: "pymalloc", allocator: "pymalloc installed" },
  "installed over CPython's debug hooks": {
    load: () => load("pyodide", "debug"),
    install: "pymalloc",
    allocator: "pymalloc installed",
  },
  "installed, debug": {
    load: () => load("pyodide"),
    install: "debug",
    allocator: "pymalloc_debug installed",
  },
  "installed, malloc_debug": {
    load: () => load("pyodide"),
    install: "malloc_debug",
    allocator: "malloc_debug installed",
  },
  linked: { load: () => loadLinked("pyodide"), allocator: "pymalloc linked" },
  "linked, pymalloc_debug": {
    load: () => loadLinked("pyodide", "pymalloc_debug"),
    allocator: "pymalloc_debug linked",
  },
  "linked, debug installed": {
    load: () => loadLinked("pyodide"),
    install: "debug",
    allocator: "pymalloc_debug installed",
  },
  "linked, malloc": { load: () => loadLinked("pyodide", "malloc"), allocator: "dlmalloc" },
});

function program(pyodide: Pyodide) {
  return programOf(pyodide, "test");
}

test("the blocks of a linked interpreter are those that sys.getallocatedblocks counts", async () => {
  const pyodide = await loadLinked("pyodide");
  const heap = install(pyodide);
  pyodide.runPython(USE);
  const { blocks } = assertAgree(captureImage(pyodide));
  const pools = blocks.kinds.filter((kind) => kind === BlockKind.pool).length;
  assert.equal(pools, heap.stats().blocks.inPools);
});

test("dlmalloc's lists of what is free have all free chunks", async () => {
  const pyodide = await load("pyodide");
  pyodide.runPython(`${USE}\nkept = kept[::2]`);
  const { u32, marks } = captureImage(pyodide);
  const { from, to } = marks.chunks;
  const state = marks.symbols["_gm_"] as number;
  let [bytes, longest] = [0, 0];
  const [row, ...others] = rowsOf(u32, state, from, to);
  assert.deepEqual([row?.from, row?.end, others], [from, to, []]);
  const end = walkChunks(u32, from, row?.to as number, (_block, size, inUse) => {
    if (inUse) return;
    bytes += size;
    longest = Math.max(longest, size);
  });
  assert.equal(end, row?.to);
  const free = freeChunks(u32, state, from, to);
  assert.deepEqual([free?.bytes, free?.longest], [bytes, longest]);
  assert.ok(bytes > 1_000_000);
});

test("what another version has installed or linked in is not read", async () => {
  const stock = await load("pyodide");
  const mark = { layout: layoutMark, options: { malloc: "pymalloc" } };
  Object.defineProperty(stock._module, "pymalloc", { value: mark });
  const expected = /captureImage: another version of pymalloc is installed/;
  assert.throws(() => captureImage(stock), expected);
  const linked = await loadLinked("pyodide");
  const { memory, addressOf } = program(linked);
  const root = addressOf("pymalloc_root") as number;
  new Uint32Array(memory.buffer)[(root + linkedLayout.STATE_LAYOUT) / 4] = 1;
  assert.throws(() => captureImage(linked), /captureImage: this Pyodide was linked by another/);
});

test("what is mimalloc's is other's, and that is said", async () => {
  const pyodide = await load("pyodide", "mimalloc");
  pyodide.runPython(USE);
  const { budget } = assertAgree(captureImage(pyodide));
  assert.equal(budget.allocator, "mimalloc");
  assert.ok(budget.parts.other > 16_000_000);
  assert.match(budget.note, /inside of mimalloc's segments/);
  const shown = budgetLines(budget, new Terminal(1)).join("\n");
  assert.match(shown, /; what is free inside/);
});

test("a piece that someone else took of the memory is other's", async () => {
  const pyodide = await load("pyodide");
  const before = assertAgree(captureImage(pyodide)).budget;
  const sbrk = program(pyodide).require<(bytes: number) => number>("sbrk");
  assert.notEqual(sbrk(3 * 65536), -1);
  const needle = (pyodide.runPython(USE) as number) >>> 0;
  const { budget, blocks } = assertAgree(captureImage(pyodide));
  assert.equal(before.parts.other, 0);
  assert.ok(budget.parts.other >= 3 * 65536 && budget.parts.other < 3 * 65536 + 64);
  assert.equal(blocks.starts[blocks.indexAt(needle)], needle);
  assert.equal(blocks.count, findBlocks(captureImage(pyodide, { copy: true })).count);
});

test("nothing is changed, and in an interpreter that has crashed all is found", async () => {
  const { error } = console;
  console.error = () => {};
  try {
    for (const installed of [false, true]) {
      const pyodide = await load("pyodide");
      if (installed) install(pyodide, { malloc: "pymalloc" });
      const needle = (pyodide.runPython(USE) as number) >>> 0;
      const { count } = findBlocks(captureImage(pyodide));
      const crash = "import ctypes; ctypes.string_at(0xfffffff0, 64)";
      assert.throws(() => pyodide.runPython(crash), WebAssembly.RuntimeError);
      assert.throws(() => pyodide.runPython("1"), /fatally failed/);
      const before = captureImage(pyodide, { copy: true });
      const { budget, blocks } = assertAgree(captureImage(pyodide));
      assert.deepEqual(captureImage(pyodide).u8, before.u8);
      assert.ok(Math.abs(blocks.count - count) < 5000);
      assert.equal(blocks.starts[blocks.indexAt(needle)], needle);
      assert.equal(budget.parts.other, 0);
    }
  } finally {
    console.error = error;
  }
});

test("behind a chunk that was written over, blocks are found again", async () => {
  const pyodide = await load("pyodide");
  install(pyodide, { malloc: "pymalloc" });
  const needle = (pyodide.runPython(USE) as number) >>> 0;
  const image = captureImage(pyodide, { copy: true });
  const { count } = findBlocks(image);
  const { from } = image.marks.chunks;
  let chunk = from;
  for (let n = 0; n < 1000; n++) chunk += (image.u32[chunk / 4 + 1] as number) & ~7;
  image.u32.fill(0xffffffff, chunk / 4, chunk / 4 + 8);
  const blocks = findBlocks(image);
  assertSound(blocks, image.u8.length);
  assert.ok(blocks.count < count && blocks.count > count - 100, `${blocks.count} of ${count}`);
  assert.equal(blocks.starts[blocks.indexAt(needle)], needle);
  assertSums(budgetOf(image), image.u8.length);
});
