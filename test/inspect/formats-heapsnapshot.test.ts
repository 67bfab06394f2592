/** V8's format: what is in the file. test/inspect/formats-readers.test.ts has what others' readers make of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { writeHeapSnapshot } from "../../inspect/formats/formats.js";
import type { HeapSnapshotSource } from "../../inspect/formats/names.js";
import { findUnreached } from "../../inspect/formats/unreached.js";
import {
  dominatorsOf,
  EdgeKind,
  edgeName,
  type Graph,
  GraphBuilder,
  NOBODY,
} from "../../inspect/graph/graph.js";
import { type Drawn, draw, graphOfEdges, heapLikeGraph, randomGraph } from "../support/graphs.js";

interface File {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: string[];
      readonly node_types: [string[], ...string[]];
      readonly edge_fields: string[];
      readonly edge_types: [string[], ...string[]];
    };
    readonly node_count: number;
    readonly edge_count: number;
  };
  readonly nodes: number[];
  readonly edges: number[];
  readonly locations: number[];
  readonly strings: string[];
}

interface FileNode {
  readonly type: string;
  readonly name: string;
  readonly id: number;
  readonly own: number;
  /** `property ['x'] -> 7`, the last number is a node's index. */
  readonly edges: readonly string[];
}

function written(source: HeapSnapshotSource): File {
  const pieces = [...writeHeapSnapshot(source)];
  for (const piece of pieces) assert.ok(piece.length <= 65536);
  const bytes = Buffer.concat(pieces);
  assert.ok(bytes.every((byte) => byte < 0x7f && (byte >= 0x20 || byte === 0x0a)));
  return JSON.parse(bytes.toString("latin1"));
}

/** The nodes of a file, by its own meta; every rule of the format is looked at on the way. */
function nodesOf({ snapshot, nodes, edges, strings, locations }: File): FileNode[] {
  const { meta, node_count, edge_count } = snapshot;
  assert.deepEqual(meta.node_fields.length * node_count, nodes.length);
  assert.deepEqual(meta.edge_fields.length * edge_count, edges.length);
  assert.deepEqual(locations, []);
  let at = 0;
  const found: FileNode[] = [];
  for (let i = 0; i < nodes.length; i += 6) {
    const [type, name, id, own, count, detached] = nodes.slice(i, i + 6) as number[];
    assert.equal(detached, 0);
    const own_edges: string[] = [];
    for (const end = at + 3 * (count as number); at < end; at += 3) {
      const [edge, label, to] = edges.slice(at, at + 3) as [number, number, number];
      const kind = meta.edge_types[0][edge] as string;
      const text = kind === "element" || kind === "hidden" ? label : strings[label];
      assert.notEqual(text, undefined);
      assert.ok(to % 6 === 0 && to < nodes.length);
      own_edges.push(`${kind} ${text} -> ${to / 6}`);
    }
    found.push({
      type: meta.node_types[0][type as number] as string,
      name: strings[name as number] as string,
      ...{ id: id as number, own: own as number, edges: own_edges },
    });
  }
  assert.equal(at, edges.length);
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length, "two nodes have one id");
  return found;
}

const program: Record<string, Drawn> = {
  root: { type: "root", edges: { modules: "modules", frames: "frames" } },
  modules: { type: "root", edges: { "module app": "app" } },
  frames: { type: "root", edges: { "frame of main": "frame" } },
  app: { type: "module", label: "app", own: 40, edges: { __dict__: "globals" } },
  globals: {
    type: "dict",
    label: "len 3",
    own: 232,
    edges: { "['CACHE']": "cache", "['make']": "make", "['it\\'s']": "order", "key 0": "word" },
  },
  cache: { type: "list", label: "len 1", own: 64, edges: { "[0]": "order", "weak x": "app" } },
  make: { type: "function", label: "make (app.py:3)", own: 88, edges: { __code__: "code" } },
  code: { type: "code", label: "make (app.py:3)", own: 200, edges: { "+24?": "block" } },
  block: { type: "memory", own: 512 },
  order: { type: "app.Order", own: 48, edges: { ".total": "total", ".js": "js" } },
  total: { type: "int", label: "42", own: 16 },
  word: { type: "str", label: 'a "word"\n', own: 56 },
  frame: { type: "frame", own: 120, edges: { "local order": "order" } },
  js: { type: "javascript HTMLDivElement" },
  None: { type: "static NoneType", own: 0 },
};

