/** inspect/python/roots.ts: who holds an object is found and named, in a Python that no Python runs in. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Snapshot, takeSnapshot } from "../../inspect/inspect.js";
import { findBlocks, imageOf, type MemoryImage } from "../../inspect/memory/memory.js";
import { findRoots, type Lookup, pythonGraph, type Root } from "../../inspect/python/python.js";
import { load, type Pyodide, VERSIONS, WORKLOAD } from "../support/pyodide.js";

const PROGRAM = `
import sys, types
app = types.ModuleType("app")
sys.modules["app"] = app
exec(compile('''
class Order: pass
class Waiting: pass
class Local: pass
CACHE = {"x": Order()}
def wait():
    kept = Waiting()
    yield 1
def run(look):
    order = Local()
    look()
GENERATOR = wait()
next(GENERATOR)
''', "app.py", "exec"), app.__dict__)
`;

/** The shortest way to the only object of a type. */
function wayTo(snapshot: Snapshot, type: string): string {
  const found = snapshot.find(type);
  assert.equal(found.length, 1, type);
  return String(snapshot.pathsTo(found[0] as number, { limit: 1 })[0]);
}

interface Globals {
  get(name: string): { get(name: string): ((look: () => void) => void) & { destroy(): void } };
}

/** What is seen while Python runs and calls JavaScript. */
function whileRunning(pyodide: Pyodide): Snapshot {
  let seen: Snapshot | undefined;
  const { globals } = pyodide as unknown as { globals: Globals };
  pyodide.runPython("app_dict = app.__dict__");
  const run = globals.get("app_dict").get("run");
  run(() => {
    seen = takeSnapshot(pyodide as never);
  });
  run.destroy();
  assert.ok(seen !== undefined);
  return seen;
}

/** An image of its own, and what is known of its blocks. */
function whole(pyodide: Pyodide): { image: MemoryImage; lookup: Lookup; roots: readonly Root[] } {
  const { image } = takeSnapshot(pyodide as never);
  let lookup: Lookup | undefined;
  let roots: readonly Root[] = [];
  pythonGraph(image, findBlocks(image), (of, known) => {
    lookup = known;
    roots = findRoots(of, known);
    return roots;
  });
  assert.ok(lookup !== undefined);
  return { image, lookup, roots };
}

/** A small generator of numbers, so that what fails can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

for (const version of VERSIONS) {
  describe(version, async () => {
    const pyodide = await load(version);
    pyodide.runPython(WORKLOAD);
    pyodide.runPython(PROGRAM);

    test("a global, and a variable of a generator that waits", () => {
      const snapshot = takeSnapshot(pyodide as never);
      assert.equal(wayTo(snapshot, "app.Order"), "module app > global CACHE > ['x'] > Order");
      const waiting = wayTo(snapshot, "app.Waiting");
      assert.match(waiting, /^module app > global GENERATOR > .*kept.* > Waiting$/);
    });

    test("a variable of a function that runs, while JavaScript is called", () => {
      const way = wayTo(whileRunning(pyodide), "app.Local");
      assert.match(way, /^local order of run \(app\.py:11\) > Local$/);
      assert.deepEqual(takeSnapshot(pyodide as never).find("app.Local"), []);
    });

    test("interned strings: the table holds none that others may let go", () => {
      pyodide.runPython("import sys; word = sys.intern('a word that ' + 'was made')");
      const found = takeSnapshot(pyodide as never).pathsTo("str:'a word that was made'");
      const way = "module __main__ > global word > str 'a word that was made'";
      assert.deepEqual(found.map(String), [way]);
      pyodide.runPython("del word");
      assert.deepEqual(takeSnapshot(pyodide as never).find("str:'a word that was made'"), []);
    });

    test("each group has roots, and each root leads to a node", () => {
      const { roots, lookup } = whole(pyodide);
      const names = (group: string) =>
        roots.filter((root) => root.group === group).map(({ name }) => name);
      for (const group of ["interned strings", "static data"]) {
        assert.ok(names(group).length > 0, group);
      }
      assert.ok(names("modules").includes("module app"));
      assert.ok(names("static types").includes("type dict"));
      assert.ok(names("interpreter").includes("sys.modules"));
      const dangling = roots.filter(({ address }) => lookup.nodeAt(address) === 0);
      assert.deepEqual(dangling.slice(0, 3), []);
    });

    test("functions are not held by the caches of the interpreter", () => {
      pyodide.runPython("def gone(): pass\nimport weakref, gc\ngone()\nseen = weakref.ref(gone)");
      const ways = () => takeSnapshot(pyodide as never).pathsTo("function:gone", { limit: 9 });
      const named = ways().map(String);
      assert.ok(
        named.length > 0 && named.every((way) => !/interpreter|static/.test(way)),
        `${named}`,
      );
    });

    test("lists that were free once are held by nobody but those who have them", async () => {
      const own = await load(version);
      own.runPython(`
free = [[] for n in range(80)]
free = None
class Chain:
    def __init__(self, next): self.next, self.rows = next, [next]
chain = None
for n in range(80): chain = Chain(chain)
`);
      const snapshot = takeSnapshot(own as never);
      const chains = snapshot.find("__main__.Chain");
      assert.equal(chains.length, 80);
      // The whole of it hangs on the last one, and all but the last on the one before.
      const holders = chains.map((node) => snapshot.idom(node) ?? 0);
      assert.equal(holders.filter((node) => chains.includes(node)).length, 79);
    });

    test("nearly all objects can be reached", () => {
      const { analysis, graph } = takeSnapshot(pyodide as never);
      let objects = 0;
      let reached = 0;
      for (let node = 1; node < graph.nodes; node++) {
        if (graph.types[graph.typeOf[node] as number]?.kind !== "object") continue;
        objects++;
        const idom = analysis.dominators.idom[node] as number;
        if (idom < graph.nodes) reached++;
      }
      assert.ok(objects > 50_000);
      assert.ok(reached >= 0.995 * objects, `${reached} of ${objects}`);
    });

    test("a damaged memory ends it soon, and without an error", () => {
      const { image, lookup } = whole(pyodide);
      const runtime = image.marks.symbols["_PyRuntime"] as number;
      const bytes = image.u8.slice();
      const words = new Uint32Array(bytes.buffer);
      const damaged = imageOf(image.marks, bytes);
      for (let seed = 1; seed <= 25; seed++) {
        const below = random(seed);
        const kept: [number, number][] = [];
        for (let count = 0; count < 200; count++) {
          const w = (runtime >>> 2) + below(42_000);
          kept.push([w, words[w] as number]);
          words[w] = below(2) === 0 ? below(2 ** 32) : 4 * below(words.length);
        }
        const from = Date.now();
        findRoots(damaged, lookup);
        assert.ok(Date.now() - from < 20_000, `seed ${seed}`);
        for (const [w, word] of kept.reverse()) words[w] = word;
      }
    });
  });
}
