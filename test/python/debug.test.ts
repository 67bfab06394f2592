/** The debug modes in real interpreters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { debugLayout } from "../../base/base.js";
import type { PyMemError } from "../../base/errors.js";
import { type EmscriptenProgram, emscriptenProgram } from "../../hosts/emscripten.js";
import { install } from "../../python/install.js";
import { dumpBlock } from "../../src/debug/dump.js";
import { debugModes, faultOf } from "../support/mistakes.js";
import { long, skipUnlessNewest } from "../support/profile.js";
import { crash, load, type Pyodide, VERSIONS, WORKLOAD } from "../support/pyodide.js";
import { CTYPES } from "../support/python-mistakes.js";

function programOf(pyodide: Pyodide): EmscriptenProgram {
  return emscriptenProgram(pyodide._module, "test");
}

const { LIVE } = debugLayout;

for (const name of VERSIONS) {
  const skip = skipUnlessNewest(name);

  test(`${name}: unmodified Python runs in the debug modes, and is not accused`, {
    skip,
  }, async () => {
    const expected = (await load(name)).runPython(WORKLOAD);
    for (const malloc of debugModes) {
      const pyodide = await load(name);
      const heap = install(pyodide, { malloc });
      assert.equal(heap.stats().malloc, malloc);
      const counts: number[] = [];
      for (let round = 0; round < 4; round++) {
        assert.equal(pyodide.runPython(WORKLOAD), expected);
        heap.validate();
        pyodide.runPython("import gc; gc.collect()");
        counts.push(heap.getAllocatedBlocks());
      }
      if (malloc === "pymalloc_debug") {
        assert.ok((counts[0] as number) > 10_000);
        const [, , third = 0, fourth = 0] = counts;
        assert.ok(Math.abs(fourth - third) <= 50, `stable: ${counts}`);
      }
      assert.ok((heap.stats().debug?.heldBytes as number) <= 256 * 1024);
    }
  });

  test(`${name}: blocks from before, of whichever allocator, are not accused`, {
    skip,
  }, async () => {
    // mimalloc's have to be started: the shorter profile does so in install.test.ts.
    for (const old of ["malloc", "debug", ...(long ? ["mimalloc"] : [])]) {
      const pyodide = await load(name, old);
      pyodide.runPython("early = [(n, str(n)) for n in range(20_000)]; large = [bytes(5000)] * 10");
      pyodide.runPython("grown = [bytearray(n) for n in range(1000)]");
      const heap = install(pyodide, { malloc: "debug" });
      pyodide.runPython("for b in grown: b.extend(b'x' * 3)");
      pyodide.runPython(
        "assert all(b == bytes(n) + b'xxx' for n, b in enumerate(grown)); early = early[::3]",
      );
      pyodide.runPython(WORKLOAD);
      pyodide.runPython("del early, large, grown");
      pyodide.runPython(WORKLOAD);
      heap.validate();
    }
  });

  test(`${name}: a mistake that Python makes is named, with the line that made it`, {
    skip,
  }, async () => {
    const faults: PyMemError[] = [];
    const pyodide = await load(name);
    const heap = install(pyodide, { malloc: "debug", onFault: (fault) => faults.push(fault) });
    pyodide.runPython(`${CTYPES}
def overflow():
    p = mem_malloc(16)
    ctypes.memset(p + 16, 120, 1)
    mem_free(p)

def underflow():
    p = mem_malloc(16)
    ctypes.memset(p - 1, 120, 1)
    mem_free(p)

def wrong_family():
    p = mem_malloc(24)
    object_free(p)
    return p

def double_free(p):
    mem_free(p)
    mem_free(p)

def write_after_free():
    p = mem_malloc(32)
    mem_free(p)
    ctypes.memset(p + 5, 1, 2)

overflow()
underflow()
double_free(wrong_family())
mem_free(mem_malloc(50) + 8)
write_after_free()
`);
    heap.validate();
    const told = faults.map(({ kind, family, size, pythonStack }) => {
      const [first = ""] = pythonStack?.split("\n") ?? [];
      return [kind, family, size, first.replace(/^ +File "<exec>", /, "")];
    });
    assert.deepEqual(told, [
      ["buffer-overflow", "mem", 16, "line 17 in overflow"],
      ["buffer-underflow", "mem", 16, "line 22 in underflow"],
      ["wrong-family", "mem", 24, "line 26 in wrong_family"],
      ["double-free", "mem", 24, "line 31 in double_free"],
      ["invalid-pointer", "mem", 50, "line 41 in <module>"],
      ["use-after-free-write", "mem", 32, ""],
    ]);
    assert.match(
      faults[0]?.report() ?? "",
      /Python was running \(most recent call first\):\n {2}File/,
    );
    assert.equal(pyodide.runPython(WORKLOAD), (await load(name)).runPython(WORKLOAD));
    heap.validate();
    assert.equal(faults.length, 6);
  });
}

test("with stacks, a report names the Python lines of the allocation and of the free", async () => {
  const pyodide = await load("pyodide");
  const faults: PyMemError[] = [];
  const onFault = (fault: PyMemError) => faults.push(fault);
  install(pyodide, { malloc: "debug", stacks: true, onFault });
  pyodide.runPython(`${CTYPES}
def make():
    return mem_malloc(24)
p = make()
mem_free(p)
mem_free(p)
`);
  const [fault] = faults;
  assert.match(fault?.allocationStack ?? "", /^ {2}File "<exec>", line 15 in make\n.*line 16 in/);
  assert.match(fault?.freeStack ?? "", /^ {2}File "<exec>", line 17 in <module>\n/);
  assert.match(fault?.pythonStack ?? "", /^ {2}File "<exec>", line 18 in <module>\n/);
});

test("a fault that is thrown reaches whoever called, from Python and from JavaScript", async () => {
  const pyodide = await load("pyodide");
  install(pyodide, { malloc: "debug" });
  const program = programOf(pyodide);
  const p = program.require<(bytes: number) => number>("PyMem_Malloc")(24);
  const free = program.require<(p: number) => void>("PyObject_Free");
  assert.equal(faultOf(() => free(p)).kind, "wrong-family");
  pyodide.runPython(WORKLOAD);
  crash(pyodide, `${CTYPES}\nobject_free(${p})`, {
    ...{ name: "PyMemError", kind: "wrong-family" },
    pythonStack: /^ {2}File "<exec>", line 14 in <module>\n/,
  });
});

test("tracemalloc works on top, on and off, whenever it was started first", async () => {
  for (const malloc of debugModes) {
    for (const early of [true, false]) {
      const pyodide = await load("pyodide");
      if (early) pyodide.runPython("import tracemalloc; tracemalloc.start(); tracemalloc.stop()");
      const heap = install(pyodide, { malloc });
      for (let round = 0; round < 2; round++) {
        const traced = pyodide.runPython(`
import gc, tracemalloc
tracemalloc.start(5)
keep = [bytes(1000) for _ in range(500)]
size, peak = tracemalloc.get_traced_memory()
trace = tracemalloc.get_object_traceback(keep[0])
gc.collect()
reused = []
reused = None
reused = []
line = tracemalloc.get_object_traceback(reused)[-1].lineno
tracemalloc.stop()
size if trace is not None and line == 10 else 0
`) as number;
        assert.ok(traced > 500_000);
        pyodide.runPython(WORKLOAD);
        heap.validate();
      }
    }
  }
});

/** Runs what makes an interpreter abort; what it prints. Its exports can be called afterwards. */
function printedBy(pyodide: Pyodide, call: () => unknown): string {
  let printed = "";
  pyodide.setStderr({
    write(bytes) {
      printed += String.fromCharCode(...bytes);
      return bytes.length;
    },
  });
  const { error, log } = console;
  console.error = console.log = () => {};
  try {
    assert.throws(call, /unreachable|Aborted/, "abort() ends it, and no crash on the way there");
  } finally {
    Object.assign(console, { error, log });
  }
  return printed;
}

