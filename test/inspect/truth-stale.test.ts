/** Words that only look like references are told from those that are, by what their objects count. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  EdgeKind,
  edgeKind,
  edgeName,
  GraphBuilder,
  IMMORTAL,
  type NodeType,
} from "../../inspect/graph/graph.js";
import { takeSnapshot } from "../../inspect/inspect.js";
import { findStale } from "../../inspect/python/stale.js";
import { load } from "../support/pyodide.js";

const TYPES: readonly NodeType[] = (["root", "object", "memory"] as const).map((kind) => {
  return { name: kind, module: "", kind, node: 0 };
});
const [ROOT, OBJECT, MEMORY] = [0, 1, 2];

test("a guess at an object whose count is accounted for is stale", () => {
  const builder = new GraphBuilder(8);
  const add = (type: number, count = 0) => builder.node(8 * builder.nodes, type, 8, count);
  add(ROOT);
  const [holder, buffer] = [add(OBJECT, 1), add(MEMORY)];
  const [accounted, missing, immortal, plain] = [
    add(OBJECT, 1),
    add(OBJECT, 2),
    add(OBJECT, IMMORTAL),
    add(MEMORY),
  ];
  const targets = [accounted, missing, immortal, plain];
  builder.begin();
  builder.edge(holder, edgeName(EdgeKind.internal, builder.text("root")));
  builder.begin();
  for (const target of targets) builder.edge(target, edgeName(EdgeKind.item, target));
  builder.begin();
  for (const target of targets) builder.edge(target, edgeName(EdgeKind.guess, 4 * target));

  const before = builder.graph(TYPES, () => "");
  const stale = findStale(before);
  assert.deepEqual([...stale], [0, 0, 0, 0, 0, 1, 0, 0, 0]);
  builder.dropEdges(stale);
  const graph = builder.graph(TYPES, () => "");
  const edgesOf = (node: number) => [
    ...graph.to.subarray(graph.first[node] as number, graph.first[node + 1] as number),
  ];
  assert.equal(graph.edges, 8);
  assert.deepEqual(edgesOf(0), [holder]);
  assert.deepEqual(edgesOf(holder), targets);
  assert.deepEqual(edgesOf(buffer), [missing, immortal, plain]);
  assert.deepEqual(edgesOf(plain), []);
});

test("a buffer of C's where a list was keeps nothing of that list's alive", async () => {
  const pyodide = await load("pyodide");
  // zlib asks for buffers of 64 KiB and writes only as far as it has data.
  pyodide.runPython(`
import zlib
class Order:
    pass
ORDERS = [Order() for n in range(16_000)]
lists = [ORDERS * 1 for n in range(8)]
del lists
compressors = [zlib.compressobj() for n in range(8)]
`);
  const snapshot = takeSnapshot(pyodide);
  const { graph } = snapshot;
  const orders = new Set(snapshot.find("__main__.Order"));
  assert.equal(orders.size, 16_000);
  for (let edge = 0; edge < graph.edges; edge++) {
    if (!orders.has(graph.to[edge] as number)) continue;
    assert.notEqual(edgeKind(graph.names[edge] as number), EdgeKind.guess);
  }
});
