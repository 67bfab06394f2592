/** What is held from outside of the heap by someone whom nobody knows. */
import { type Graph, holds, IMMORTAL, type Node } from "../graph/graph.js";

/**
 * The objects that no root leads to, and that count more references than there are in the heap: a PyProxy that nobody noted has
 * the others, or C code that keeps its references where no one looks.
 *
 * @param references for each node how many references to it were found in the heap; those of JavaScript's values are not
 */
export function heldOutside(graph: Graph, references: Uint32Array): Node[] {
  const { nodes, first, to, names, counts, typeOf, types } = graph;
  const reached = new Uint8Array(nodes);
  const queue = new Uint32Array(nodes);
  let end = 1;
  reached[0] = 1;
  for (let next = 0; next < end; next++) {
    const node = queue[next] as number;
    for (let edge = first[node] as number; edge < (first[node + 1] as number); edge++) {
      const target = to[edge] as number;
      if (reached[target] === 1 || !holds(names[edge] as number)) continue;
      reached[target] = 1;
      queue[end++] = target;
    }
  }
  const outside: Node[] = [];
  for (let node = 1; node < nodes; node++) {
    const count = counts[node] as number;
    if (reached[node] === 1 || count === IMMORTAL || count <= (references[node] as number))
      continue;
    if (types[typeOf[node] as number]?.kind === "object") outside.push(node);
  }
  return outside;
}
