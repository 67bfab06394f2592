/** Who leads to whom. */
import { type Graph, holds, type Node } from "./model.js";

/**
 * Marks a node, and all that it leads to over edges that hold, but for what is marked already and what that leads to.
 *
 * @param stack room for a number a node
 */
export function markFrom(graph: Graph, from: Node, marks: Uint8Array, stack: Uint32Array): void {
  const { first, to, names } = graph;
  let depth = 0;
  stack[depth++] = from;
  marks[from] = 1;
  while (depth > 0) {
    const node = stack[--depth] as number;
    const end = first[node + 1] as number;
    for (let edge = first[node] as number; edge < end; edge++) {
      const next = to[edge] as number;
      if (marks[next] !== 0 || !holds(names[edge] as number)) continue;
      marks[next] = 1;
      stack[depth++] = next;
    }
  }
}
