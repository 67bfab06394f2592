/** link/: CPython with pymalloc linked in. The newest line of Pyodide has more tests than the others. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { linkedLayout } from "../../base/base.js";
import { install } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import { assertGolden, sumOf } from "../support/golden.js";
import { testBlocks } from "../support/link-blocks.js";
import { testSnapshots } from "../support/link-snapshots.js";
import { blocks, testLinked } from "../support/link-suite.js";
import { linkedFolder, loadLinked } from "../support/linked.js";
import { countOpcodes } from "../support/opcodes.js";
import { WORKLOAD } from "../support/pyodide.js";
import { STDLIB } from "../support/stdlib.js";

testLinked("pyodide");
testBlocks("pyodide");
testSnapshots("pyodide");

test("CPython's functions are the fast paths, with one load and a comparison in front", async () => {
  const file = join(await linkedFolder("pyodide"), "pyodide.asm.wasm");
  const now = countOpcodes(readFileSync(file), [
    "PyObject_Malloc",
    "PyObject_Free",
    "PyMem_Malloc",
    "PyMem_Free",
  ]);
  assertGolden("link/fast-paths-linked.json", now);
  const { PyObject_Malloc: malloc = {}, PyMem_Malloc: mem = {} } = now;
  // The core's three, and the record's. What is to be done for another allocator is elsewhere.
  assert.equal(sumOf(malloc, /\.load/), 3 + 1);
  assert.equal(sumOf(malloc, /\.store/), 1);
  assert.deepEqual(malloc, mem);
});

test("a word that PYTHONMALLOC does not have is refused, as by any CPython", async () => {
  await assert.rejects(loadLinked("pyodide", "tcmalloc"));
});

test("with PYTHONMALLOCSTATS, each arena is reported, as in CPython", async () => {
  const env = { PYTHONMALLOCSTATS: "1" };
  let text = "";
  const stderr = (line: string) => {
    text += `${line}\n`;
  };
  const stdLibURL = join(await linkedFolder("pyodide"), STDLIB);
  const pyodide = await loadLinked("pyodide", undefined, { env, stderr, stdLibURL });
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

test("the standard library's archive, in which one file is another, is whole", async () => {
  const pyodide = await loadLinked("pyodide");
  const told = pyodide.runPython(`
import os, zipfile
with zipfile.ZipFile(os.path.dirname(os.__file__)) as archive:
    told = archive.testzip(), len(archive.namelist()) > 500
str(told)
`);
  assert.equal(told, "(None, True)");
});
