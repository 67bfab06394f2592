/** What nobody holds: garbage in cycles that wait for the collector, and memory that was leaked. */
import { type Graph, holds, markFrom, type Node } from "../graph/graph.js";

export interface Unreached {
  /** 1 for what the root leads to over edges that hold. */
  readonly reached: Uint8Array;
  /** As few nodes as possible that lead to all the others. */
  readonly heads: readonly Node[];
}

/** The nodes that aren't marked, each behind all that it leads to, but for what leads back to it. */
function inOrderOfLeaving(graph: Graph, marks: Uint8Array, stack: Uint32Array): Node[] {
  const { nodes, first, to, names } = graph;
  const seen = marks.slice();
  const nextEdge = new Uint32Array(nodes);
  const order: Node[] = [];
  for (let start = 0; start < nodes; start++) {
    if (seen[start] !== 0) continue;
    let depth = 0;
    stack[depth++] = start;
    seen[start] = 1;
    nextEdge[start] = first[start] as number;
    while (depth > 0) {
      const node = stack[depth - 1] as number;
      const edge = nextEdge[node] as number;
      if (edge === (first[node + 1] as number)) {
        order.push(node);
        depth--;
        continue;
      }
      nextEdge[node] = edge + 1;
      const next = to[edge] as number;
      if (seen[next] !== 0 || !holds(names[edge] as number)) continue;
      seen[next] = 1;
      nextEdge[next] = first[next] as number;
      stack[depth++] = next;
    }
  }
  return order;
}

export function findUnreached(graph: Graph): Unreached {
  const stack = new Uint32Array(graph.nodes);
  const marks = new Uint8Array(graph.nodes);
  markFrom(graph, 0, marks, stack);
  const reached = marks.slice();
  const heads: Node[] = [];
  // Whoever is left last is led to by nobody who isn't led to by him.
  for (const node of inOrderOfLeaving(graph, marks, stack).reverse()) {
    if (marks[node] !== 0) continue;
    heads.push(node);
    markFrom(graph, node, marks, stack);
  }
  return { reached, heads };
}
