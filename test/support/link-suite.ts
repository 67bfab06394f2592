/** What is tested of a CPython that pymalloc was linked into. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { EmscriptenProgram } from "../../hosts/emscripten.js";
import { startCensus } from "../../measure/census.js";
import { median } from "../../measure/paired.js";
import { install } from "../../python/install.js";
import { AllocatorTable, Domains, programOf } from "../../python/python.js";
import { linkedFolder, loadLinked } from "./linked.js";
import { long, onlyLong, skipUnlessNewest } from "./profile.js";
import { folderOf, keepStderr, load, loadFrom, type Pyodide, WORKLOAD } from "./pyodide.js";

const LIBRARY = readFileSync(new URL("library.py", import.meta.url), "utf8");

/** CPython's own name of the allocator in force. */
export function allocatorName(pyodide: Pyodide): string {
  const program = programOf(pyodide, "allocatorName");
  const name = program.require<() => number>("_PyMem_GetCurrentAllocatorName")() >>> 0;
  const bytes = new Uint8Array(program.memory.buffer);
  return new TextDecoder().decode(bytes.subarray(name, bytes.indexOf(0, name)));
}

export const blocks = (pyodide: Pyodide) =>
  pyodide.runPython("import sys; sys.getallocatedblocks()") as number;

/**
 * Puts CPython's own debug hooks on all domains, and returns what takes them away again. What was allocated before, they
 * don't know; so no Python may run in between.
 */
export function setupDebugHooks(program: EmscriptenProgram): () => void {
  const table = new AllocatorTable(program);
  const before = Object.values(Domains).map((domain) => [domain, table.get(domain)] as const);
  program.require<() => void>("PyMem_SetupDebugHooks")();
  return () => {
    for (const [domain, record] of before) table.set(domain, record);
  };
}

/**
 * PYTHONMALLOC's words, and the name of what they give. Up to 3.12, CPython has no mimalloc. The first `KINDS` are of one
 * kind each, and the others only in the longer profile.
 */
const words = [
  [undefined, "pymalloc"],
  ["debug", "pymalloc_debug"],
  ["malloc", "malloc"],
  ["mimalloc", "mimalloc"],
  ["default", "pymalloc"],
  ["pymalloc", "pymalloc"],
  ["pymalloc_debug", "pymalloc_debug"],
  ["malloc_debug", "malloc_debug"],
  ["mimalloc_debug", "mimalloc_debug"],
] as const;
const KINDS = 4;

/** How many blocks more are counted with 10,000 more, and without them again. */
const COUNT = `
import gc, sys
gc.collect()
before = sys.getallocatedblocks()
kept = [str(n) for n in range(10_000, 20_000)]
more = sys.getallocatedblocks() - before
del kept
str([more, sys.getallocatedblocks() - before])
`;

/**
 * Asks the C library for CPython's variables, as any extension may, and `sysconfig` for the configure switch. A module that was
 * compiled without it adds the constant as _testcapi does.
 */
const LOOK = `
import ctypes, sysconfig
getenv = ctypes.CDLL(None).getenv
for name in (b"PYTHONMALLOC", b"PYTHONMALLOCSTATS", b"PYTHONMALLOC"):
    getenv(name)
import types
module = types.ModuleType("module")
add = ctypes.pythonapi.PyModule_AddObjectRef
add.argtypes = [ctypes.py_object, ctypes.c_char_p, ctypes.py_object]
for name in (b"WITH_PYMALLOC", b"WITH_PYMALLO", b"WITH_MIMALLOC"):
    assert add(module, name, False) == 0
assert [module.WITH_PYMALLOC, module.WITH_PYMALLO, module.WITH_MIMALLOC] == [True, False, False]
sysconfig.get_config_var("WITH_PYMALLOC")
`;

/**
 * The tests of one line of Pyodide. Each runs in a process of its own: before 314, the JavaScript of the first that is
 * loaded stays for all.
 */
