/**
 * python/installation.ts: what a call of `install` does, for every state that an interpreter may be in, every option, and
 * whichever copy of the package is called.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as source from "../../python/install.js";
import { blocks } from "../support/link-suite.js";
import { loadLinked } from "../support/linked.js";
import { onlyLong } from "../support/profile.js";
import { load, type Pyodide, WORKLOAD } from "../support/pyodide.js";

type Install = typeof source.install;
type Handle = ReturnType<Install>;
type Options = Parameters<Install>[1];

/** "same": the handle that is there; "nothing": a handle to nothing, nothing is changed; else what the error says. */
type Row = readonly [options: Options, expected: "same" | "nothing" | RegExp];

const ENTRY = "pymalloc/pyodide";
const copies: readonly Install[] = [
  source.install,
  (await import(ENTRY)).install,
  createRequire(import.meta.url)(ENTRY).install,
];

const onFault = () => {};
const onNewArena = () => {};

/** Calls each row by another copy, and one more time by all. */
function check(pyodide: Pyodide, handle: Handle | undefined, rows: readonly Row[]): void {
  for (const [at, [options, expected]] of rows.entries()) {
    const install = copies[at % copies.length] as Install;
    const what = `row ${at}: ${JSON.stringify(options)}`;
    if (expected instanceof RegExp) assert.throws(() => install(pyodide, options), expected, what);
    else if (expected === "same") assert.equal(install(pyodide, options), handle, what);
    else assert.equal(install(pyodide, options).stats().malloc, "malloc", what);
  }
}

const inPlain: readonly Row[] = [
  [{}, "same"],
  [undefined, "same"],
  [{ malloc: undefined, onNewArena: undefined, stacks: undefined }, "same"],
  [{ malloc: "default" }, "same"],
  [{ malloc: "pymalloc" }, "same"],
  [{ malloc: "malloc" }, /install: malloc is "malloc", expected "pymalloc": this interpreter has/],
  [{ malloc: "debug" }, /install: malloc is "pymalloc_debug", expected "pymalloc"/],
  [{ malloc: "pymalloc_debug" }, /malloc is "pymalloc_debug", expected "pymalloc"/],
  [{ malloc: "malloc_debug" }, /malloc is "malloc_debug", expected "pymalloc"/],
  [{ onFault: "throw" }, "same"],
  [{ onFault: "report" }, /install: onFault is "report", expected "throw"/],
  [{ onFault }, /install: onFault is a function, expected "throw"/],
  [{ stacks: false }, "same"],
  [{ stacks: true }, /install: stacks is true, expected false/],
  [{ quarantineBytes: 262_144 }, "same"],
  [{ quarantineBytes: 0 }, /install: quarantineBytes is 0, expected 262144/],
  [{ onNewArena }, /install: onNewArena is a function, expected none/],
];

const inDebug: readonly Row[] = [
  [{}, "same"],
  [{ malloc: "debug" }, "same"],
  [{ malloc: "pymalloc_debug", onFault, stacks: true }, "same"],
  [{ malloc: "malloc" }, /malloc is "malloc", expected "pymalloc_debug"/],
  [{ malloc: "pymalloc" }, /malloc is "pymalloc", expected "pymalloc_debug"/],
  [{ malloc: "malloc_debug" }, /malloc is "malloc_debug", expected "pymalloc_debug"/],
  [{ onFault: "throw" }, /onFault is "throw", expected a function/],
  [{ onFault: () => {} }, /onFault is a function, expected another function/],
  [{ stacks: false }, /stacks is false, expected true/],
  [{ quarantineBytes: 1000 }, "same"],
  [{ quarantineBytes: 262_144 }, /quarantineBytes is 262144, expected 1000/],
  [{ onNewArena }, "same"],
  [{ onNewArena: () => {} }, /onNewArena is a function, expected another function/],
];

