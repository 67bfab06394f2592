/** Blocks and budget of an interpreter: what must hold of each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetLines } from "../../cli/heap/budget.js";
import { Terminal } from "../../cli/terminal.js";
import { countBlocks } from "../../hosts/hosts.js";
import { BlockKind, captureImage } from "../../inspect/memory/memory.js";
import { type InstalledPymalloc, install } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import type { MallocName } from "../../src/index.js";
import { assertAgree } from "./budgets.js";
import { loadLinked } from "./linked.js";
import { load, type Pyodide } from "./pyodide.js";

/** Objects of all kinds and sizes, and where one of them is: its block has so many bytes. */
export const USE = `
import gc
kept = [(n, str(n), [n], {n: n}) for n in range(20_000)] + [bytearray(n) for n in range(0, 60_000, 97)]
del kept[::3]
gc.collect()
needle = bytes(1000)
id(needle)
`;

/** An interpreter, what is installed in it, and what its allocator is called then. */
export interface Case {
  readonly load: () => Promise<Pyodide>;
  readonly install?: MallocName;
  readonly allocator: string;
}

export function testBudgets(cases: Readonly<Record<string, Case>>): void {
  for (const [name, { load: start, install: mode, allocator }] of Object.entries(cases)) {
    test(`${name}: blocks and budget agree`, async () => {
      const pyodide = await start();
      const heap: InstalledPymalloc | undefined = mode && install(pyodide, { malloc: mode });
      const needle = (pyodide.runPython(USE) as number) >>> 0;
      const image = captureImage(pyodide);
      const { heldBytes = 0 } = heap?.stats().debug ?? {};
      const { budget, blocks } = assertAgree(image, heldBytes);
      assert.equal(budget.allocator, allocator);
      assert.equal(budget.parts.other, 0);
      assert.equal(budget.limit, 0);
      assert.equal(budget.maximum, 4_294_901_760);
      assert.match(image.marks.version, /^3\.1[234]\.\d+$/);
      assert.ok(JSON.stringify(image.marks).length < 30_000);
      // A bytes object begins where its block does, or, in CPython's hooks, where the user's bytes do.
      const block = blocks.indexAt(needle);
      assert.equal(blocks.starts[block], needle);
      const size = blocks.sizes[block] as number;
      assert.ok(size >= 1017 && size < 1040, `${size}`);
      const pools = blocks.kinds.filter((kind) => kind === BlockKind.pool).length;
      if (heap !== undefined) {
        const held = heap.stats().debug?.heldBlocks ?? 0;
        const { inPools } = heap.stats().blocks;
        // The pools that a debug mode was put in front of are not in these statistics.
        if (!name.startsWith("linked")) assert.ok(pools <= inPools && pools >= inPools - held);
      }
      if (pools === 0 && heap === undefined) {
        assert.equal(blocks.count, countBlocks(programOf(pyodide, "test")));
      }
      const shown = budgetLines(budget, new Terminal(1)).join("\n");
      assert.match(shown, /^Memory: [\d.,]+ MB on \w.*\n[\s\S]*; it may grow to 4\.29 GB/);
    });
  }
}

/** What is tested of an older line. Two lines do not fit into one process. */
export function testLine(name: string): void {
  testBudgets({
    [name]: { load: () => load(name), allocator: "dlmalloc" },
    [`${name}, installed`]: {
      load: () => load(name),
      install: "pymalloc",
      allocator: "pymalloc installed",
    },
    [`${name}, linked`]: { load: () => loadLinked(name), allocator: "pymalloc linked" },
  });
}
