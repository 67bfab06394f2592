/** python/limit.ts: all memory is taken, in five ways, and each time Python goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { install } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import { exhaust, mostBytes, ROUNDS } from "../support/exhaustion.js";
import { loadLinked } from "../support/linked.js";
import { long, onlyLong } from "../support/profile.js";
import { load, type Pyodide, WORKLOAD } from "../support/pyodide.js";

const MIB = 2 ** 20;

interface Row {
  readonly malloc: "pymalloc" | "malloc" | "pymalloc_debug" | "malloc_debug";
  /** PYTHONMALLOC of a linked one; undefined for a stock one. */
  readonly linked?: string;
  readonly limit: number;
  readonly name: string;
  /** In the shorter profile as well, once. */
  readonly always?: "fresh" | "used";
}

// Our debug modes have a shadow for whatever memory was once used, for good: these take half of it, and lie between the holes.
const rows: readonly Row[] = [
  { malloc: "pymalloc", limit: 64 * MIB, name: "pyodide", always: "fresh" },
  { malloc: "malloc", limit: 64 * MIB, name: "pyodide", always: "used" },
  { malloc: "pymalloc_debug", limit: 96 * MIB, name: "pyodide", always: "used" },
  { malloc: "malloc_debug", limit: 96 * MIB, name: "pyodide" },
  { malloc: "pymalloc", linked: "pymalloc", limit: 64 * MIB, name: "pyodide", always: "used" },
  { malloc: "malloc", linked: "malloc", limit: 64 * MIB, name: "pyodide" },
  { malloc: "pymalloc", linked: "pymalloc_debug", limit: 96 * MIB, name: "pyodide" },
  { malloc: "pymalloc", limit: 64 * MIB, name: "pyodide-029" },
  { malloc: "pymalloc", linked: "pymalloc", limit: 64 * MIB, name: "pyodide-029" },
  { malloc: "pymalloc", limit: 64 * MIB, name: "pyodide-027" },
];

function loadRow({ linked, name }: Row): Promise<Pyodide> {
  return linked === undefined ? load(name) : loadLinked(name, linked);
}

for (const row of rows) {
  const { malloc, linked, limit, name } = row;
  const what = linked === undefined ? malloc : `linked, PYTHONMALLOC=${linked}`;
  const isDebug = malloc.endsWith("_debug");
  for (const state of ["fresh", "used"] as const) {
    test(`${name}, ${what}, ${state}: a MemoryError each time, and nothing is harmed`, {
      skip: row.always === state ? false : onlyLong,
    }, async () => {
      const pyodide = await loadRow(row);
      let told = 0;
      const onLimit = () => void told++;
      const options = linked === undefined || malloc === "malloc" ? { malloc } : {};
      const heap = install(pyodide, { ...options, onLimit });
      if (state === "used") pyodide.runPython(WORKLOAD);
      const program = programOf(pyodide, "test");
      const before = program.memory.buffer.byteLength;
      heap.setLimit(limit);
      // A debug mode takes ten times as long, and its shadows, which stay, leave ever shorter holes.
      const rounds = long ? (isDebug ? 2 : ROUNDS) : 1;
      const lookAt = () => {
        assert.ok(told > 0, "JavaScript is told");
        told = 0;
        assert.ok(program.break() <= limit);
        assert.ok(program.memory.buffer.byteLength <= mostBytes(limit, before));
      };
      exhaust(pyodide, heap, rounds, lookAt, isDebug ? 0.3 : 0.85);
    });
  }
}
