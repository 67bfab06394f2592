/** Interpreters whose heap has grown beyond 2 GiB before pymalloc comes: counts, walks, stacks and recordings are right. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PyMemError } from "../src/errors.js";
import { startCensus } from "../src/hosts/census.js";
import { programOf } from "../src/hosts/cpython.js";
import { countBlocks, mapBlocks } from "../src/hosts/dlmalloc.js";
import { install, type PyodideLike } from "../src/hosts/pyodide.js";
import { startRecording } from "../src/hosts/recorder.js";
import { load, type Pyodide, WORKLOAD } from "./support/pyodide.js";

const GIB = 2 ** 30;

/** An interpreter whose next large blocks lie behind so many GiB: nothing of those is touched, so nothing is dear. */
async function loadBeyond(name: string, gib: number): Promise<Pyodide> {
  const pyodide = await load(name);
  const { malloc, break: end } = programOf(pyodide, "test");
  while (end() < gib * GIB) {
    assert.notEqual(malloc.malloc(Math.min(gib * GIB - end() + 65536, GIB)), 0);
  }
  // Small holes are filled, so that what comes now lies beyond them.
  pyodide.runPython("filled = [bytes(n % 4000) for n in range(30_000)]");
  return pyodide;
}

/** What Python does in the debug mode's sight: six lines of mistakes, in functions that were made just now. */
const MISTAKES = `
import ctypes
def function(name, result, *arguments):
    found = getattr(ctypes.pythonapi, name)
    found.restype, found.argtypes = result, arguments
    return found
size = ctypes.c_size_t
mem_malloc, mem_free = function("PyMem_Malloc", size, size), function("PyMem_Free", None, size)
def overflow():
    p = mem_malloc(16)
    ctypes.memset(p + 16, 120, 1)
    mem_free(p)
    return p
def double_free():
    p = mem_malloc(40)
    mem_free(p)
    mem_free(p)
    return p
[overflow(), double_free()]
`;

/** Kinds, addresses and innermost lines of the faults that MISTAKES makes. */
function checkMistakes(pyodide: PyodideLike, faults: readonly PyMemError[]): void {
  const made = pyodide.runPython(MISTAKES) as { toJs(): number[] };
  const told = faults.map(({ kind, address, pythonStack }) => {
    const [first = ""] = pythonStack?.split("\n") ?? [];
    return [kind, address, first.replace(/^ +File "<exec>", /, "")];
  });
  const [over, double] = made.toJs();
  assert.deepEqual(told, [
    ["buffer-overflow", over, "line 12 in overflow"],
    ["double-free", double, "line 17 in double_free"],
  ]);
}

for (const [name, gib, malloc] of [
  ["pyodide", 2.1, "pymalloc"],
  ["pyodide", 3.8, "debug"], // farther up the map of blocks has no room
  // Its ctypes reads signed addresses itself, and can't call so far up: nothing to make a mistake with.
  ["pyodide-029", 3.8, "pymalloc"],
] as const) {
  test(`${name}, ${gib} GiB, ${malloc}: programs run, and the numbers are right`, async () => {
    const pyodide = await loadBeyond(name, gib);
    const program = programOf(pyodide, "test");
    const before = countBlocks(program);
    assert.ok(before > 100_000, `${before} blocks from before`);
    const map = mapBlocks(program);
    assert.ok(map !== undefined && map.to > gib * GIB && map.bits > gib * GIB);
    program.malloc.free(map.bits);

    const faults: PyMemError[] = [];
    const onFault = (fault: PyMemError) => faults.push(fault);
    const heap = install(pyodide, { malloc, ...(malloc === "debug" ? { onFault } : {}) });
    const counted = heap.getAllocatedBlocks();
    assert.ok(Math.abs(counted - before) < 1000, `${counted} blocks, ${before} before`);
    pyodide.runPython("kept = [(n, str(n) * 2) for n in range(10_000, 60_000)]");
    const grown = heap.getAllocatedBlocks() - counted;
    assert.ok(grown >= 100_000 && grown <= 160_000, `${grown} more`);
    heap.validate();
    const { total, ...parts } = heap.stats().bytes;
    assert.ok(total > 2 ** 20, `${total} bytes of arenas`);
    assert.equal(
      Object.values(parts).reduce((sum, part) => sum + part),
      total,
    );
    pyodide.runPython("del kept, filled");
    assert.match(heap.debugMallocStats(), /# arenas allocated current +=/);

    const notes: number[] = [];
    const stop = startRecording(pyodide, (part) => notes.push(...part.slice(0, 4000)));
    const endCensus = startCensus(pyodide, heap);
    pyodide.runPython(WORKLOAD);
    const census = endCensus();
    stop();
    assert.ok(census.fromPools > 0.9 * census.requests, JSON.stringify(census));
    const returned = notes.filter((_, n) => n % 4 === 3 && notes[n - 3] !== 3);
    const beyond = returned.filter((p) => p > 2 * GIB).length;
    assert.ok(beyond > returned.length / 4, `${beyond} of ${returned.length} are beyond`);
    if (malloc === "debug") checkMistakes(pyodide, faults);
    heap.validate();
    assert.equal(faults.length, malloc === "debug" ? 2 : 0);
  });
}
