/** What is computed of a graph alone, against the slow way and on graphs whose answer is known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  distancesOf,
  dominatorsOf,
  dominatorTree,
  EdgeKind,
  edgeKind,
  type Graph,
  holdersOf,
  holds,
  NOBODY,
  type Node,
  sourceOf,
} from "../../inspect/graph/graph.js";
import { graphOfEdges, heapLikeGraph, randomGraph, reachedWithout } from "../support/graphs.js";

/** By their definition: d dominates n where no way to n is left without d. */
function slowDominators(graph: Graph) {
  const all = reachedWithout(graph, -1);
  const lost = Array.from({ length: graph.nodes }, (_, d) => {
    const left = reachedWithout(graph, d);
    return all.map((reached, n) => reached && !left[n]);
  });
  const sizes = lost.map((row) => row.filter(Boolean).length);
  const idom = all.map((reached, n) => {
    if (!reached) return NOBODY;
    if (n === 0) return 0;
    // Of those that dominate n, the closest one is dominated by all others: it loses the fewest.
    const candidates = sizes.flatMap((size, d) => (d !== n && lost[d]?.[n] ? [{ d, size }] : []));
    return candidates.reduce((a, b) => (a.size <= b.size ? a : b)).d;
  });
  const retained = lost.map((row, d) => {
    const bytes = row.map((is, n) => (is ? (graph.own[n] as number) : 0));
    return all[d] ? bytes.reduce((a, b) => a + b, 0) : (graph.own[d] as number);
  });
  return { idom, retained };
}

test("dominators and retained sizes are what their definition says, on random graphs", () => {
  fc.assert(
    fc.property(randomGraph(40), (graph) => {
      const slow = slowDominators(graph);
      const { idom, retained, order } = dominatorsOf(graph);
      assert.deepEqual([...idom], slow.idom);
      assert.deepEqual([...retained], slow.retained);
      assert.equal(order.length, slow.idom.filter((d) => d !== NOBODY).length);
      const place = new Map([...order].map((node, i) => [node, i]));
      for (const node of order.subarray(1)) {
        assert.ok((place.get(idom[node] as number) as number) < (place.get(node) as number));
      }
    }),
    { numRuns: 1000 },
  );
});

test("the tree of dominators has every node that is reached once, below the one that dominates it", () => {
  fc.assert(
    fc.property(randomGraph(60), (graph) => {
      const dominators = dominatorsOf(graph);
      const { first, children } = dominatorTree(dominators);
      const seen: Node[] = [];
      for (let node = 0; node < graph.nodes; node++) {
        for (const child of children.subarray(first[node], first[node + 1])) {
          assert.equal(dominators.idom[child], node);
          seen.push(child);
        }
      }
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        [...dominators.order.subarray(1)].sort((a, b) => a - b),
      );
    }),
  );
});

/** Bellman and Ford's way. */
function slowDistances(graph: Graph): number[] {
  const distance = new Array<number>(graph.nodes).fill(NOBODY);
  distance[0] = 0;
  for (let round = 0; round < graph.nodes; round++) {
    for (let node = 0; node < graph.nodes; node++) {
      if (distance[node] === NOBODY) continue;
      for (let e = graph.first[node] as number; e < (graph.first[node + 1] as number); e++) {
        const name = graph.names[e] as number;
        const there = (distance[node] as number) + (edgeKind(name) === EdgeKind.guess ? 16 : 1);
        const to = graph.to[e] as number;
        if (holds(name) && there < (distance[to] as number)) distance[to] = there;
      }
    }
  }
  return distance;
}

test("distances are the shortest ones, with guesses dearer, and lead back to the root", () => {
  fc.assert(
    fc.property(randomGraph(40), (graph) => {
      const { distance, from, via } = distancesOf(graph);
      assert.deepEqual([...distance], slowDistances(graph));
      for (let node = 1; node < graph.nodes; node++) {
        if (distance[node] === NOBODY) {
          assert.equal(from[node], NOBODY);
          continue;
        }
        const edge = via[node] as number;
        assert.equal(graph.to[edge], node);
        assert.equal(sourceOf(graph, edge), from[node]);
        const step = edgeKind(graph.names[edge] as number) === EdgeKind.guess ? 16 : 1;
        assert.equal(distance[node], (distance[from[node] as number] as number) + step);
      }
    }),
    { numRuns: 500 },
  );
});

test("the graph read backwards has every edge that holds, where it leads to", () => {
  fc.assert(
    fc.property(randomGraph(40), (graph) => {
      const { first, edges } = holdersOf(graph);
      const expected: number[][] = Array.from({ length: graph.nodes }, () => []);
      for (let e = 0; e < graph.edges; e++) {
        if (holds(graph.names[e] as number)) expected[graph.to[e] as number]?.push(e);
      }
      const found = expected.map((_, n) => [...edges.subarray(first[n], first[n + 1])]);
      assert.deepEqual(found, expected);
    }),
  );
});

test("a chain of a million nodes needs no stack, and each retains what is below", () => {
  const nodes = 1_000_000;
  const graph = heapLikeGraph(nodes, 0);
  // The same nodes as one chain.
  for (let i = 0; i <= nodes; i++) graph.first[i] = i;
  graph.first[nodes] = nodes - 1;
  for (let i = 0; i < nodes - 1; i++) graph.to[i] = i + 1;
  const { idom, retained } = dominatorsOf(graph);
  assert.equal(retained[0], 48 * nodes);
  assert.equal(idom[nodes - 1], nodes - 2);
  assert.equal(distancesOf(graph).distance[nodes - 1], nodes - 1);
});

test("who is held by two is dominated by the one that holds both", () => {
  const graph = graphOfEdges(5, [
    [0, 1, 0],
    [1, 2, 0],
    [1, 3, 0],
    [2, 4, 0],
    [3, 4, 0],
  ]);
  const { idom, retained } = dominatorsOf(graph);
  assert.equal(idom[4], 1);
  // 7, 14, 21 and 28, modulo 13.
  assert.deepEqual([...retained], [18, 18, 1, 8, 2]);
});
