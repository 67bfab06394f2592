/** python/install.ts: pymalloc in real interpreters, the newest and an older line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { install, type PyodideLike } from "../../python/install.js";
import { skipUnlessNewest } from "../support/profile.js";
import { keepStderr, load, VERSIONS, WORKLOAD } from "../support/pyodide.js";

for (const name of VERSIONS) {
  const skip = skipUnlessNewest(name);

  test(`${name}: unmodified Python runs on it, and the numbers tell the truth`, async () => {
    const stock = await load(name);
    const expected = stock.runPython(WORKLOAD);
    assert.equal(
      stock.runPython("import sys; sys.getallocatedblocks()"),
      0,
      "the stock one knows nothing",
    );

    const pyodide = await load(name);
    const heap = install(pyodide);
    assert.ok(heap.getAllocatedBlocks() > 10_000, "the blocks from before are counted");
    for (let round = 0; round < 3; round++) {
      assert.equal(pyodide.runPython(WORKLOAD), expected);
      heap.validate();
    }
    const stats = heap.stats();
    assert.ok(stats.arenas.highwater > 50);
    const { total, ...parts } = stats.bytes;
    assert.equal(
      Object.values(parts).reduce((sum, part) => sum + part),
      total,
    );
    assert.equal(total, stats.arenas.current * stats.arenas.size);
  });

  test(`${name}: Python code imports pymalloc; sys tells the same`, { skip }, async () => {
    const pyodide = await load(name);
    const heap = install(pyodide);
    const stderrOf = keepStderr(pyodide);
    const text = pyodide.runPython(`
import gc, sys
import pymalloc
gc.collect()
before = sys.getallocatedblocks()
kept = [(n, str(n) * 2) for n in range(10_000, 60_000)]
grown = sys.getallocatedblocks() - before
del kept
gc.collect()
left = sys.getallocatedblocks() - before
assert 100_000 <= grown <= 160_000, grown
assert left <= 50, left
again = [sys.getallocatedblocks() for _ in range(20)]
assert max(again) - min(again) < 50, again
assert abs(pymalloc.get_allocated_blocks() - sys.getallocatedblocks()) < 50
stats = pymalloc.stats()
bytes = stats["bytes"]
assert bytes["total"] == sum(n for key, n in bytes.items() if key != "total"), stats
assert stats["arenas"]["current"] * stats["arenas"]["size"] == bytes["total"]
pymalloc.validate()
sys._debugmallocstats()
assert pymalloc.debugMallocStats is pymalloc.debug_malloc_stats
assert pymalloc.getAllocatedBlocks is pymalloc.get_allocated_blocks
assert pymalloc.stats.__name__ == "stats" and pymalloc.stats.__module__ == "pymalloc"
pymalloc.debug_malloc_stats()
`);
    assert.match(String(text), /^Small block threshold = 512, in 64 size classes\.\n/);
    const stderr = stderrOf();
    assert.match(stderr, /^Small block threshold = 512, in 64 size classes\.\n/);
    assert.match(stderr, /\nTotal {30}= /);
    assert.match(stderr, /free Py\w+Objects?/, "CPython's own part of it follows");
    assert.equal(heap.isPymallocAddress(0), false);
  });

  test(`${name}: tracemalloc works on top, on and off`, { skip }, async () => {
    const pyodide = await load(name);
    const heap = install(pyodide);
    const sizes = pyodide.runPython(`
import gc, tracemalloc
tracemalloc.start()
kept = [bytes(1000 + n % 50) for n in range(500)]
small = [(n, n) for n in range(5000)]
size, peak = tracemalloc.get_traced_memory()
top = tracemalloc.take_snapshot().statistics("lineno")[0]
tracemalloc.stop()
del kept, small
tracemalloc.start()
other = [str(n) for n in range(20_000, 21_000)]
trace = tracemalloc.get_object_traceback(other[5])
# A list from the free list is a new one for tracemalloc, made where it was taken.
gc.collect()
reused = []
reused = None
reused = []
again = tracemalloc.get_object_traceback(reused)[0].lineno
tracemalloc.stop()
[size, peak, top.size, trace is not None, again]
`) as Iterable<unknown>;
    const [size, peak, top, traced, again] = [...sizes] as [
      number,
      number,
      number,
      boolean,
      number,
    ];
    assert.equal(again, 17, "the line of the second list");
    assert.ok(size > 700_000 && peak >= size && top > 400_000, `${size} ${peak} ${top}`);
    assert.equal(traced, true);
    heap.validate();
    const before = pyodide.runPython("import tracemalloc; tracemalloc.start()");
    assert.equal(before, undefined);
  });

  test(`${name}: blocks from before go back to the allocator they came from, whichever it is`, {
    skip,
  }, async () => {
    for (const old of ["malloc", "debug", "mimalloc"]) {
      const pyodide = await load(name, old);
      pyodide.runPython("early = [(n, str(n)) for n in range(50_000)]; large = [bytes(5000)] * 10");
      const heap = install(pyodide);
      pyodide.runPython(
        "early = [x for x in early if x[0] % 3]; late = [str(n) for n in range(50_000)]",
      );
      pyodide.runPython(WORKLOAD);
      pyodide.runPython("del early, large, late");
      pyodide.runPython(WORKLOAD);
      heap.validate();
      assert.ok(heap.getAllocatedBlocks() >= 0);
      assert.ok(heap.stats().arenas.allocatedTotal > 0, old);
    }
  });
}

test('"malloc" leaves the interpreter as it is', async () => {
  const pyodide = await load("pyodide");
  install(pyodide, { malloc: "malloc" });
  assert.throws(() => pyodide.runPython("import pymalloc"), /ModuleNotFoundError/);
});

test("a tracemalloc that is tracing already is refused: it would bring the old allocator back", async () => {
  const pyodide = await load("pyodide");
  pyodide.runPython("import tracemalloc; tracemalloc.start()");
  assert.throws(() => install(pyodide), /tracemalloc is tracing; stop it first/);
  pyodide.runPython("tracemalloc.stop()");
  install(pyodide).validate();
});

test("what is not a Pyodide is refused by name", () => {
  for (const wrong of [undefined, null, {}, { _module: {} }, { _module: { LDSO: {} } }]) {
    assert.throws(() => install(wrong as unknown as PyodideLike), {
      name: "TypeError",
      message: /install: expected a running Pyodide/,
    });
  }
});

/** What is written to the console by console.error while `run` runs. */
function errorsDuring(run: () => void): unknown[][] {
  const errors: unknown[][] = [];
  const { error } = console;
  console.error = (...parameters) => errors.push(parameters);
  try {
    run();
  } finally {
    console.error = error;
  }
  return errors;
}

