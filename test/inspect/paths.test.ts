/** Who holds an object, in words: each kind of reference, ways that are the same, and patterns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Analysis, findNodes, holdersOfType, pathsTo } from "../../inspect/questions/questions.js";
import { type Drawn, draw } from "../support/graphs.js";

/** A program `app`, whose globals hold what is given. */
function app(
  globals: Readonly<Record<string, string>>,
  others: Readonly<Record<string, Drawn>>,
): Readonly<Record<string, Drawn>> {
  const entries = Object.entries(globals).map(([name, node]) => [`['${name}']`, node]);
  return {
    root: {
      type: "root",
      edges: { modules: "modules", "C stack": "stack", ...others["root"]?.edges },
    },
    modules: { type: "root", edges: { "module app": "app" } },
    stack: { type: "root" },
    app: { type: "module", label: "app", edges: { __dict__: "globals" } },
    globals: { type: "dict", label: "len 2", edges: Object.fromEntries(entries) },
    ...Object.fromEntries(Object.entries(others).filter(([name]) => name !== "root")),
  };
}

function pathsIn(drawn: Readonly<Record<string, Drawn>>, name: string, limit?: number): string[] {
  const { graph, facts, node } = draw(drawn);
  return pathsTo(new Analysis(graph, facts), node(name), limit).map(String);
}

test("each kind of reference has its words", () => {
  const cases: [string, Readonly<Record<string, Drawn>>][] = [
    ["module app > global X > ['k'] > Order", { X: { type: "dict", edges: { "['k']": "it" } } }],
    ["module app > global X > [3] > Order", { X: { type: "list", edges: { "[3]": "it" } } }],
    [
      "module app > global X > Shop.orders[3] > Order",
      {
        X: { type: "app.Shop", edges: { ".orders": "list" } },
        list: { type: "list", edges: { "[3]": "it" } },
      },
    ],
    [
      "module app > global X > Shop.orders['k'][0] > Order",
      {
        X: { type: "app.Shop", edges: { __dict__: "dict" } },
        dict: { type: "dict", edges: { "['orders']": "orders" } },
        orders: { type: "dict", edges: { "['k']": "list" } },
        list: { type: "list", edges: { "[0]": "it" } },
      },
    ],
    [
      "module app > global X > cell total of function count (app.py:3) > Order",
      {
        X: {
          type: "function",
          label: "count (app.py:3)",
          edges: { __code__: "code", __closure__: "closure" },
        },
        code: { type: "code", label: "count", edges: { co_localsplusnames: "names" } },
        names: { type: "tuple", edges: { "[0]": "name0", "[1]": "name1" } },
        name0: { type: "str", label: "i" },
        name1: { type: "str", label: "total" },
        closure: { type: "tuple", edges: { "[0]": "cell" } },
        cell: { type: "cell", edges: { contents: "it" } },
      },
    ],
    [
      "module app > global X > local i of rows > Order",
      { X: { type: "generator", label: "rows", edges: { "local i": "it" } } },
    ],
    [
      "module app > global X > Buffer+24? > Order",
      { X: { type: "c.Buffer", edges: { "+24?": "it" } } },
    ],
    ["module app > global X > member > Order", { X: { type: "set", edges: { "key 3": "it" } } }],
    [
      "module app > global X > partial.func > Order",
      { X: { type: "functools.partial", edges: { func: "it" } } },
    ],
    [
      "module app > global X > class app.Shop.default > Order",
      {
        X: { type: "type", label: "app.Shop", edges: { __dict__: "dict" } },
        dict: { type: "dict", edges: { "['default']": "it" } },
      },
    ],
  ];
  for (const [expected, others] of cases) {
    const drawn = app({ X: "X" }, { ...others, it: { type: "app.Order" } });
    assert.deepEqual(pathsIn(drawn, "it"), [expected]);
  }
});