test("nodes and edges are named as Python's people name them, in V8's types", () => {
  const { graph } = draw(program);
  const nodes = nodesOf(written({ graph }));
  const at = Object.fromEntries(Object.keys(program).map((name, i) => [name, i]));
  const lines = nodes.slice(0, Object.keys(program).length).map((node) => {
    return `${node.type} ${node.name}: ${node.own}; ${node.edges.join(", ")}`;
  });
  const group = nodes.length - 1;
  const expected = [
    `synthetic : 0; internal modules -> ${at["modules"]}, internal frames -> ${at["frames"]}, internal unreachable -> ${group}`,
    `synthetic (modules): 0; internal module app -> ${at["app"]}`,
    `synthetic (frames): 0; internal frame of main -> ${at["frame"]}`,
    `object <module app>: 40; internal __dict__ -> ${at["globals"]}`,
    `object dict: 232; property ['CACHE'] -> ${at["cache"]}, property ['make'] -> ${at["make"]}, ` +
      `property ['it\\\\\\'s'] -> ${at["order"]}, internal key -> ${at["word"]}`,
    `object list: 64; element 0 -> ${at["order"]}, weak x -> ${at["app"]}`,
    `object <function make (app.py:3)>: 88; internal __code__ -> ${at["code"]}`,
    `object <code make (app.py:3)>: 200; hidden 24 -> ${at["block"]}`,
    "native memory: 512; ",
    `object app.Order: 48; property total -> ${at["total"]}, property js -> ${at["js"]}`,
    "object <int 42>: 16; ",
    'string a "word"\n: 56; ',
    `object frame: 120; context order -> ${at["order"]}`,
    "native HTMLDivElement: 0; ",
    "object NoneType: 0; ",
  ];
  assert.deepEqual(lines, expected);
  const last = nodes[group] as FileNode;
  assert.equal(`${last.type} ${last.name} ${last.own}`, "synthetic (unreachable) 0");
  // The texts that name edges are nodes without bytes here, whom nobody holds, as None.
  assert.equal(last.edges.length, graph.nodes - Object.keys(program).length + 1);
  assert.ok(last.edges.every((edge, i) => edge.startsWith(`element ${i} -> `)));
});

test("a type with a blank in its name has no labels, one without labels no brackets", () => {
  const { graph } = draw({
    root: { type: "root", edges: { a: "a", b: "b", c: "c" } },
    a: { type: "app.My type", label: "x" },
    b: { type: "app.Thing", label: "" },
    c: { type: "bytes", label: "" },
    d: { type: "bytes", label: "ab" },
  });
  const names = nodesOf(written({ graph })).map(({ name }) => name);
  assert.deepEqual(names.slice(1, 5), ["app.My type", "app.Thing", "<bytes>", "<bytes ab>"]);
});

test("any text comes through: quotes, controls, halves of surrogate pairs", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary", maxLength: 9 }), { minLength: 1 }),
      (texts) => {
        const all = [
          ...texts,
          "\ud800",
          "\udfff\ud800",
          "\0\x1f\x7f\x80\u2028",
          '\\"',
          "\u{1f600}",
        ];
        const drawn = all.map((label, i): [string, Drawn] => [`n${i}`, { type: "str", label }]);
        const edges = Object.fromEntries(all.map((_, i) => [`[${i}]`, `n${i}`]));
        const { graph } = draw({ root: { type: "root", edges }, ...Object.fromEntries(drawn) });
        const found = new Set(nodesOf(written({ graph })).map(({ name }) => name));
        for (const text of all) assert.ok(found.has(text), JSON.stringify(text));
      },
    ),
    { numRuns: 50 },
  );
});

