/** What is tested of a CPython that was linked --with-pydebug. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PyMemError } from "../../base/errors.js";
import { memory, takeSnapshot } from "../../inspect/inspect.js";
import { install } from "../../python/install.js";
import { linkedLedger, programOf } from "../../python/python.js";
import { allocatorName, blocks } from "./link-suite.js";
import { pydebugFolder } from "./linked.js";
import { long, skipUnlessNewest } from "./profile.js";
import {
  crash,
  folderOf,
  keepStderr,
  type LoadOptions,
  load,
  loadFrom,
  type Pyodide,
  snapshotOf,
  WORKLOAD,
} from "./pyodide.js";
import { CTYPES, mistakes, programWith } from "./python-mistakes.js";

const LIBRARY = readFileSync(new URL("library.py", import.meta.url), "utf8");

async function start(name: string, word?: string, options: LoadOptions = {}): Promise<Pyodide> {
  return await loadFrom(await pydebugFolder(name), word, options);
}

const isOurs = (pyodide: Pyodide) => linkedLedger(programOf(pyodide, "test")) !== undefined;

/** PYTHONMALLOC's words, the name of what they give, and whether that is our debug heap. The first are of one kind each. */
const words = [
  [undefined, "pymalloc_debug", true],
  ["malloc_debug", "malloc_debug", true],
  ["pymalloc", "pymalloc", false],
  ["mimalloc_debug", "mimalloc_debug", true],
  ["", "pymalloc_debug", true],
  ["default", "pymalloc_debug", true],
  ["debug", "pymalloc_debug", true],
  ["pymalloc_debug", "pymalloc_debug", true],
  ["malloc", "malloc", false],
  ["mimalloc", "mimalloc", false],
] as const;
const KINDS = 4;

/** What a program writes on standard error until it ends at a mistake. */
function endOf(pyodide: Pyodide, code: string): string {
  const stderr = keepStderr(pyodide);
  crash(pyodide, code);
  return stderr();
}

