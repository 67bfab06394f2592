/** link/: CPython with pymalloc linked in. The newest line of Pyodide has more tests than the others. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { linkedLayout } from "../../base/generated/modules.js";
import { install } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import { assertGolden, sumOf, tally } from "../support/golden.js";
import { testSnapshots } from "../support/link-snapshots.js";
import { blocks, testLinked } from "../support/link-suite.js";
import { linkedFolder, loadLinked } from "../support/linked.js";
import { WORKLOAD } from "../support/pyodide.js";

testLinked("pyodide");
testSnapshots("pyodide");

test("CPython's functions are the fast paths, with one load and a comparison in front", async () => {
  const file = join(await linkedFolder("pyodide"), "pyodide.asm.wasm");
  const { default: binaryen } = await import("binaryen");
  const module = binaryen.readBinary(readFileSync(file));
  const countOpcodes = (exported: string) => {
    const { value } = binaryen.getExportInfo(module.getExport(exported));
    const { body } = binaryen.getFunctionInfo(module.getFunction(value));
    const words = binaryen.emitText(body).matchAll(/\((?!then|else|result|type)([a-z][\w.]*)/g);
    return tally(Array.from(words, ([, opcode]) => opcode as string));
  };
  const names = ["PyObject_Malloc", "PyObject_Free", "PyMem_Malloc", "PyMem_Free"];
  const now = Object.fromEntries(names.map((name) => [name, countOpcodes(name)]));
  module.dispose();
  assertGolden("link/fast-paths-linked.json", now);
  const { PyObject_Malloc: malloc = {}, PyMem_Malloc: mem = {} } = now;
  // The core's three, the record's, and two for another allocator: where it is, and its context.
  assert.equal(sumOf(malloc, /\.load/), 3 + 1 + 2);
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
