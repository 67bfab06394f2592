/** python/limit.ts: a limit that is set, changed and taken away, who is told, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type InstalledPymalloc, install, type LimitBudget } from "../../python/install.js";
import { AllocatorTable, Domains, programOf } from "../../python/python.js";
import { mostBytes } from "../support/exhaustion.js";
import { linkedFolder, loadLinked } from "../support/linked.js";
import { onlyLong } from "../support/profile.js";
import { load, loadFrom, type Pyodide, snapshotOf } from "../support/pyodide.js";

const MIB = 2 ** 20;

/** How many megabytes are had in blocks of that length. */
const TAKE = `
def take():
    kept = []
    try:
        while True: kept.append(bytearray(1 << 20))
    except MemoryError:
        return len(kept)
take()
`;

const limitOf = (heap: InstalledPymalloc) => heap.limit ?? 0;

const take = (pyodide: Pyodide) => pyodide.runPython(TAKE) as number;

test("what is no limit is refused by name", async () => {
  const pyodide = await load("pyodide");
  const expected = "expected a whole number of bytes from 65536 to 4294901760, or undefined";
  for (const [limitBytes, shown] of [
    [0, "0"],
    [65_535, "65535"],
    [-1, "-1"],
    [1.5 * MIB + 0.5, "1572864.5"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [2 ** 32, "4294967296"],
    ["200MB", '"200MB"'],
    [null, "null"],
  ] as const) {
    const message = (where: string) => ({
      name: "TypeError",
      message: new RegExp(`^${where} is ${shown}, ${expected}`),
    });
    const options = { limitBytes: limitBytes as number };
    assert.throws(() => install(pyodide, options), message("install: limitBytes"));
    const stock = install(pyodide, { malloc: "malloc" });
    assert.throws(() => stock.setLimit(limitBytes as number), message("setLimit: the limit"));
  }
  const onLimit = 7 as unknown as () => void;
  assert.throws(() => install(pyodide, { onLimit }), /install: onLimit is 7, expected a function/);
  const heap = install(pyodide, { limitBytes: 64 * MIB });
  assert.throws(() => install(pyodide, { limitBytes: 65 * MIB }), {
    message: /^install: limitBytes is 68157440, expected 67108864: this interpreter has/,
  });
  assert.throws(() => install(pyodide, { onLimit() {} }), /onLimit is a function, expected none/);
  assert.equal(install(pyodide, { limitBytes: 64 * MIB }), heap);
});

test("a limit can be set, raised, lowered below what is in use, and taken away", async () => {
  const pyodide = await load("pyodide");
  const heap = install(pyodide);
  const program = programOf(pyodide, "test");
  const { buffer } = program.memory;
  const before = buffer.byteLength;
  assert.equal(heap.limit, undefined);
  heap.setLimit(undefined);
  for (const limit of [60 * MIB, 60 * MIB + 65_536 * 3 + 777, 100 * MIB]) {
    heap.setLimit(limit);
    const inForce = limitOf(heap);
    assert.ok(inForce <= limit && inForce > limit - 4096, `${inForce} of ${limit}`);
    const megabytes = take(pyodide);
    const room = (inForce - program.heapBase) / MIB;
    assert.ok(megabytes < room - 8 && megabytes > room - 22, `${megabytes} of ${room} MB`);
    assert.ok(program.break() <= inForce);
    assert.ok(program.memory.buffer.byteLength <= mostBytes(inForce, before));
  }
  heap.setLimit(40 * MIB);
  const end = program.break();
  assert.ok(end > 90 * MIB, `${end}`);
  const megabytes = take(pyodide);
  assert.ok(megabytes > 50, `what was freed is there all the same, ${megabytes} MB`);
  assert.equal(program.break(), end);
  heap.setLimit(65_536);
  assert.ok(take(pyodide) > 50);
  assert.equal(program.break(), end);
  heap.setLimit(undefined);
  assert.equal(heap.limit, undefined);
  assert.equal(pyodide.runPython("len(bytearray(150 << 20))"), 150 * MIB);
  assert.ok(program.memory.buffer.byteLength > 160 * MIB);
  heap.validate();
});

test("JavaScript is told, may raise the limit, and does no harm when it throws", async (t) => {
  const pyodide = await load("pyodide");
  const budgets: LimitBudget[] = [];
  const complained = t.mock.method(console, "error", () => {});
  const heap = install(pyodide, {
    limitBytes: 64 * MIB,
    onLimit(budget) {
      budgets.push(budget);
      if (budgets.length === 2) throw new Error("mine");
      if (budgets.length === 3) heap.setLimit(300 * MIB);
    },
  });
  const ask = (bytes: number) =>
    pyodide.runPython(
      `try:\n    answer = len(bytearray(${bytes}))\nexcept MemoryError:\n    answer = 0\nanswer`,
    );
  assert.equal(ask(100 * MIB), 0);
  const [budget] = budgets as [LimitBudget];
  assert.equal(budgets.length, 1);
  assert.equal(budget.requested, 100 * MIB + 1);
  assert.equal(budget.limit, heap.limit);
  assert.ok(budget.inUse > 20 * MIB && budget.inUse <= budget.limit, `${budget.inUse} in use`);
  assert.equal(ask(100 * MIB), 0, "its exception does not reach Python");
  assert.match(String(complained.mock.calls[0]?.arguments), /onLimit threw.*mine/s);
  assert.equal(ask(100 * MIB), 0, "this one is refused still");
  assert.equal(ask(100 * MIB), 100 * MIB);
  assert.equal(budgets.length, 3);
});

test("the reserve is there again when there is room for two", async () => {
  const pyodide = await load("pyodide");
  const heap = install(pyodide, { limitBytes: 64 * MIB });
  for (let round = 0; round < 3; round++) {
    const [first, second] = pyodide.runPython(`
def fill(kept, size):
    try:
        while True: kept.append(bytearray(size))
    except MemoryError:
        return len(kept) * size
one, two = [], []
fill(one, 60_000)
second = fill(two, 60_000)
one.clear()
two.clear()
[0, second]
`) as [number, number];
    assert.equal(first, 0);
    assert.ok(second > 700_000 && second < 1.3 * MIB, `${second} bytes for the handler`);
  }
  heap.validate();
});

test("whose free CPython's raw domain is stays as it was, and tracemalloc and hooks work on top", async () => {
  const pyodide = await load("pyodide");
  const table = new AllocatorTable(programOf(pyodide, "test"));
  const before = table.get(Domains.raw);
  const heap = install(pyodide, { limitBytes: 64 * MIB });
  const { ctx, malloc, free } = table.get(Domains.raw);
  assert.deepEqual([ctx, free], [before.ctx, before.free]);
  assert.notEqual(malloc, before.malloc);
  pyodide.runPython("import tracemalloc; tracemalloc.start()");
  assert.ok(take(pyodide) > 20);
  pyodide.runPython("tracemalloc.stop()");
  assert.equal(table.get(Domains.raw).malloc, malloc);
  assert.ok(take(pyodide) > 20);
  heap.validate();
});

test("in a stock interpreter a limit is all that is changed, and while tracemalloc traces it is refused", async () => {
  const pyodide = await load("pyodide");
  const first = install(pyodide, { malloc: "malloc" });
  const other = install(pyodide, { malloc: "malloc" });
  pyodide.runPython("import tracemalloc; tracemalloc.start()");
  assert.throws(
    () => first.setLimit(64 * MIB),
    /^Error: setLimit: tracemalloc is tracing; stop it/,
  );
  pyodide.runPython("tracemalloc.stop()");
  first.setLimit(64 * MIB);
  assert.ok(take(pyodide) > 20);
  assert.equal(install(pyodide, { malloc: "malloc" }), first);
  assert.throws(() => install(pyodide, { malloc: "pymalloc" }), /malloc is "pymalloc", expected/);
  other.setLimit(50 * MIB);
  assert.ok(limitOf(first) <= 50 * MIB, "there is one limit");
  assert.equal(pyodide.runPython("import sys; sys.getallocatedblocks()"), 0);
});

test("what mimalloc takes no limit would hold, so it is refused", { skip: onlyLong }, async () => {
  const pyodide = await load("pyodide", "mimalloc");
  const options = { limitBytes: 200 * MIB };
  const expected = /^Error: install: this interpreter takes memory that is not the system malloc's/;
  assert.throws(() => install(pyodide, options), expected);
  assert.throws(() => install(pyodide, { ...options, malloc: "malloc" }), expected);
  install(pyodide);
});

const ELSEWHERE = `
def full(work):
    kept = []
    try:
        while True: kept.append((len(kept), 1.5))
    except MemoryError:
        pass
    try:
        return work()
    finally:
        kept.clear()

class Dying:
    def __del__(self):
        self.more = [bytearray(100_000) for _ in range(1000)]

def generator():
    try:
        yield 1
    finally:
        bytearray(50_000_000)

def outcome(work):
    try:
        work()
    except MemoryError:
        return "MemoryError"
    return "nothing"

def importing():
    import http.server, unittest.mock, xml.dom.minidom, logging.handlers

def closing():
    for _ in generator():
        break

def deep(depth=400):
    return [deep(depth - 1), bytearray(20_000)] if depth else []

results = [outcome(lambda: full(work)) for work in (importing, Dying, closing, deep)]
import http.server, logging.handlers
" ".join(results + [http.server.__name__])
`;

test("it may come in an import, in __del__, when a generator is closed, deep in calls", async () => {
  const pyodide = await load("pyodide");
  const heap = install(pyodide, { limitBytes: 64 * MIB });
  // What __del__ and a generator that is dropped raise is printed, as ever in Python.
  const lines: string[] = [];
  (pyodide as unknown as { setStderr(to: { batched(line: string): void }): void }).setStderr({
    batched: (line) => lines.push(line),
  });
  const results = String(pyodide.runPython(ELSEWHERE)).split(" ");
  assert.deepEqual(results, ["MemoryError", "nothing", "nothing", "MemoryError", "http.server"]);
  assert.ok(lines.filter((line) => /^MemoryError/.test(line)).length >= 2, lines.join("\n"));
  heap.validate();
});

test("a linked interpreter's snapshot has its limit, and knows nobody to tell", async () => {
  const folder = await linkedFolder("pyodide");
  const pyodide = await loadLinked("pyodide");
  let told = 0;
  const heap = install(pyodide, { limitBytes: 60 * MIB, onLimit: () => void told++ });
  assert.ok(take(pyodide) > 15 && told > 0);
  const made = await loadFrom(folder, undefined, { _makeSnapshot: true });
  install(made, { limitBytes: 30 * MIB, onLimit: () => void told++ });
  const restored = await loadFrom(folder, undefined, { _loadSnapshot: snapshotOf(made) });
  told = 0;
  assert.ok(take(restored) < 10, "the limit holds");
  assert.equal(told, 0);
  const again = install(restored, { onLimit: () => void told++ });
  assert.ok(limitOf(again) <= 30 * MIB);
  take(restored);
  assert.ok(told > 0);
  again.setLimit(undefined);
  assert.equal(restored.runPython("len(bytearray(100 << 20))"), 100 * MIB);
  heap.setLimit(undefined);
});