test("a text longer than its label is no other text with the same label", () => {
  const label = `${"x".repeat(80)}...`;
  const { graph } = draw({
    root: { type: "root", edges: { a: "a", b: "b", c: "c", d: "d" } },
    a: { type: "str", label },
    b: { type: "str", label },
    c: { type: "str", label },
    d: { type: "str", label: "x..." },
  });
  const content = (node: number) => ({ length: 500 + node, hash: node < 3 ? 7 : 255 });
  const names = nodesOf(written({ graph, content })).map(({ name }) => name);
  assert.deepEqual(names.slice(1, 5), [
    `${label} (length 501, hash 7)`,
    `${label} (length 502, hash 7)`,
    `${label} (length 503, hash ff)`,
    "x...",
  ]);
  assert.equal(nodesOf(written({ graph }))[1]?.name, label);
});

/** The same objects, at the same addresses, in another order. */
function idsOf(source: HeapSnapshotSource): Map<string, number> {
  return new Map(
    nodesOf(written(source)).map(({ id, type, name }) => [`${type} ${name} ${id & ~7}`, id]),
  );
}

test("ids are those of the addresses: the same in the next snapshot, others for other types", () => {
  const edges = { a: "a", b: "b", c: "c", js: "js", js2: "js2" };
  const a: Drawn = { type: "app.Order", address: 0x10008 };
  const b: Drawn = { type: "app.Order", address: 0xfffffff8 };
  const c: Drawn = { type: "dict", address: 0x20010 };
  const js: Drawn = { type: "javascript", label: "Map" };
  const js2: Drawn = { type: "javascript", label: "Set" };
  const root: Drawn = { type: "root", edges };
  const first = idsOf({ graph: draw({ root, a, b, c, js, js2 }).graph });
  const second = idsOf({ graph: draw({ root, js2, c, b, js, a }).graph });
  assert.deepEqual([...second].sort(), [...first].sort());
  const nodes = nodesOf(written({ graph: draw({ root, a, b, c, js, js2 }).graph }));
  assert.equal(nodes[0]?.id, 1);
  assert.deepEqual(
    nodes.slice(1, 4).map(({ id }) => (id & ~7) >>> 0),
    [0x10008, 0xfffffff8, 0x20010],
  );
  assert.deepEqual(nodes.map(({ id }) => id % 2).slice(0, 6), [1, 1, 1, 1, 0, 0]);
  // Two bits tell types apart: a quarter of all pairs has the same ones.
  const types = Array.from({ length: 40 }, (_, i) => `app.Type${i}`);
  const tags = types.map((type) => {
    const { graph } = draw({ root: { type: "root", edges: { a: "a" } }, a: { ...a, type } });
    return nodesOf(written({ graph }))[1]?.id;
  });
  assert.equal(new Set(tags).size, 4);
});

test("nodes without an address have ids of their own, whatever their names", () => {
  const many = Array.from({ length: 50 }, (_, i) => [
    `n${i}`,
    { type: "javascript", label: "Map" },
  ]);
  const { graph } = draw({ root: { type: "root" }, ...Object.fromEntries(many) });
  const ids = nodesOf(written({ graph })).map(({ id }) => id);
  assert.ok(ids.slice(1).every((id) => id % 2 === 0 && id > 0 && id < 2 ** 32));
});

