/** Interpreters whose heap has grown beyond 2 GiB before pymalloc comes: counts, walks, stacks and recordings are right. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesAt, unsigned } from "../../base/base.js";
import type { PyMemError } from "../../base/errors.js";
import { countBlocks, mapBlocks } from "../../hosts/dlmalloc.js";
import { startCensus } from "../../measure/census.js";
import { programOf } from "../../python/allocators.js";
import { install, type PyodideLike } from "../../python/install.js";
import { startRecording } from "../../trace/recorder.js";
import { load, type Pyodide, WORKLOAD } from "../support/pyodide.js";

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

/**
 * Mistakes in functions of Python that were made just now. They are made through JavaScript: ctypes itself can't call so far
 * up (Pyodide's ffi_call_js makes indices of signed addresses).
 */
const MISTAKES = `
def overflow(make):
    make()

def double_free(make):
    make()

overflow, double_free
`;

type Mistake = (make: () => void) => void;

/** Kinds, addresses and innermost lines of the faults. */
function checkMistakes(pyodide: PyodideLike, faults: readonly PyMemError[]): void {
  const program = programOf(pyodide, "test");
  const allocate = program.require<(bytes: number) => number>("PyMem_Malloc");
  const free = program.require<(p: number) => void>("PyMem_Free");
  const [overflow, doubleFree] = pyodide.runPython(MISTAKES) as Iterable<Mistake>;
  const made: number[] = [];
  const block = (bytes: number) => {
    let p = unsigned(allocate(bytes));
    while (p !== 0 && p < 2 * GIB) p = unsigned(allocate(bytes)); // not one in a hole farther down
    assert.notEqual(p, 0);
    made.push(p);
    return p;
  };
  overflow?.(() => {
    const p = block(16);
    bytesAt(program.memory, p + 16, 1)[0] = 120;
    free(p);
  });
  doubleFree?.(() => {
    const p = block(40);
    free(p);
    free(p);
  });
  const told = faults.map(({ kind, address, pythonStack }) => {
    const [first = ""] = pythonStack?.split("\n") ?? [];
    return [kind, address, first.replace(/^ +File "<exec>", /, "")];
  });
  assert.deepEqual(told, [
    ["buffer-overflow", made[0], "line 3 in overflow"],
    ["double-free", made[1], "line 6 in double_free"],
  ]);
}

for (const [name, gib, malloc] of [
  ["pyodide", 2.1, "pymalloc"],
  ["pyodide", 3.8, "debug"], // farther up the map of blocks has no room
  ["pyodide-029", 3.8, "debug"],
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
    assert.ok(beyond > 100, `${beyond} of ${returned.length} are beyond`);
    if (malloc === "debug") checkMistakes(pyodide, faults);
    heap.validate();
    assert.equal(faults.length, malloc === "debug" ? 2 : 0);
  });
}
