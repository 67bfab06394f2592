/** The graph read backwards: who holds a node. */
import { type Edge, type Graph, holds, type Node } from "./model.js";
import { countBelow } from "./numbers.js";

/** The edges that hold each node, as a row. */
export interface Holders {
  /** The edges that lead to a node are `edges[first[node]]` up to `edges[first[node + 1]]`, by the node they come from. */
  readonly first: Uint32Array;
  readonly edges: Uint32Array;
}

/** Sorts the edges by where they lead to; weak ones are left out. */
export function holdersOf(graph: Graph): Holders {
  const { nodes, to, names } = graph;
  const first = new Uint32Array(nodes + 1);
  for (let e = 0; e < graph.edges; e++) {
    if (holds(names[e] as number)) first[to[e] as number] = (first[to[e] as number] as number) + 1;
  }
  // Counts become ends, and each edge that is put in, from the last one on, makes its row's end its beginning.
  for (let i = 1; i <= nodes; i++) first[i] = (first[i] as number) + (first[i - 1] as number);
  const edges = new Uint32Array(first[nodes] as number);
  for (let e = graph.edges - 1; e >= 0; e--) {
    if (!holds(names[e] as number)) continue;
    const node = to[e] as number;
    const place = (first[node] as number) - 1;
    first[node] = place;
    edges[place] = e;
  }
  return { first, edges };
}

/** The node that an edge comes from. */
export function sourceOf(graph: Graph, edge: Edge): Node {
  return countBelow(graph.first, graph.nodes, edge + 1) - 1;
}
