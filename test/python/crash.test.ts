/** What an interpreter in a debug mode says of a crash, and of calls without the GIL. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PyMemError } from "../../base/errors.js";
import { install } from "../../python/install.js";
import { skipUnlessNewest } from "../support/profile.js";
import { crash, load, VERSIONS, WORKLOAD } from "../support/pyodide.js";

/** Gives back references that are someone else's. */
const DROP = `
import ctypes
ctypes.pythonapi.Py_DecRef.restype = None

def drop(value, references):
    for _ in range(references):
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(value))

class Point:
    def __init__(self, x):
        self.x = x
`;

for (const name of VERSIONS) {
  const skip = skipUnlessNewest(name);

  test(`${name}: where nothing is wrong, nothing is said`, { skip }, async () => {
    for (const malloc of ["pymalloc", "debug", "malloc_debug"] as const) {
      const pyodide = await load(name);
      const heap = install(pyodide, { malloc });
      pyodide.runPython(WORKLOAD);
      assert.equal(heap.explainCrash(), undefined);
      pyodide.runPython(WORKLOAD);
      heap.validate();
    }
  });

  test(`${name}: numbers that were addresses are no pointers`, async () => {
    const pyodide = await load(name);
    const heap = install(pyodide, { malloc: "debug" });
    pyodide.runPython(`
class Number(int): pass
things = [object() for n in range(100)]
by_id = {id(thing): None for thing in things}
numbers = [Number(id(thing)) for thing in things]
removed = {thing: None for thing in things}
while removed: removed.popitem()
del things
`);
    assert.equal(heap.explainCrash(), undefined);
  });

  test(`${name}: a crash is explained by who points to what was freed`, async () => {
    const pyodide = await load(name);
    const heap = install(pyodide, { malloc: "debug", stacks: true, onFault: () => {} });
    const code = `${DROP}
def shop():
    items = [Point(n) for n in range(10)]
    pair = (items[3], None)
    table = {"five": items[5]}
    drop(items[7], 1)
    drop(items[3], 2)
    drop(items[5], 2)
    local = Point(0)
    drop(local, 1)
    repr(items)

shop()
`;
    crash(pyodide, code);
    const text = heap.explainCrash() ?? "";
    const lines = code.split("\n");
    const line = (content: string) => lines.findIndex((one) => one.includes(content)) + 1;
    const block =
      "is the block of \\d+ bytes at 0x[0-9a-f]+ \\(family object, made by call #\\d+\\)";
    for (const holder of [
      "item 7 of the list at 0x[0-9a-f]+",
      "item 3 of the list at 0x[0-9a-f]+",
      "item 0 of the tuple at 0x[0-9a-f]+",
      "an entry of the dict at 0x[0-9a-f]+",
      "the variable `local` of shop\\(\\)",
    ]) {
      assert.match(text, new RegExp(`^ {2}${holder} ${block}, which was freed$`, "m"));
    }
    const born = `File "<exec>", line ${line("items = [")} in shop`;
    const gone = `File "<exec>", line ${line("drop(items[7]")} in shop`;
    const stacks = `allocated here:\n {2}${born}\n[^T]*The block was freed here:\n {2}${gone}\n`;
    assert.match(text, new RegExp(`item 7 of .*\nThe block was ${stacks}`));
    assert.match(text, /Python was running \(most recent call first\):\n {2}File "<exec>"/);
    assert.ok(text.split("\n").length < 120);
  });
}

test("damage that nothing has met yet is found after a crash", async () => {
  const pyodide = await load("pyodide");
  const heap = install(pyodide, { malloc: "debug" });
  crash(
    pyodide,
    `${DROP}
malloc = ctypes.pythonapi.PyMem_Malloc
malloc.restype = ctypes.c_size_t
ctypes.memset(malloc(10) + 10, 1, 1) # never freed
one = Point(1)
drop(one, 1)
repr([one])
`,
  );
  const text = heap.explainCrash() ?? "";
  assert.match(text, /^PyMemError: buffer-overflow: validate: bad trailing pad byte; the bytes/m);
  assert.match(text, /an entry of the dict at 0x\w+ is the block/);
});

test("a reference too few of an object whose memory Python keeps is seen as well", async () => {
  const pyodide = await load("pyodide");
  const heap = install(pyodide, { malloc: "debug", onFault: () => {} });
  pyodide.runPython(`${DROP}
lists = [[] for n in range(5)]
drop(lists[3], 1)
`);
  assert.match(
    heap.explainCrash() ?? "",
    /^ {2}item 3 of the list at \S+ is the block .*, of an object that is gone, kept for the next one$/m,
  );
});

test("who points to what was freed is found among thousands of words that did so before", async () => {
  const pyodide = await load("pyodide");
  const heap = install(pyodide, { malloc: "debug", onFault: () => {} });
  pyodide.runPython(`${DROP}
gone = [id(point) for point in [Point(n) for n in range(1000)]]
words = ctypes.c_size_t * 8 # as long as the items of a list of five
before = [words(*gone[n:n + 8]) for n in range(900)]
points = [Point(n) for n in range(5)]
behind = [words(*gone[n:n + 8]) for n in range(900)]
drop(points[3], 1)
`);
  assert.match(heap.explainCrash() ?? "", /^ {2}item 3 of the list at \S+ is the block .* freed$/m);
});

test("a call without the GIL is named, with its line, before anything is changed", async () => {
  for (const name of VERSIONS) {
    const faults: PyMemError[] = [];
    const pyodide = await load(name);
    const heap = install(pyodide, { malloc: "debug", onFault: (fault) => faults.push(fault) });
    pyodide.runPython(`
import ctypes
library = ctypes.CDLL(None)  # lets go of the GIL for each call
held = ctypes.pythonapi      # does not
held.PyThreadState_New(held.PyInterpreterState_Get()) # there are others, that wait
for functions in (library, held):
    for name in ("PyMem_Malloc", "PyMem_RawMalloc", "PyObject_Malloc"):
        getattr(functions, name).restype = ctypes.c_size_t

def allocate():
    p = library.PyMem_Malloc(24)
    assert p != 0
    library.PyMem_Free(p)
    library.PyMem_RawFree(library.PyMem_RawMalloc(24))
    q = library.PyObject_Calloc(3, 8)
    held.PyObject_Free(library.PyObject_Realloc(q, 9))
    held.PyMem_Free(held.PyMem_Malloc(8))

allocate()
`);
    assert.deepEqual(
      faults.map(({ kind, call, size }) => [kind, call, size]),
      [
        ["without-gil", "PyMem_Malloc", undefined],
        ["without-gil", "PyMem_Free", 24],
        ["without-gil", "PyObject_Calloc", undefined],
        ["without-gil", "PyObject_Realloc", 24],
      ],
    );
    const [first, second] = faults as [PyMemError, PyMemError];
    assert.equal(
      first.message,
      "without-gil: PyMem_Malloc: Python memory allocator called without holding the GIL",
    );
    assert.equal(first.dump, undefined);
    assert.match(first.pythonStack ?? "", /^ {2}File "<exec>", line 11 in allocate\n/);
    assert.match(
      second.message,
      /without holding the GIL; the block of 24 bytes at 0x\w+ \(family/,
    );
    heap.validate();
    assert.equal(faults.length, 4);
  }
});

test("CPython's own test of it ends the interpreter where faults are thrown", async () => {
  const pyodide = await load("pyodide");
  install(pyodide, { malloc: "debug" });
  const code = "import _testcapi; _testcapi.pymem_malloc_without_gil()";
  crash(pyodide, code, { name: "PyMemError", kind: "without-gil" });
});