/** What any interpreter refuses, before anything is looked at. */
const wrong: readonly Row[] = [
  [null as unknown as Options, /install: expected an object of options, got null/],
  [{ maloc: "debug" } as Options, /install: unknown option "maloc"/],
  [{ malloc: "mimalloc" as "malloc" }, /install: malloc: unknown allocator "mimalloc"/],
  [{ onFault: 5 as unknown as "throw" }, /install: onFault is 5, expected/],
  [{ stacks: 1 as unknown as boolean }, /install: stacks is 1, expected true or false/],
  [{ quarantineBytes: -1 }, /install: quarantineBytes is -1, expected/],
  [{ onNewArena: 5 as unknown as () => void }, /install: onNewArena is 5, expected a function/],
  [{ onNewArena: null as unknown as () => void }, /onNewArena is null, expected a function/],
  [{ onNewArena: {} as () => void }, /onNewArena is an object \(Object\), expected a function/],
];

test("a stock interpreter, then one with pymalloc", async () => {
  const pyodide = await load("pyodide");
  check(pyodide, undefined, [...wrong, [{ malloc: "malloc" }, "nothing"]]);
  assert.equal(blocks(pyodide), 0, "nothing has changed");
  const handle = source.install(pyodide);
  check(pyodide, handle, [...inPlain, ...wrong]);
  pyodide.runPython(WORKLOAD);
  assert.ok(blocks(pyodide) > 10_000);
  assert.ok(Math.abs(handle.getAllocatedBlocks() - blocks(pyodide)) < 200);
  handle.validate();
});

test("one with the debug mode", async () => {
  const pyodide = await load("pyodide");
  const esm = copies[1] as Install;
  const options = { onFault, onNewArena, stacks: true, quarantineBytes: 1000 };
  const handle = esm(pyodide, { malloc: "debug", ...options });
  check(pyodide, handle, [...inDebug, ...wrong]);
  pyodide.runPython("kept = [str(n) for n in range(1000)]");
  assert.ok(blocks(pyodide) > 10_000);
  handle.validate();
});

for (const word of [undefined, "pymalloc_debug"]) {
  test(`one with pymalloc linked in, PYTHONMALLOC=${word}`, async () => {
    const pyodide = await loadLinked("pyodide", word);
    const before = blocks(pyodide);
    check(pyodide, undefined, [
      ...wrong,
      [{ malloc: "malloc" }, /install: malloc is "malloc", but pymalloc is linked into this/],
      [{ onNewArena }, /install: onNewArena is a function, but pymalloc is linked into this/],
    ]);
    assert.ok(Math.abs(blocks(pyodide) - before) < 100, "nothing has changed");
    const cjs = copies[2] as Install;
    const handle = cjs(pyodide, { malloc: "default" });
    check(pyodide, handle, inPlain);
    assert.ok(Math.abs(handle.getAllocatedBlocks() - blocks(pyodide)) < 200);
    handle.validate();
  });
}

for (const word of ["malloc", "mimalloc", "malloc_debug"]) {
  const skip = word === "malloc" ? false : onlyLong;
  test(`one with pymalloc linked in and not in force, PYTHONMALLOC=${word}, is as a stock one`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked("pyodide", word);
    check(pyodide, undefined, [[{ malloc: "malloc" }, "nothing"]]);
    const options = { onFault, onNewArena, stacks: true, quarantineBytes: 1000 };
    const debug = word === "mimalloc";
    const before = blocks(pyodide);
    const handle = source.install(pyodide, debug ? { malloc: "debug", ...options } : {});
    check(pyodide, handle, debug ? inDebug : inPlain);
    if (debug) assert.ok(Math.abs(blocks(pyodide) - before) < 5000, "mimalloc's are not forgotten");
    pyodide.runPython("kept = [str(n) for n in range(10_000)]");
    assert.ok(blocks(pyodide) > 10_000);
    handle.validate();
  });
}

test("what another version has installed is left alone", async () => {
  const { _module } = await load("pyodide");
  Object.defineProperty(_module, "pymalloc", { value: { layout: 1 } });
  const pyodide = { _module, runPython: () => assert.fail("nothing is run") };
  assert.throws(() => source.install(pyodide), /another version of pymalloc is installed in this/);
});
