/** Edges that are taken out of a graph while it is made. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeKind, edgeName, GraphBuilder, IMMORTAL } from "../../inspect/graph/graph.js";
import { dropStale } from "../../inspect/python/stale-words.js";

const guess = (offset: number) => edgeName(EdgeKind.guess, offset);

test("edges are taken out, and each node has its others", () => {
  const builder = new GraphBuilder(4);
  for (let node = 0; node < 4; node++) builder.node(8 * node, 0, 8, 1);
  const edges = [[1, 2], [], [3, 1, 3], [2]];
  for (const targets of edges) {
    builder.begin();
    for (const target of targets) builder.edge(target, guess(0));
  }
  builder.dropEdges(Uint8Array.of(1, 0, 0, 1, 0, 1));
  const { first, to, edges: count } = builder.graph([], () => "");
  const left = [0, 1, 2, 3].map((node) => [...to.subarray(first[node], first[node + 1])]);
  assert.deepEqual(left, [[2], [], [3, 3], []]);
  assert.equal(count, 3);
});

test("a word in C's memory or a root is no reference when all that are counted are found; short memory is believed first", () => {
  const builder = new GraphBuilder(8);
  // The root, an object, a long buffer, a short one, what is counted once, twice, never freed, and plain memory.
  const owns = [0, 32, 4096, 64, 16, 16, 16, 16];
  const counts = [0, 1, 0, 0, 1, 2, IMMORTAL, 0];
  for (const [node, own] of owns.entries()) builder.node(8 * node, 0, own, counts[node] as number);
  builder.begin();
  const root = edgeName(EdgeKind.internal, builder.text("root"));
  builder.edge(1, root);
  const rootWords = [4, 5, 6, 7].map((target) => builder.edge(target, root));
  builder.begin();
  builder.edge(4, edgeName(EdgeKind.item, 0));
  builder.edge(5, guess(8));
  for (const buffer of [2, 3]) {
    assert.equal(builder.begin(), buffer);
    for (const target of [4, 5, 6, 7]) builder.edge(target, guess(4 * target));
  }
  while (builder.begin() < 7);
  dropStale(
    builder,
    (node) => (node === 1 ? 16 : 0),
    (node) => node === 0,
    rootWords,
  );
  const { first, to } = builder.graph([], () => "");
  const left = [0, 1, 2, 3].map((node) => [...to.subarray(first[node], first[node + 1])]);
  assert.deepEqual(left, [[1, 5, 6, 7], [4, 5], [7], [5, 7]]);
});