export function testLinked(name: string): void {
  const skip = skipUnlessNewest(name);
  test(`${name}: it is WebAssembly, and at most 18 KB longer`, async () => {
    const program = (folder: string) => readFileSync(join(folder, "pyodide.asm.wasm"));
    const linked = program(await linkedFolder(name));
    assert.ok(WebAssembly.validate(linked));
    const more = linked.length - program(folderOf(name)).length;
    assert.ok(more > 0 && more <= 18 * 1024, `${more} bytes more`);
  });

  test(`${name}: in pools from the first allocation on, it works as the stock one does`, async () => {
    // The shorter profile has no stock one of the older lines.
    const stock = skip ? undefined : await load(name);
    const pyodide = await loadLinked(name);
    assert.equal(allocatorName(pyodide), "pymalloc");
    assert.ok(blocks(pyodide) > 50_000, "what came before the first line of Python is counted");
    assert.match(String(pyodide.runPython(WORKLOAD)), /^4000 2000 /);
    for (const program of stock === undefined ? [] : [LIBRARY, WORKLOAD]) {
      assert.equal(pyodide.runPython(program), stock?.runPython(program));
    }

    const heap = install(pyodide);
    heap.validate();
    assert.ok(Math.abs(heap.getAllocatedBlocks() - blocks(pyodide)) < 200);
    const { total, ...parts } = heap.stats().bytes;
    assert.equal(
      Object.values(parts).reduce((sum, part) => sum + part),
      total,
    );
    // What is larger than 512 bytes, and what fills holes that are too short for pools.
    assert.ok(heap.stats().blocks.inPools > 8 * heap.stats().blocks.raw);
  });

  test(`${name}: started, it takes no more memory than the stock one`, {
    skip: onlyLong,
  }, async () => {
    // What is copied from the environment moves all that comes after it, and with it a hundredth of the memory.
    const taken = async (folder: string) => {
      const bytes: number[] = [];
      for (let start = 0; start < 5; start++) {
        const env = { PADDING: "x".repeat(16 * start) };
        const program = programOf(await loadFrom(folder, undefined, { env }), "taken");
        bytes.push(program.break() - program.heapBase);
      }
      return median(bytes);
    };
    const stock = await taken(folderOf(name));
    const linked = await taken(await linkedFolder(name));
    assert.ok(linked < 1.01 * stock, `${linked} bytes instead of ${stock}`);
  });

  test(`${name}: PYTHONMALLOC's words give the allocators of their names, and looking changes nothing`, {
    skip,
  }, async () => {
    for (const [word, expected] of long ? words : words.slice(0, KINDS)) {
      if (word?.startsWith("mimalloc") && name === "pyodide-027") continue;
      const pyodide = await loadLinked(name, word);
      const pools = expected.startsWith("pymalloc");
      // As CPython --with-pymalloc counts: not the plain malloc's.
      const counted = pools || expected.startsWith("mimalloc");
      const check = () => {
        assert.equal(allocatorName(pyodide), expected, word);
        assert.equal(blocks(pyodide) > 50_000, counted, word);
        const [more, left] = JSON.parse(String(pyodide.runPython(COUNT)));
        assert.ok(Math.abs(more - (counted ? 10_000 : 0)) < 100, `${word}: ${more} more`);
        assert.ok(Math.abs(left) < 100, `${word}: ${left} left`);
      };
      check();
      assert.match(String(pyodide.runPython(WORKLOAD)), /^4000 2000 /, word);
      assert.equal(pyodide.runPython(LOOK), 1, word);
      check();
      if (pools) assert.ok(install(pyodide).stats().arenas.allocatedTotal > 1000, "the same heap");
    }
  });

  test(`${name}: under CPython's own debug hooks nothing is accused, and the books are balanced`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name, "pymalloc_debug");
    const stderr = keepStderr(pyodide);
    pyodide.runPython(LIBRARY);
    const before = blocks(pyodide);
    pyodide.runPython(WORKLOAD);
    pyodide.runPython("import gc; gc.collect()");
    const heap = install(pyodide);
    heap.validate();
    assert.ok(blocks(pyodide) - before < 5000, "what was allocated is free again");
    assert.doesNotMatch(stderr(), /Debug memory block|OUCH|Fatal/);
  });

  test(`${name}: sys._debugmallocstats() writes what the library writes, without JavaScript`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name);
    const stderr = keepStderr(pyodide);
    pyodide.runPython("import sys; kept = [str(n) for n in range(5000)]; sys._debugmallocstats()");
    const text = stderr();
    const own = text.slice(0, text.indexOf("\n", text.indexOf("\nTotal ") + 1) + 1);
    // The same lines, from the same heap a moment later.
    const library = install(pyodide).debugMallocStats();
    const shape = (report: string) => report.replace(/[\d,]+/g, "n").replace(/ +/g, " ");
    const rows = /^ n n n n n\n/gm;
    assert.equal(shape(own).replace(rows, ""), shape(library).replace(rows, ""));
    const widths = (report: string) =>
      report.match(/^[^=\n]*=[^\n]*$/gm)?.map((line) => line.length);
    assert.deepEqual(widths(own), widths(library));
    assert.match(own, / arenas \* 2048 bytes\/arena {5,}= {5,}\d{1,3}(,\d{3})+\n/);
    assert.match(text.slice(own.length), /free Py\w+Objects?/, "CPython's own part follows");
  });

  test(`${name}: allocators may be put on top and taken away: tracemalloc, hooks, debug hooks`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name);
    // A text: an object of Python's would be freed later, when JavaScript collects, through the hooks that follow.
    const told = pyodide.runPython(`
import gc, json, tracemalloc
tracemalloc.start()
kept = [(n, str(n)) for n in range(5000)]
traced = tracemalloc.get_traced_memory()[0]
line = tracemalloc.get_object_traceback(kept[77][1])[0].lineno
tracemalloc.stop()
del kept
gc.collect()
json.dumps([traced, line, [str(n) for n in range(1000)][-1]])
`);
    const [traced, line, after] = JSON.parse(String(told));
    assert.ok(traced > 300_000, `${traced}`);
    assert.deepEqual([line, after], [4, "999"]);

    const program = programOf(pyodide, "test");
    const takeAway = setupDebugHooks(program);
    assert.equal(allocatorName(pyodide), "pymalloc_debug");
    const p = program.require<(bytes: number) => number>("PyObject_Malloc")(20);
    const bytes = new Uint8Array(program.memory.buffer);
    assert.deepEqual(
      [...bytes.subarray(p, p + 24)],
      [...Array(20).fill(0xcd), ...Array(4).fill(0xfd)],
    );
    program.require<(p: number) => void>("PyObject_Free")(p);
    assert.equal(bytes[p + 12], 0xdd);
    takeAway();
    assert.equal(allocatorName(pyodide), "pymalloc");
    assert.match(String(pyodide.runPython(WORKLOAD)), /^4000 2000 /, "it goes on as before");
  });

  test(`${name}: a hook sees each call of CPython's functions, and gives the old ones back`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name);
    const program = programOf(pyodide, "test");
    type Call = (...parameters: number[]) => number;
    const call = (verb: string) => program.require<Call>(`PyObject_${verb}`);
    const heap = install(pyodide);
    // Some may be where the system malloc had room, so each is asked about while it is there.
    let inPools = 0;
    const counted = (block: number) => {
      if (heap.isPymallocAddress(block)) inPools++;
      return block;
    };
    const end = startCensus(pyodide, heap);
    assert.notEqual(allocatorName(pyodide), "pymalloc");
    const many = Array.from({ length: 1000 }, () => counted(call("Malloc")(42)));
    const p = counted(call("Malloc")(42));
    const moved = counted(call("Realloc")(p, 200));
    const zero = counted(call("Calloc")(2, 5));
    for (const block of [...many, moved, zero]) call("Free")(block);
    assert.equal(call("Malloc")(-1), 0, "too long");
    const { requests, fromPools, peakBlocks } = end();
    assert.deepEqual([requests, fromPools, peakBlocks], [1003, inPools, 1002]);
    assert.ok(inPools > 100, `${inPools} of 1003 in pools`);
    assert.equal(allocatorName(pyodide), "pymalloc");
    assert.equal(call("Malloc")(-1), 0);
    assert.notEqual(call("Malloc")(0), 0);
    assert.equal(pyodide.runPython(WORKLOAD), pyodide.runPython(WORKLOAD));
  });

  test(`${name}: our debug mode may be put in front of it`, { skip }, async () => {
    const pyodide = await loadLinked(name);
    pyodide.runPython("import gc; early = [str(n) for n in range(50_000)]; gc.collect()");
    const before = blocks(pyodide);
    const faults: string[] = [];
    const heap = install(pyodide, { malloc: "debug", onFault: ({ kind }) => faults.push(kind) });
    const grown = () => {
      assert.ok(Math.abs(heap.getAllocatedBlocks() - blocks(pyodide)) < 200);
      return blocks(pyodide) - before;
    };
    // What install itself makes is some hundred.
    assert.ok(Math.abs(grown()) < 2000, "what was there is counted");
    pyodide.runPython("late = early[::2]; del early; gc.collect()");
    assert.ok(Math.abs(grown() + 25_000) < 2000, `${grown()}: what was there and is freed`);
    pyodide.runPython("more = [str(n) for n in range(50_000)]");
    assert.ok(Math.abs(grown() - 25_000) < 2000, `${grown()}: what is new`);
    pyodide.runPython("del late, more; gc.collect()");
    assert.ok(Math.abs(grown() + 50_000) < 2000, `${grown()}: all of it`);
    pyodide.runPython(WORKLOAD);
    heap.validate();
    assert.deepEqual(faults, []);
    const program = programOf(pyodide, "test");
    const malloc = program.require<(bytes: number) => number>("PyObject_Malloc");
    const free = program.require<(p: number) => void>("PyObject_Free");
    const p = malloc(24);
    free(p);
    free(p);
    assert.deepEqual(faults, ["double-free"]);
  });
}
