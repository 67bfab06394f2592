/** python/limit.ts: all memory is taken, in five ways, and each time Python goes on. */
import { type Row, testExhaustion } from "../support/exhaustion.js";

const MIB = 2 ** 20;

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
];

for (const row of rows) testExhaustion(row);