/** The graph that a file describes, as far as sizes go. */
function graphOf(nodes: readonly FileNode[]): Graph {
  const builder = new GraphBuilder(nodes.length);
  for (const { own } of nodes) builder.node(0, 0, own, 0);
  for (const { edges } of nodes) {
    builder.begin();
    for (const edge of edges) {
      const kind = edge.startsWith("weak ") ? EdgeKind.weak : EdgeKind.internal;
      builder.edge(Number(edge.split(" -> ").at(-1)), edgeName(kind, 0));
    }
  }
  return builder.graph([{ name: "thing", module: "", kind: "object", node: 0 }], () => "");
}

test("whoever computes retained sizes of the file gets ours, and finds everything held", () => {
  fc.assert(
    fc.property(randomGraph(40), (graph) => {
      const ours = dominatorsOf(graph);
      const theirs = dominatorsOf(graphOf(nodesOf(written({ graph }))));
      assert.ok(theirs.idom.every((dominator) => dominator !== NOBODY));
      for (let node = 1; node < graph.nodes; node++) {
        if (ours.idom[node] === NOBODY) continue;
        assert.equal(theirs.retained[node], ours.retained[node]);
        assert.equal(theirs.idom[node], ours.idom[node]);
      }
      const sum = graph.own.slice(0, graph.nodes).reduce((total, own) => total + own, 0);
      assert.equal(theirs.retained[0], sum);
    }),
    { numRuns: 500 },
  );
});

test("no node of the group of what nobody reaches leads to another of them", () => {
  fc.assert(
    fc.property(randomGraph(30), (graph) => {
      const { heads, reached } = findUnreached(graph);
      const ways = heads.map((head) => {
        const edges: [number, number, number][] = [];
        for (let from = 0; from < graph.nodes; from++) {
          for (let e = graph.first[from] as number; e < (graph.first[from + 1] as number); e++) {
            edges.push([from + 1, (graph.to[e] as number) + 1, (graph.names[e] as number) >>> 28]);
          }
        }
        const { idom } = dominatorsOf(graphOfEdges(graph.nodes + 1, [[0, head + 1, 0], ...edges]));
        return [...idom.slice(1)].map((dominator) => dominator !== NOBODY);
      });
      for (const [i, way] of ways.entries()) {
        for (const [k, head] of heads.entries()) assert.equal(way[head], i === k);
      }
      for (let node = 0; node < graph.nodes; node++) {
        const found = reached[node] === 1 || ways.some((way) => way[node]);
        assert.ok(found, `${node} of ${graph.nodes}`);
      }
    }),
    { numRuns: 200 },
  );
});

test("numbers of 32 bits are written as they are", () => {
  const numbers = [
    0,
    1,
    9,
    10,
    99,
    100,
    65535,
    99999,
    2 ** 31 - 1,
    2 ** 31,
    4294967290,
    2 ** 32 - 1,
  ];
  const drawn = numbers.map((own, i): [string, Drawn] => [`n${i}`, { type: "dict", own }]);
  const edges = Object.fromEntries(numbers.map((_, i) => [`[${i}]`, `n${i}`]));
  const { graph } = draw({ root: { type: "root", edges }, ...Object.fromEntries(drawn) });
  const nodes = nodesOf(written({ graph }));
  assert.deepEqual(
    nodes.slice(1).map(({ own }) => own),
    numbers,
  );
});

test("a graph of a root alone is a file", () => {
  const nodes = nodesOf(written({ graph: draw({ root: { type: "root" } }).graph }));
  assert.deepEqual(nodes, [{ type: "synthetic", name: "", id: 1, own: 0, edges: [] }]);
});

test("a large graph is written in pieces, none of which is kept", () => {
  const graph = heapLikeGraph(200_000);
  const before = process.memoryUsage();
  let bytes = 0;
  let most = 0;
  for (const piece of writeHeapSnapshot({ graph })) {
    bytes += piece.length;
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    most = Math.max(most, arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed);
  }
  assert.ok(bytes > 8e6, `${bytes}`);
  // Garbage is among it: how much depends on when it is collected.
  assert.ok(most < 64 * 2 ** 20, `${most}`);
});
