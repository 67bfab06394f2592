/** inspect/in-python.ts: `import pymalloc` of an interpreter tells Python what fills its memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspectFromPython, openSnapshot } from "../../inspect/inspect.js";
import { install } from "../../python/python.js";
import { load, type Pyodide, VERSIONS } from "../support/pyodide.js";

const PROGRAM = `
import json, pymalloc, sys, types
app = types.ModuleType("app")
sys.modules["app"] = app
exec('''
CACHE = {}
class Order:
    def __init__(self, n):
        self.items = [n, str(n)]
def work():
    CACHE[len(CACHE)] = Order(len(CACHE))
def fine():
    return [Order(n) for n in range(100)]
def once():
    if "once" not in CACHE: CACHE["once"] = Order(0)
''', app.__dict__)
for n in range(1000): app.work()
`;

interface Awaiting extends Pyodide {
  runPythonAsync(code: string): Promise<unknown>;
  readonly FS: { readFile(path: string): Uint8Array };
}

/** What Python's expression is, by way of JSON. */
function ask(pyodide: Pyodide, expression: string): unknown {
  return JSON.parse(pyodide.runPython(`json.dumps(${expression})`) as string);
}

for (const version of VERSIONS) {
  describe(version, async () => {
    const pyodide = (await load(version)) as Awaiting;
    // One with pymalloc, one without.
    if (version === "pyodide") install(pyodide);
    inspectFromPython(pyodide);
    pyodide.runPython(PROGRAM);

    test("memory: a dict whose total is the memory's length", () => {
      const { memory } = pyodide._module as { memory?: WebAssembly.Memory };
      const budget = ask(pyodide, "pymalloc.memory()") as { total: number };
      assert.equal(budget.total % 65536, 0);
      if (memory !== undefined) assert.equal(budget.total, memory.buffer.byteLength);
    });

    test("a snapshot: types, dominators, paths, holders", () => {
      pyodide.runPython("s = pymalloc.snapshot()");
      const types = ask(pyodide, "s.types()") as { type: string; count: number }[];
      assert.equal(types.find(({ type }) => type === "app.Order")?.count, 1000);
      const dominators = ask(pyodide, "s.dominators(3)") as unknown[];
      assert.equal(dominators.length, 3);
      const way = "module app > global CACHE > [7] > Order";
      assert.deepEqual(ask(pyodide, "s.paths(app.CACHE[7])"), [way]);
      assert.deepEqual(ask(pyodide, "s.paths(id(app.CACHE[7]))"), [way]);
      assert.match(
        String(ask(pyodide, 's.paths("app.Order", 1)')),
        /^module app > global CACHE > /,
      );
      assert.deepEqual(ask(pyodide, 's.paths("app.Nothing")'), []);
      const holders = ask(pyodide, 's.holders("app.Order")') as { path: string; count: number }[];
      assert.deepEqual(
        holders.map(({ path, count }) => ({ path, count })),
        [{ path: "module app > global CACHE > [...]", count: 1000 }],
      );
      assert.match(String(pyodide.runPython("repr(s)")), /^<pymalloc\.Snapshot of \d+ objects/);
    });

    test("the difference of two snapshots names what came", () => {
      pyodide.runPython("for n in range(5): app.work()\nd = s.diff(pymalloc.snapshot())");
      assert.match(String(pyodide.runPython("str(d)")), /app\.Order +\+5 /);
      const types = ask(pyodide, "d.types") as { type: string; count: number }[];
      assert.equal(types.find(({ type }) => type === "app.Order")?.count, 5);
      assert.throws(
        () => pyodide.runPython("s.diff(3)"),
        /TypeError: diff: expected a snapshot, got 3/,
      );
    });

    test("watch: what a block leaves behind, and nothing of the looks", () => {
      pyodide.runPython("with pymalloc.watch() as w:\n  for n in range(5): app.work()");
      const grown = ask(pyodide, "w.grown") as { type: string; path: string; count: number }[];
      assert.deepEqual(
        grown.slice(0, 1).map(({ type, path, count }) => ({ type, path, count })),
        [{ type: "app.Order", path: "module app > global CACHE > [...]", count: 5 }],
      );
      assert.match(String(pyodide.runPython("w.report()")), /^app\.Order \+5 .*global CACHE/);
      for (const work of ["pass", "app.fine()", "for n in range(10): app.fine()"]) {
        pyodide.runPython(`with pymalloc.watch() as w:\n  ${work}`);
        assert.deepEqual(ask(pyodide, "w.grown"), [], work);
      }
    });

    test("leaks: what grows with each call", () => {
      pyodide.runPython("found = pymalloc.leaks(app.work, times=4)");
      assert.equal(pyodide.runPython("bool(found)"), true);
      assert.match(String(pyodide.runPython("str(found)")), /^app\.Order \+4 .*global CACHE/);
      for (const work of ["app.fine", "app.once", "lambda: None"]) {
        const text = pyodide.runPython(`str(pymalloc.leaks(${work}, times=4))`);
        assert.equal(text, "nothing grows in 4 runs\n", work);
      }
    });

    test("what is wrong is told", () => {
      const refused = (code: string, message: RegExp) =>
        assert.throws(() => pyodide.runPython(code), message);
      refused("pymalloc.leaks(3)", /TypeError: leaks: function is 3, expected one that is called/);
      refused(
        "pymalloc.leaks(app.fine, 0)",
        /ValueError: leaks: times is 0, expected a whole number/,
      );
      refused("pymalloc.watch(times='x')", /ValueError: watch: times is 'x', expected a whole/);
      refused("pymalloc.watch().grown", /RuntimeError: pymalloc\.watch: the block has not ended/);
      assert.throws(
        () => inspectFromPython({} as never),
        /^TypeError: inspectFromPython: expected a running Pyodide/,
      );
    });

    test("an exception in a block passes through", () => {
      const code =
        "try:\n  with pymalloc.watch() as w: 1 / 0\nexcept ZeroDivisionError: passed = True\n";
      assert.equal(pyodide.runPython(`${code}passed`), true);
    });

    test("files: the memory itself, and for DevTools", async () => {
      await pyodide.runPythonAsync(
        'await s.save("heap.pymem")\nawait s.write_heapsnapshot("heap.heapsnapshot")',
      );
      const again = await openSnapshot(pyodide.FS.readFile("heap.pymem"));
      assert.equal(again.find("app.Order").length, 1000);
      const text = new TextDecoder().decode(pyodide.FS.readFile("heap.heapsnapshot"));
      assert.ok("snapshot" in (JSON.parse(text) as object));
    });
  });
}

test("it works with an installation that comes later, and the module stays the same", async () => {
  const pyodide = await load("pyodide");
  inspectFromPython(pyodide);
  pyodide.runPython("import pymalloc; before = pymalloc");
  install(pyodide);
  assert.equal(pyodide.runPython("import pymalloc; pymalloc is before"), true);
  assert.equal(
    pyodide.runPython("bool(pymalloc.stats()) and pymalloc.memory()['total'] > 0"),
    true,
  );
});
