/** What a piece of code leaves behind: told for programs that leak, and nothing for those that don't. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { diff } from "../../inspect/diff.js";
import { expectNoLeak, watch } from "../../inspect/inspect.js";
import { growthOf } from "../../inspect/watch.js";
import { createHeap } from "../../src/index.js";
import { type Drawn, drawSnapshot } from "../support/graphs.js";
import { load } from "../support/pyodide.js";

/** A program with so many orders in ALL, so many texts in CACHE, and a buffer of so many bytes. */
function moment(orders: number, texts: number, buffer = 100): Record<string, Drawn> {
  const drawn: Record<string, Drawn> = {
    root: { type: "root", edges: { modules: "modules" } },
    modules: { type: "root", edges: { "module app": "app" } },
    app: { type: "module", label: "app", address: 0x100, edges: { __dict__: "globals" } },
    globals: {
      type: "dict",
      address: 0x200,
      edges: { "['ALL']": "all", "['CACHE']": "cache", "['BUFFER']": "buffer" },
    },
    buffer: { type: "bytearray", address: 0x500, own: buffer },
  };
  const add = (name: string, address: number, type: string, count: number) => {
    const edges: Record<string, string> = {};
    for (let i = 0; i < count; i++) {
      edges[`[${i}]`] = `${name}${i}`;
      drawn[`${name}${i}`] = { type, address: (1 + i) * 0x1000 + address };
    }
    drawn[name] = { type: "list", address, edges };
  };
  add("all", 0x300, "app.Order", orders);
  add("cache", 0x400, "str", texts);
  return drawn;
}

function growth(...moments: Record<string, Drawn>[]) {
  const snapshots = moments.map((drawn) => drawSnapshot(drawn));
  const parts = snapshots.slice(1).map((after, i) => {
    return { change: diff(snapshots[i] ?? after, after), runs: 2 };
  });
  return growthOf(parts).rows.map(({ type, count, bytes, path }) => [type, count, bytes, path]);
}

test("what becomes more in each part, by one a run, is growth", () => {
  assert.deepEqual(growth(moment(1, 5), moment(3, 5), moment(5, 5)), [
    ["app.Order", 4, 64, "module app > global ALL > [...]"],
  ]);
});

test("a cache that fills once, early or late, and what grows less than once a run, is none", () => {
  assert.deepEqual(growth(moment(1, 0), moment(1, 90), moment(1, 90)), []);
  assert.deepEqual(growth(moment(1, 0), moment(1, 0), moment(1, 90)), []);
  assert.deepEqual(growth(moment(1, 0), moment(2, 1), moment(3, 2)), []);
  assert.deepEqual(growth(moment(5, 9), moment(3, 5), moment(1, 1)), []);
});

test("an object that keeps more each time is growth, though none are new", () => {
  assert.deepEqual(growth(moment(1, 1, 100), moment(1, 1, 200), moment(1, 1, 300)), [
    ["bytearray", 0, 200, "module app > global BUFFER"],
  ]);
  assert.deepEqual(growth(moment(1, 1, 100), moment(1, 1, 200), moment(1, 1, 200)), []);
});

const PROGRAM = `
import functools, json, re

class Order:
    def __init__(self, i):
        self.id = i
        self.items = [i, str(i)]

class Price:
    @functools.lru_cache(maxsize=None)
    def twice(self, x):
        return 2 * x

CACHE, HOOKS, ERRORS, WAITING = {}, [], [], []

def hook():
    order = Order(1)
    return lambda: order

def fail():
    order = Order(2)
    try:
        raise ValueError("no")
    except ValueError as error:
        ERRORS.append(error)

def rows():
    order = Order(3)
    yield order

def wait():
    generator = rows()
    next(generator)
    WAITING.append(generator)

def once():
    global RUNS, TABLE
    RUNS = globals().get("RUNS", 0) + 1
    if RUNS == 3:
        TABLE = [Order(i) for i in range(100)]

def ring():
    a, b = Order(1), Order(2)
    a.other, b.other = b, a
`;

test("leaks of Python are told by type and by what holds them; code that has none is quiet", async () => {
  const pyodide = await load("pyodide");
  pyodide.runPython(PROGRAM);
  const leaks: [string, RegExp][] = [
    ["CACHE[len(CACHE)] = Order(1)", /^__main__\.Order \+5 .* module __main__ > global CACHE > /],
    [
      "HOOKS.append(hook())",
      /^function \+5 .*\.Order.*, held by module __main__ > global HOOKS > /,
    ],
    ["fail()", /^ValueError \+5 .*, held by module __main__ > global ERRORS > /],
    ["wait()", /^generator \+5 .*\.Order.*, held by module __main__ > global WAITING > /],
    ["Price().twice(3)", /^tuple \+5 .*Price.*, held by .*class __main__\.Price\.twice > /],
  ];
  for (const [code, expected] of leaks) {
    const growth = await watch(pyodide, () => pyodide.runPython(code), { times: 5 });
    assert.match(String(growth), expected, code);
    assert.ok(growth.rows[0]?.example, code);
  }
  const clean = [
    "x = [Order(i) for i in range(100)]; json.dumps({str(i): i for i in range(1000)}); None",
    "re.compile('a+b').match('aab'); None",
    "ring()",
    "once()",
    "exec('class T:\\n  def f(self): return self\\nT().f()'); None",
  ];
  for (const code of clean) await expectNoLeak(pyodide, () => pyodide.runPython(code));
});

test("expectNoLeak throws the report; work may be asynchronous", async () => {
  const heap = createHeap();
  const work = async () => {
    await Promise.resolve();
    heap.object.malloc(40);
  };
  await assert.rejects(expectNoLeak(heap, work, { times: 3 }), {
    message: /^memory \+3 \(\+\d+ bytes\), held by JavaScript or C, in 3 runs$/,
  });
  await expectNoLeak(heap, () => heap.object.free(heap.object.malloc(40)));
});

test("it runs once to warm up and then as often as it is told; wrong options are refused", async () => {
  const heap = createHeap();
  for (const times of [1, 2, 5]) {
    let runs = 0;
    const growth = await watch(heap, () => runs++, { times });
    assert.deepEqual([runs, growth.times, growth.rows], [times + 1, times, []]);
    assert.equal(String(growth), `nothing grows in ${times} runs\n`);
  }
  const wrong = (options: unknown) => watch(heap, () => undefined, options as never);
  await assert.rejects(wrong({ times: 0 }), /watch: times is 0, expected a whole number from 1/);
  await assert.rejects(wrong({ runs: 3 }), /runs/);
  await assert.rejects(expectNoLeak(heap, "work" as never), /expectNoLeak: work is "work"/);
  await assert.rejects(
    expectNoLeak({} as never, () => undefined),
    TypeError,
  );
});