test("CPython's own debug hooks work on top", async () => {
  // They take every block for one of theirs, in any CPython: nothing from before may come back through them. A fatal
  // error flushes Python's streams first, which frees what is older than the hooks; so there are no streams here.
  for (const mode of ["pymalloc", ...debugModes] as const) {
    const pyodide = await load("pyodide");
    const heap = install(pyodide, { malloc: mode });
    const program = programOf(pyodide);
    const call = (name: string) => program.require<(...args: number[]) => number>(name);
    const [malloc, realloc, free] = ["Malloc", "Realloc", "Free"].map((verb) =>
      call(`PyMem_${verb}`),
    ) as [(n: number) => number, (p: number, n: number) => number, (p: number) => void];
    pyodide.runPython("import sys; sys.stdout = sys.stderr = None");
    call("PyMem_SetupDebugHooks")();
    const blocks = Array.from({ length: 1000 }, (_, n) => realloc(malloc(n), n * 2));
    const memory = () => new Uint8Array(program.memory.buffer);
    for (const [n, p] of blocks.entries()) {
      assert.ok(
        memory()
          .subarray(p, p + n * 2)
          .every((byte) => byte === 0xcd),
      );
      free(p);
    }
    heap.validate();
    const p = malloc(16);
    memory()[p + 16] = 0x78;
    const printed = printedBy(pyodide, () => free(p));
    assert.match(
      printed,
      /API 'm'\n {4}16 bytes originally requested\n[\s\S]*tail\+0: 0x78 \*\*\* OUCH/,
    );
    assert.match(printed, /Fatal Python error: .*: bad trailing pad byte/);
    heap.validate();
  }
});

test("the dump is what CPython itself prints of the same bytes", async () => {
  const pyodide = await load("pyodide", "debug");
  const program = programOf(pyodide);
  const malloc = program.require<(bytes: number) => number>("PyMem_Malloc");
  const free = program.require<(p: number) => void>("PyMem_Free");
  let compared = 0;
  for (const size of [0, 1, 7, 8, 9, 15, 16, 17, 18, 40, 600]) {
    for (const at of [size, size + 3, -1, -3, -4]) {
      const p = malloc(size);
      const memory = new Uint8Array(program.memory.buffer);
      for (let i = 0; i < size; i++) memory[p + i] = i * 7;
      memory[p + at] = 0x78;
      // This CPython was built without serial numbers, and shows a damaged letter where ours says that it is damaged.
      const ours = dumpBlock(memory, { start: p, size, serial: 1, family: "mem", state: LIVE })
        .replace(/.*(made by call #|serial number in memory).*\n/g, "")
        .replace("API 'm'", at === -4 ? "API 'x'" : "$&")
        .replace(/.*letter of the API in memory is damaged: 0x78.\n/, "");
      const [theirs = ""] = printedBy(pyodide, () => free(p)).split("\nEnable tracemalloc");
      assert.equal(ours, theirs, `size ${size}, damaged at ${at}`);
      compared++;
    }
  }
  assert.equal(compared, 55);
});
