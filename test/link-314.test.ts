/** link/: CPython with pymalloc linked in. The newest line of Pyodide has more tests than the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { linkedLayout } from "../src/generated/modules.js";
import { programOf } from "../src/hosts/cpython.js";
import { install } from "../src/hosts/pyodide.js";
import { blocks, testLinked } from "./support/link-suite.js";
import { loadLinked } from "./support/linked.js";
import { WORKLOAD } from "./support/pyodide.js";

testLinked("pyodide");

test("a word that PYTHONMALLOC does not have is refused, as by any CPython", async () => {
  await assert.rejects(loadLinked("pyodide", "tcmalloc"));
});

test("with PYTHONMALLOCSTATS, each run of arenas is reported, as in CPython", async () => {
  const env = { HOME: "/home/pyodide", PYTHONMALLOCSTATS: "1" };
  let text = "";
  const stderr = (line: string) => {
    text += `${line}\n`;
  };
  const pyodide = await loadLinked("pyodide", undefined, { env, stderr });
  const reports = () => text.split("Small block threshold").length - 1;
  const before = reports();
  assert.ok(before > 100, "while it started");
  pyodide.runPython("kept = [str(n) for n in range(20_000)]");
  assert.ok(reports() > before);
});

test("without pools in force, install takes over as in any other interpreter", async () => {
  const pyodide = await loadLinked("pyodide", "malloc");
  const heap = install(pyodide);
  pyodide.runPython(WORKLOAD);
  heap.validate();
  assert.ok(blocks(pyodide) > 10_000);
});

test("a heap that another version linked in is not touched", async () => {
  const pyodide = await loadLinked("pyodide");
  const program = programOf(pyodide, "test");
  const root = program.addressOf("pymalloc_root") as number;
  const mark = new Uint32Array(program.memory.buffer, root + linkedLayout.STATE_LAYOUT, 1);
  mark[0] = (mark[0] as number) + 1;
  assert.throws(() => install(pyodide), /linked by another version of pymalloc; link it anew/);
});