test("what is at the end says which one it is, where a name or a value does", () => {
  const drawn = app(
    { a: "text", b: "number", c: "f", d: "C", e: "list" },
    {
      text: { type: "str", label: "it's" },
      number: { type: "int", label: "42" },
      f: { type: "function", label: "f (app.py:1)" },
      C: { type: "type", label: "app.C" },
      list: { type: "list", label: "len 3" },
    },
  );
  const { graph, facts, node } = draw(drawn);
  const analysis = new Analysis(graph, facts);
  const last = (name: string) =>
    String(pathsTo(analysis, node(name))[0])
      .split(" > ")
      .at(-1);
  assert.equal(last("text"), "str 'it\\'s'");
  assert.equal(last("number"), "int 42");
  assert.equal(last("f"), "function f (app.py:1)");
  assert.equal(last("C"), "class app.C");
  assert.equal(last("list"), "list");
});

test("steps name each node on the way, and what the next one says is empty", () => {
  const { graph, facts, node } = draw(
    app({ X: "X" }, { X: { type: "dict", edges: { "['k']": "it" } }, it: { type: "app.Order" } }),
  );
  const [path] = pathsTo(new Analysis(graph, facts), node("it"));
  assert.equal(path?.holder, "module app > global X > ['k']");
  assert.deepEqual(
    path?.steps.map(({ text, type }) => [text, type]),
    [
      ["", "root"],
      ["module app", "module"],
      ["", "dict"],
      ["global X", "dict"],
      ["['k']", "app.Order"],
    ],
  );
  assert.equal(path?.steps.at(-1)?.address, graph.addresses[node("it")]);
  assert.deepEqual(JSON.parse(JSON.stringify(path)), { text: String(path), steps: path?.steps });
});

test("ways come shortest first; those that differ only in indexes are one", () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`[${i}]`, "it"]));
  const drawn = app(
    { LIST: "list", CACHE: "cache" },
    {
      list: { type: "list", edges: many },
      cache: { type: "dict", edges: { "['deep']": "shop" } },
      shop: { type: "app.Shop", edges: { ".first": "it" } },
      it: { type: "app.Order" },
    },
  );
  assert.deepEqual(pathsIn(drawn, "it"), [
    "module app > global LIST > [0] > Order",
    "module app > global CACHE > ['deep'] > Shop.first > Order",
  ]);
  assert.deepEqual(pathsIn(drawn, "it", 1), ["module app > global LIST > [0] > Order"]);
  assert.deepEqual(pathsIn(drawn, "it", 0), []);
});

test("a way goes through no object twice, and no weak reference is one", () => {
  const drawn = app(
    { X: "a", W: "weak" },
    {
      a: { type: "app.Node", edges: { ".next": "b" } },
      b: { type: "app.Node", edges: { ".next": "a" } },
      weak: { type: "weakref.ReferenceType", edges: { "weak object": "b" } },
      lost: { type: "app.Node", edges: { ".next": "lost" } },
    },
  );
  assert.deepEqual(pathsIn(drawn, "b"), ["module app > global X > Node.next > Node"]);
  assert.deepEqual(pathsIn(drawn, "lost"), []);
});

test("a way with names comes before a shorter one without", () => {
  const drawn = app(
    { X: "list" },
    {
      root: { type: "root", edges: { "static data": "data" } },
      data: { type: "root", edges: { "PyFoo +0x10": "it" } },
      list: { type: "list", edges: { "[0]": "it" } },
      it: { type: "app.Order" },
    },
  );
  assert.deepEqual(pathsIn(drawn, "it"), [
    "module app > global X > [0] > Order",
    "PyFoo +0x10 > Order",
  ]);
});

test("whoever else has a module is not who holds what is in it", () => {
  const drawn = app(
    { X: "it", f: "f" },
    {
      f: { type: "function", label: "f", edges: { __globals__: "globals" } },
      it: { type: "app.Order" },
    },
  );
  assert.deepEqual(pathsIn(drawn, "it"), ["module app > global X > Order"]);
});

