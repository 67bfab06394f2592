/** What is held from outside of the heap by someone whom nobody knows. */
import { type Graph, IMMORTAL, markFrom, type Node } from "../graph/graph.js";

/**
 * The objects that no root leads to, and that count more references than there are in the heap: a PyProxy that nobody noted has
 * the others, or C code that keeps its references where no one looks.
 *
 * @param references for each node how many references to it were found in the heap; those of JavaScript's values are not
 */
export function heldOutside(graph: Graph, references: Uint32Array): Node[] {
  const { nodes, counts, typeOf, types } = graph;
  const reached = new Uint8Array(nodes);
  markFrom(graph, 0, reached, new Uint32Array(nodes));
  const outside: Node[] = [];
  for (let node = 1; node < nodes; node++) {
    const count = counts[node] as number;
    if (reached[node] === 1 || count === IMMORTAL || count <= (references[node] as number))
      continue;
    if (types[typeOf[node] as number]?.kind === "object") outside.push(node);
  }
  return outside;
}
