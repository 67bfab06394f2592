/** What is tested of memory snapshots of a CPython that pymalloc was linked into. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { install } from "../../python/install.js";
import { blocks } from "./link-suite.js";
import { linkedFolder, loadLinked } from "./linked.js";
import { skipUnlessNewest } from "./profile.js";
import { folderOf, loadFrom, snapshotOf, WORKLOAD } from "./pyodide.js";

const makesSnapshot = { _makeSnapshot: true };

/** Of a stock interpreter. */
const stockSnapshot = async (name: string) =>
  snapshotOf(await loadFrom(folderOf(name), undefined, makesSnapshot));

const otherProgram = /^Error: Snapshot build id mismatch/;

export function testSnapshots(name: string): void {
  const skip = skipUnlessNewest(name);
  test(`${name}: a memory snapshot is restored, and goes on; another program refuses it`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name, undefined, makesSnapshot);
    pyodide.runPython("import json; kept = [(n, str(n)) for n in range(20_000)]");
    const handle = install(pyodide);
    const count = "import pymalloc; pymalloc.validate(); pymalloc.get_allocated_blocks()";
    assert.ok(Math.abs((pyodide.runPython(count) as number) - handle.getAllocatedBlocks()) < 200);
    const report = "pymalloc.stats()['malloc'] + pymalloc.debug_malloc_stats()";
    assert.match(String(pyodide.runPython(report)), /^pymallocSmall block threshold = 512/);
    // That someone holds the handle, in JavaScript and in Python, is no hindrance.
    const snapshot = snapshotOf(pyodide);

    const restored = await loadLinked(name, undefined, { _loadSnapshot: snapshot });
    const before = blocks(restored);
    assert.ok(before > 90_000, `${before}`);
    assert.equal(restored.runPython("json.dumps([len(kept), kept[5]])"), '[20000, [5, "5"]]');
    assert.throws(
      () => restored.runPython(count),
      /RuntimeError: pymalloc: this interpreter comes/,
    );
    assert.match(String(restored.runPython(WORKLOAD)), /^4000 2000 /);
    restored.runPython("del kept; import gc; gc.collect()");
    assert.ok(blocks(restored) < before);
    const again = install(restored);
    assert.notEqual(again, handle);
    assert.ok(Math.abs((restored.runPython(count) as number) - again.getAllocatedBlocks()) < 200);

    const stock = folderOf(name);
    await assert.rejects(loadFrom(stock, undefined, { _loadSnapshot: snapshot }), otherProgram);
    const stocks = await stockSnapshot(name);
    await assert.rejects(loadLinked(name, undefined, { _loadSnapshot: stocks }), otherProgram);
  });

  test(`${name}: also where the page has its own pyodide.mjs, or all of its own but the program`, {
    skip,
  }, async () => {
    const stock = folderOf(name);
    const indexURL = await linkedFolder(name);
    const own = await loadFrom(stock, undefined, { ...makesSnapshot, indexURL });
    assert.ok(blocks(own) > 50_000);
    const snapshot = snapshotOf(own);
    const restored = await loadFrom(stock, undefined, { _loadSnapshot: snapshot, indexURL });
    assert.ok(blocks(restored) > 50_000);
    const stocks = await stockSnapshot(name);
    const mixed = mkdtempSync(join(tmpdir(), "pymalloc-"));
    try {
      cpSync(stock, mixed, { recursive: true, dereference: true });
      cpSync(join(indexURL, "pyodide.asm.wasm"), join(mixed, "pyodide.asm.wasm"));
      let said = "";
      const stderr = (line: string) => {
        said += line;
      };
      // The first JavaScript that this process has loaded serves all programs, up to 0.29.
      const options = { _loadSnapshot: stocks, stderr };
      const refused =
        name === "pyodide" ? otherProgram : /Snapshot build id mismatch|RuntimeError: unreachable/;
      await assert.rejects(loadFrom(stock, undefined, { ...options, indexURL }), refused);
      if (name !== "pyodide") return;
      await assert.rejects(loadFrom(mixed, undefined, options), /RuntimeError: unreachable/);
      assert.match(said, /^pymalloc: this is another Pyodide's snapshot$/);
    } finally {
      rmSync(mixed, { recursive: true });
    }
  });
}
