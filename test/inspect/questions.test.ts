/** What a heap consists of, what is in it twice, what is empty, what nobody reaches: on graphs whose answers are known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dominatorsOf, type Graph, NOBODY, type Node } from "../../inspect/graph/graph.js";
import {
  Analysis,
  biggestDominators,
  containersOf,
  cyclesOf,
  duplicatesOf,
  typesOf,
  unreachableOf,
} from "../../inspect/questions/questions.js";
import { type Drawn, draw, randomGraph } from "../support/graphs.js";

function analysisOf(drawn: Readonly<Record<string, Drawn>>) {
  const { graph, facts, node } = draw(drawn);
  return { analysis: new Analysis(graph, facts), graph, node };
}

/** A shop that has two orders, one of which has the other one, and a text that both have. */
const SHOP: Readonly<Record<string, Drawn>> = {
  root: { type: "root", edges: { modules: "modules" } },
  modules: { type: "root", edges: { "module app": "shop" } },
  shop: { type: "app.Shop", own: 10, edges: { ".first": "a", ".last": "c" } },
  a: { type: "app.Order", own: 100, edges: { ".next": "b", ".text": "text" } },
  b: { type: "app.Order", own: 200, edges: { ".text": "text" } },
  c: { type: "app.Order", own: 400, edges: { ".list": "list" } },
  list: { type: "list", own: 50 },
  text: { type: "str", own: 30, label: "hello" },
  lost: { type: "app.Order", own: 1000 },
};

test("types have their counts, their bytes, and what they retain without counting any of it twice", () => {
  const rows = typesOf(analysisOf(SHOP).analysis);
  assert.deepEqual(rows, [
    // a with b and text, c with list, and the lost one.
    { type: "app.Order", kind: "object", count: 4, own: 1700, retained: 1780 },
    { type: "app.Shop", kind: "object", count: 1, own: 10, retained: 790 },
    { type: "list", kind: "object", count: 1, own: 50, retained: 50 },
    // One is the name of each attribute.
    ...rows.filter(({ type }) => type === "str"),
  ]);
  const str = rows.find(({ type }) => type === "str");
  assert.equal(str?.retained, 30);
});

/** The bytes that are below no node of the type again, by going up from every node. */
function slowRetained(graph: Graph, type: number): number {
  const { idom, retained } = dominatorsOf(graph);
  let sum = 0;
  for (let node = 0; node < graph.nodes; node++) {
    if (graph.typeOf[node] !== type) continue;
    let above: Node = node;
    let isInner = false;
    while (idom[node] !== NOBODY && above !== 0) {
      above = idom[above] as Node;
      if (graph.typeOf[above] === type) isInner = true;
    }
    if (!isInner) sum += retained[node] as number;
  }
  return sum;
}

test("what types retain is what going up from every node says, on random graphs", () => {
  fc.assert(
    fc.property(randomGraph(40), (graph) => {
      const types = ["A", "B", "C"].map((name) => {
        return { name, module: "app", kind: "object", node: 0 } as const;
      });
      const typeOf = graph.typeOf.map((_, node) => (node * 5) % 3);
      const typed = { ...graph, types, typeOf };
      const rows = typesOf(new Analysis(typed, analysisOf(SHOP).analysis.facts));
      for (const [type, { name }] of types.entries()) {
        const row = rows.find((found) => found.type === `app.${name}`);
        assert.equal(row?.retained ?? 0, slowRetained(typed, type));
      }
      const bytes = rows.reduce((sum, { own }) => sum + own, 0);
      assert.equal(
        bytes,
        graph.own.subarray(0, graph.nodes).reduce((a, b) => a + b, 0),
      );
    }),
  );
});

test("the biggest dominators come first, without groups of roots and what nobody reaches", () => {
  const { analysis, node } = analysisOf(SHOP);
  const rows = biggestDominators(analysis, 3);
  assert.deepEqual(
    rows.map((row) => [row.node, row.retained, row.count, row.path]),
    [
      [node("shop"), 790, 2, "module app"],
      [node("c"), 450, 1, "module app > Shop.last"],
      [node("a"), 330, 2, "module app > Shop.first"],
    ],
  );
  assert.deepEqual(biggestDominators(analysis, 0), []);
  assert.equal(biggestDominators(analysis, 1000).at(-1)?.retained, 30);
});

test("equal values are found by their hash and their content, and one of them is no waste", () => {
  const str = (label: string, hash: number): Drawn => {
    return { type: "str", own: 40, label, content: { kind: "str", length: label.length, hash } };
  };
  const { analysis } = analysisOf({
    root: { type: "root" },
    a: str("same", 1),
    b: str("same", 1),
    c: str("same", 1),
    d: str("other, same hash", 1),
    e: str("other, same hash", 1),
    f: str("alone", 2),
    g: { type: "list", label: "same", own: 999, content: { kind: "list", hash: 0 } },
    h: { type: "list", label: "same", own: 999, content: { kind: "list", hash: 0 } },
    i: { type: "app.Name", label: "same", own: 40, content: { kind: "str", hash: 1 } },
  });
  const rows = duplicatesOf(analysis, 10).map(({ address, ...row }) => row);
  assert.deepEqual(rows, [
    { type: "str", label: "same", count: 3, wasted: 80 },
    { type: "str", label: "other, same hash", count: 2, wasted: 40 },
  ]);
  assert.equal(duplicatesOf(analysis, 1).length, 1);
});

