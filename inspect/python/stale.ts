/** References that were guessed and can't be any. */
import { EdgeKind, edgeKind, type Graph, holds, IMMORTAL } from "../graph/graph.js";

/**
 * Which edges are stale words: guesses at an object whose whole count is accounted for by references that are known. C's buffers
 * have such words where nobody has written yet: what was there before them.
 *
 * @returns by edge; 1 for those
 */
export function findStale(graph: Graph): Uint8Array {
  const { nodes, first, to, names, counts, typeOf, types } = graph;
  const isRoot = types.map(({ kind }) => kind === "root");
  const known = new Uint32Array(nodes);
  const stale = new Uint8Array(graph.edges);
  const isGuess = (edge: number) => edgeKind(names[edge] as number) === EdgeKind.guess;
  for (let node = 1; node < nodes; node++) {
    if (isRoot[typeOf[node] as number]) continue;
    for (let edge = first[node] as number; edge < (first[node + 1] as number); edge++) {
      if (!holds(names[edge] as number) || isGuess(edge)) continue;
      const target = to[edge] as number;
      known[target] = (known[target] as number) + 1;
    }
  }
  for (let edge = 0; edge < graph.edges; edge++) {
    if (!isGuess(edge)) continue;
    const target = to[edge] as number;
    const count = counts[target] as number;
    // Memory counts nothing, and of what is immortal nobody counts.
    if (count > 0 && count !== IMMORTAL && (known[target] as number) >= count) stale[edge] = 1;
  }
  return stale;
}