/** The tests of one line of Pyodide. */
export function testPydebug(name: string): void {
  const skip = skipUnlessNewest(name);

  test(`${name}: it is WebAssembly, and at most 40 KB longer`, async () => {
    const program = (folder: string) => readFileSync(join(folder, "pyodide.asm.wasm"));
    const linked = program(await pydebugFolder(name));
    assert.ok(WebAssembly.validate(linked));
    const more = linked.length - program(folderOf(name)).length;
    assert.ok(more > 18 * 1024 && more <= 40 * 1024, `${more} bytes more`);
  });

  test(`${name}: unmodified Python is not accused, from its start on, and works as in the stock one`, async () => {
    const pyodide = await start(name);
    const stderr = keepStderr(pyodide);
    assert.equal(allocatorName(pyodide), "pymalloc_debug");
    assert.ok(isOurs(pyodide));
    const stock = skip ? undefined : await load(name);
    for (const program of stock === undefined ? [WORKLOAD] : [LIBRARY, WORKLOAD]) {
      const told = pyodide.runPython(program);
      if (stock !== undefined) assert.equal(told, stock.runPython(program));
    }
    const counts = Array.from({ length: 4 }, () => {
      pyodide.runPython(WORKLOAD);
      pyodide.runPython("import gc; gc.collect()");
      return blocks(pyodide);
    });
    assert.ok(Math.abs((counts[3] as number) - (counts[2] as number)) < 100, `stable: ${counts}`);
    const heap = install(pyodide);
    heap.validate();
    assert.ok(Math.abs(heap.getAllocatedBlocks() - blocks(pyodide)) < 200);
    assert.equal(stderr(), "");
  });

  test(`${name}: PYTHONMALLOC's words give what they say, and debug is the default`, {
    skip,
  }, async () => {
    for (const [word, expected, ours] of long ? words : words.slice(0, KINDS)) {
      if (word?.startsWith("mimalloc") && name === "pyodide-027") continue;
      const env = word === undefined ? {} : { PYTHONMALLOC: word };
      const pyodide = await start(name, undefined, { env });
      assert.equal(allocatorName(pyodide), expected, word);
      assert.equal(isOurs(pyodide), ours, word);
      assert.match(String(pyodide.runPython(WORKLOAD)), /^4000 2000 /, word);
      assert.equal(blocks(pyodide) > 50_000, !expected.startsWith("malloc"), word);
      if (ours) install(pyodide).validate();
    }
  });

  for (const [kind, [code, report]] of Object.entries(mistakes)) {
    test(`${name}: ${kind} is told by the program itself, which ends`, { skip }, async () => {
      for (const word of kind === "double-free" ? [undefined, "malloc_debug"] : [undefined]) {
        const pyodide = await start(name, word);
        const program = programWith(code);
        const text = endOf(pyodide, program);
        assert.match(text, new RegExp(`^PyMemError: ${kind}: `));
        assert.match(text, report);
        const dumped = /\nDebug memory block at address p=0x\w+: /.test(text);
        assert.equal(dumped, kind !== "without-gil");
        assert.match(text, new RegExp(`\nFatal Python error: [\\w]+: ${kind}\n`));
        // CPython knows whose turn it is only where someone holds the GIL.
        const line = program.split("\n").length - 1;
        if (kind !== "without-gil") {
          assert.match(text, new RegExp(`\n  File "<exec>", line ${line} in mistake\n`));
        }
      }
    });
  }

  test(`${name}: CPython's own ways to do wrong are found, and its tests of the debug hooks hold`, {
    skip: name === "pyodide" ? false : "its package has no _testcapi",
  }, async () => {
    const text = endOf(await start(name), "import _testcapi; _testcapi.pymem_buffer_overflow()");
    assert.match(
      text,
      /Debug memory block at address p=0x\w+: API 'm'\n {4}16 bytes originally requested\n.*\n {4}The 4 pad bytes at tail=0x\w+ are not all FORBIDDENBYTE \(0xfd\):\n {8}at tail\+0: 0x78 \*\*\* OUCH\n {8}at tail\+1: 0xfd\n/,
    );
    const misuse = endOf(await start(name), "import _testcapi; _testcapi.pymem_api_misuse()");
    assert.match(misuse, /bad ID: Allocated using API 'm', verified using API 'r'/);
    const without = "import _testcapi; _testcapi.pymem_malloc_without_gil()";
    assert.match(endOf(await start(name), without), /PyMem_Malloc: Python memory allocator call/);
    const pyodide = await start(name);
    const told = pyodide.runPython(`
import gc, _testcapi, _testinternalcapi
gc.disable()
for what in ("null", "uninitialized", "forbidden_bytes"):
    getattr(_testinternalcapi, f"check_pyobject_{what}_is_freed")()
gc.enable()
for test in ("test_pymem_alloc0", "test_pymem_setallocators", "test_pymem_setrawallocators"):
    getattr(_testcapi, test)()
seen = []
class C: pass
for start in (10, 20, 30):
    _testcapi.set_nomemory(start)
    for n in range(100):
        try:
            C()
        except MemoryError:
            _testcapi.remove_mem_hooks()
            seen.append(n <= start)
            break
    _testcapi.remove_mem_hooks()
str(seen)
`);
    assert.equal(told, "[True, True, True]");
    const heap = install(pyodide);
    heap.validate();
    // This one frees an object, and then sets its reference count.
    pyodide.runPython("_testinternalcapi.check_pyobject_freed_is_freed()");
    assert.throws(() => heap.validate(), { name: "PyMemError", kind: "use-after-free-write" });
  });

  test(`${name}: tracemalloc works on top of it`, { skip }, async () => {
    const pyodide = await start(name);
    const told = pyodide.runPython(`
import gc, json, tracemalloc
tracemalloc.start()
kept = [(n, str(n)) for n in range(5000)]
for n in range(3000):
    # Large blocks leave the quarantine while tracemalloc frees its traces, and holds its lock.
    bytearray(600 + n)
traced = tracemalloc.get_traced_memory()[0]
line = tracemalloc.get_object_traceback(kept[77][1])[0].lineno
tracemalloc.stop()
del kept
gc.collect()
json.dumps([traced, line])
`);
    const [traced, line] = JSON.parse(String(told));
    assert.ok(traced > 300_000, `${traced}`);
    assert.equal(line, 4);
    install(pyodide).validate();
    // What install was not told of is thrown, through all of Python.
    const [code] = mistakes["double-free"] as readonly [string, RegExp];
    crash(pyodide, programWith(code), { name: "PyMemError", kind: "double-free" });
  });

  test(`${name}: hooks that CPython puts on later are ours, and let pass what is older`, {
    skip,
  }, async () => {
    for (const word of ["pymalloc", "malloc"]) {
      const pyodide = await start(name, word);
      pyodide.runPython(`
import ctypes, gc
early = [(n, str(n), "x" * n) for n in range(3000)]
ctypes.pythonapi.PyMem_SetupDebugHooks()
`);
      assert.ok(isOurs(pyodide));
      assert.equal(allocatorName(pyodide), `${word}_debug`);
      pyodide.runPython("early = early[::2]; gc.collect()");
      pyodide.runPython(WORKLOAD);
      pyodide.runPython("del early; gc.collect()");
      install(pyodide).validate();
      // There is one only now.
      const again = await start(name, word);
      const code = `${CTYPES}\nctypes.pythonapi.PyMem_SetupDebugHooks()\np = object_malloc(8)\nobject_free(p)\nobject_free(p)`;
      assert.match(endOf(again, code), /^PyMemError: double-free: /);
    }
  });

  test(`${name}: install takes it over: faults come to JavaScript, and what can't be is refused`, {
    skip,
  }, async () => {
    const pyodide = await start(name);
    const stderr = keepStderr(pyodide);
    for (const [options, message] of [
      [{ malloc: "pymalloc" }, /^install: malloc is "pymalloc", but a debug heap is linked into/],
      [{ malloc: "malloc" }, /start it with PYTHONMALLOC=malloc$/],
      [{ stacks: true }, /^install: stacks is true, but a debug heap is linked into this/],
      [{ onNewArena() {} }, /^install: onNewArena is a function, but a debug heap is linked/],
    ] as const) {
      assert.throws(() => install(pyodide, options), { message });
    }
    const faults: PyMemError[] = [];
    const onFault = (fault: PyMemError) => faults.push(fault);
    const heap = install(pyodide, { malloc: "debug", onFault, quarantineBytes: 100_000 });
    assert.equal(install(pyodide), heap);
    pyodide.runPython(`${CTYPES}
def twice(p):
    object_free(p)
    object_free(p)
twice(object_malloc(24))
write(mem_malloc(8) + 8)`);
    assert.equal(stderr(), "");
    const [fault] = faults as [PyMemError];
    assert.equal(faults.length, 1);
    assert.equal(fault.kind, "double-free");
    // CPython 3.12 has no debug offsets.
    const stack = name === "pyodide-027" ? /^$/ : /^ {2}File "<exec>", line \d+ in twice\n/;
    assert.match(fault.pythonStack ?? "", stack);
    assert.match(heap.explainCrash() ?? "", /^PyMemError: buffer-overflow: validate: /);
    assert.equal(heap.stats().malloc, "pymalloc_debug");
    assert.ok((heap.stats().debug?.heldBytes as number) <= 100_000);
    const count = "import pymalloc; pymalloc.get_allocated_blocks()";
    assert.ok(Math.abs((pyodide.runPython(count) as number) - blocks(pyodide)) < 200);
  });

  test(`${name}: the budget and snapshots know its blocks and its books`, { skip }, async () => {
    for (const word of [undefined, "malloc_debug"]) {
      const pyodide = await start(name, word);
      pyodide.runPython("kept = [str(n) for n in range(20_000)]");
      for (const installed of [false, true]) {
        if (installed) install(pyodide);
        const budget = memory(pyodide);
        const sum = (value: unknown): number =>
          typeof value === "number"
            ? value
            : Object.values(value as object).reduce((total, part) => total + sum(part), 0);
        assert.equal(sum(budget.parts), budget.total);
        assert.equal(budget.allocator, `${word ?? "pymalloc_debug"} linked`);
        assert.match(
          budget.note,
          /\d+ bytes in use were freed and are held back by the debug mode/,
        );
        assert.ok(budget.parts.tables > 1_000_000, "the shadows");
      }
      const types = takeSnapshot(pyodide).types();
      const texts = types.find(({ type }) => type === "str");
      assert.ok(texts !== undefined && texts.count > 20_000 && texts.count < 200_000);
    }
  });

  test(`${name}: a memory snapshot is restored, and goes on`, { skip }, async () => {
    const pyodide = await start(name, undefined, { _makeSnapshot: true });
    pyodide.runPython("kept = [(n, str(n)) for n in range(20_000)]");
    // Whoever has heard of faults there does not hear of them in the next one.
    install(pyodide, { onFault: () => {} });
    const restored = await start(name, undefined, { _loadSnapshot: snapshotOf(pyodide) });
    assert.ok(blocks(restored) > 90_000);
    restored.runPython(WORKLOAD);
    restored.runPython("del kept; import gc; gc.collect()");
    const code = `${CTYPES}\np = mem_malloc(8)\nmem_free(p)\nmem_free(p)`;
    assert.match(endOf(restored, code), /^PyMemError: double-free: /);
  });
}