test("a hundred thousand different values with one hash take no time", () => {
  const drawn: Record<string, Drawn> = { root: { type: "root" } };
  for (let i = 0; i < 20_000; i++) {
    drawn[`n${i}`] = { type: "int", label: String(i), content: { kind: "int", hash: 7 } };
  }
  const begin = performance.now();
  assert.deepEqual(duplicatesOf(analysisOf(drawn).analysis, 10), []);
  assert.ok(performance.now() - begin < 10_000);
});

test("empty and over-allocated containers are told by type", () => {
  const { analysis, graph, node } = analysisOf({
    root: { type: "root" },
    a: { type: "list", own: 40, content: { kind: "list", length: 0 } },
    b: { type: "list", own: 400, content: { kind: "list", length: 0, capacity: 300 } },
    c: { type: "dict", own: 1000, content: { kind: "dict", length: 3, capacity: 800 } },
    d: { type: "dict", own: 1000, content: { kind: "dict", length: 3, capacity: 100 } },
    e: { type: "list", own: 60, content: { kind: "list", length: 1, capacity: 40 } },
    f: { type: "tuple", own: 20, content: { kind: "tuple", length: 0 } },
  });
  assert.deepEqual(containersOf(analysis), [
    {
      type: "dict",
      what: "over-allocated",
      count: 1,
      wasted: 800,
      address: graph.addresses[node("c")],
    },
    { type: "list", what: "empty", count: 2, wasted: 440, address: graph.addresses[node("b")] },
  ]);
});

/** Two rings and an object that holds itself, none of which is reached; and what they hold. */
const RINGS: Readonly<Record<string, Drawn>> = {
  root: { type: "root", edges: { modules: "live" } },
  live: { type: "app.Node", own: 1, edges: { ".next": "live2" } },
  live2: { type: "app.Node", own: 1, edges: { ".next": "live" } },
  a: { type: "app.Node", own: 10, edges: { ".next": "b" } },
  b: { type: "dict", own: 20, edges: { "['x']": "a", "['y']": "held", "['z']": "live" } },
  c: { type: "app.Node", own: 10, edges: { ".next": "d" } },
  d: { type: "dict", own: 20, edges: { "['x']": "c" } },
  self: { type: "list", own: 5, edges: { "[0]": "self" } },
  held: { type: "str", own: 7, label: "held by a ring" },
  weak: { type: "app.Node", own: 3, edges: { "weak x": "weak2" } },
  weak2: { type: "app.Node", own: 3, edges: { ".x": "weak" } },
  leak: { type: "memory", own: 64 },
  leak2: { type: "memory", own: 64 },
};

test("rings that nobody reaches are told by their types", () => {
  const { analysis } = analysisOf(RINGS);
  const rows = cyclesOf(analysis).map(({ address, ...row }) => row);
  assert.deepEqual(rows, [
    { types: "app.Node, dict", count: 2, objects: 4, bytes: 60 },
    { types: "list", count: 1, objects: 1, bytes: 5 },
  ]);
});

test("what nobody reaches and no ring holds is told by its size", () => {
  const { analysis } = analysisOf(RINGS);
  const rows = unreachableOf(analysis).map(({ address, ...row }) => row);
  assert.deepEqual(rows, [
    { type: "memory", size: 64, count: 2, bytes: 128 },
    { type: "app.Node", size: 3, count: 2, bytes: 6 },
  ]);
});

test("unreached rings are those whose nodes lead to each other, on random graphs", () => {
  fc.assert(
    fc.property(randomGraph(30), (graph) => {
      const facts = analysisOf(SHOP).analysis.facts;
      const row = cyclesOf(new Analysis(graph, facts))[0];
      const leads = reachability(graph);
      const { idom } = dominatorsOf(graph);
      const lost = Array.from(idom, (d) => d === NOBODY);
      const onRing = lost.filter((is, node) => is && leads[node]?.[node]).length;
      assert.equal(row?.objects ?? 0, onRing);
    }),
    { numRuns: 300 },
  );
});

/** Who leads to whom by one reference or more (Warshall's way). */
function reachability(graph: Graph): boolean[][] {
  const leads = Array.from({ length: graph.nodes }, () =>
    new Array<boolean>(graph.nodes).fill(false),
  );
  for (let node = 0; node < graph.nodes; node++) {
    for (let e = graph.first[node] as number; e < (graph.first[node + 1] as number); e++) {
      const row = leads[node] as boolean[];
      if ((graph.names[e] as number) >>> 28 !== 7) row[graph.to[e] as number] = true;
    }
  }
  for (const [k, through] of leads.entries()) {
    for (const row of leads) {
      if (row[k])
        through.forEach((is, j) => {
          row[j] ||= is;
        });
    }
  }
  return leads;
}