test("arenas are announced when they come, and Python outlives whatever the callback does", async () => {
  const pyodide = await load("pyodide");
  let announced = 0;
  let callback = () => {};
  const onNewArena = () => {
    announced++;
    callback();
  };
  const heap = install(pyodide, { onNewArena });
  const expected = pyodide.runPython(WORKLOAD);
  const { allocatedTotal } = heap.stats().arenas;
  assert.ok(announced <= allocatedTotal && announced >= allocatedTotal / 8, `${announced}`);

  callback = () => {
    throw new Error("mine");
  };
  const before = announced;
  const errors = errorsDuring(() => {
    pyodide.runPython("kept = [str(n) for n in range(100_000)]");
  });
  assert.ok(announced - before > 100);
  assert.equal(errors.length, announced - before, "each is reported");
  assert.match(String(errors[0]), /pymalloc: onNewArena threw, and Python goes on:,Error: mine/);
  heap.validate();

  // It must not run Python. Should it do so all the same, the heap is as it was, and has an end.
  callback = () => pyodide.runPython("inner = [(n, str(n)) for n in range(3000)]");
  pyodide.runPython("more = [[str(n)] for n in range(30_000)]; del more");
  heap.validate();
  callback = () => {};
  assert.equal(pyodide.runPython(WORKLOAD), expected);
  heap.validate();
});

test("what a function for faults throws is reported, and Python goes on", async () => {
  const pyodide = await load("pyodide");
  const onFault = () => {
    throw new Error("mine");
  };
  const heap = install(pyodide, { malloc: "debug", onFault });
  const errors = errorsDuring(() => {
    pyodide.runPython(`
import ctypes
malloc, free = ctypes.pythonapi.PyMem_Malloc, ctypes.pythonapi.PyMem_Free
malloc.restype, malloc.argtypes, free.argtypes = ctypes.c_size_t, [ctypes.c_size_t], [ctypes.c_size_t]
p = malloc(40)
free(p)
free(p)
`);
  });
  assert.match(String(errors), /^pymalloc: onFault threw, and Python goes on:,Error: mine$/);
  heap.validate();
  assert.match(String(pyodide.runPython(WORKLOAD)), /^4000 2000 /);
});