test("an object that thousands hold has its ways in no time", () => {
  const holders: Record<string, Drawn> = {};
  const edges: Record<string, string> = {};
  for (let i = 0; i < 5000; i++) {
    holders[`h${i}`] = { type: "app.Order", edges: { ".shop": "shop" } };
    edges[`[${i}]`] = `h${i}`;
  }
  const drawn = app(
    { ALL: "all" },
    {
      ...holders,
      all: { type: "list", edges },
      shop: { type: "app.Shop", edges: { ".all": "all" } },
    },
  );
  const begin = performance.now();
  assert.deepEqual(pathsIn(drawn, "shop"), ["module app > global ALL > [0] > Order.shop > Shop"]);
  assert.ok(performance.now() - begin < 5000);
});

test("holders are grouped by how they hold, without indexes and keys", () => {
  const drawn = app(
    { CACHE: "cache", LAST: "c" },
    {
      cache: { type: "dict", edges: { "['a']": "a", "['b']": "b" } },
      a: { type: "app.Order", own: 100 },
      b: { type: "app.Order", own: 50 },
      c: { type: "app.Order", own: 7 },
      d: { type: "app.Order", own: 9 },
      other: { type: "shop.Order", own: 1000 },
    },
  );
  const { graph, facts } = draw(drawn);
  const rows = holdersOfType(new Analysis(graph, facts), "app.Order");
  assert.deepEqual(
    rows.map(({ example, ...row }) => ({ ...row, example: example && String(example) })),
    [
      {
        path: "module app > global CACHE > [...]",
        count: 2,
        bytes: 150,
        example: "module app > global CACHE > ['a'] > Order",
      },
      { path: "(not reachable)", count: 1, bytes: 9, example: undefined },
      {
        path: "module app > global LAST",
        count: 1,
        bytes: 7,
        example: "module app > global LAST > Order",
      },
    ],
  );
});

test("a long chain, a tree and nested lists have few patterns", () => {
  const others: Record<string, Drawn> = {};
  for (let i = 0; i < 3000; i++) {
    others[`n${i}`] = { type: "app.Node", edges: i === 2999 ? {} : { ".next": `n${i + 1}` } };
  }
  for (let i = 0; i < 500; i++) {
    const left = 2 * i + 1 < 500 ? { ".left": `t${2 * i + 1}` } : {};
    const right = 2 * i + 2 < 500 ? { ".right": `t${2 * i + 2}` } : {};
    others[`t${i}`] = { type: "app.Tree", edges: { ...left, ...right } };
    others[`l${i}`] = { type: "list", edges: i === 499 ? {} : { "[0]": `l${i + 1}` } };
  }
  const { graph, facts } = draw(app({ CHAIN: "n0", TREE: "t0", NEST: "l0" }, others));
  const analysis = new Analysis(graph, facts);
  const patterns = (type: string) => holdersOfType(analysis, type).map(({ path }) => path);
  assert.deepEqual(patterns("Node"), [
    "module app > global CHAIN > Node.next",
    "module app > global CHAIN",
  ]);
  assert.deepEqual(patterns("Tree").sort(), [
    "module app > global TREE",
    "module app > global TREE > Tree.left",
    "module app > global TREE > Tree.right",
  ]);
  assert.deepEqual(patterns("list"), [
    "module app > global NEST > [...][...]",
    "module app > global NEST",
    "module app > global NEST > [...]",
  ]);
});

test("nodes are found by type, by address, and by type and label", () => {
  const { graph, facts, node } = draw(
    app(
      { a: "a" },
      {
        a: { type: "app.Order", address: 0x5000 },
        b: { type: "shop.Order" },
        text: { type: "str", label: "hello" },
        longer: { type: "str", label: "hello: you" },
      },
    ),
  );
  const find = (query: string) => findNodes(new Analysis(graph, facts), query);
  assert.deepEqual(find("Order"), [node("a"), node("b")]);
  assert.deepEqual(find("app.Order"), [node("a")]);
  assert.deepEqual(find("0x5000"), [node("a")]);
  assert.deepEqual(find(String(0x5000)), [node("a")]);
  assert.deepEqual(find("0x5001"), []);
  assert.deepEqual(find("str:'hello'"), [node("text")]);
  assert.deepEqual(find("str:hello"), [node("text"), node("longer")]);
  assert.deepEqual(find("str:'hello: you'"), [node("longer")]);
  assert.deepEqual(find("root"), []);
  assert.deepEqual(find(""), []);
});
