/** Words in C's memory that refer to nothing any more. */
import { EdgeKind, edgeKind, type GraphBuilder, holds, type Node } from "../graph/graph.js";

/**
 * Takes out the guesses that can't be true. C's own memory is read word by word, and much of it is not in use: buffers that nobody
 * has written to yet have addresses of what lay there before. An object counts its references; so when as many are found in objects
 * as it counts, a word in plain memory is none.
 *
 * @param isPlain is a node memory that no object lies in?
 * @param isRoot is it one of the roots, whose references are no objects'?
 */
export function dropStale(
  builder: GraphBuilder,
  isPlain: (node: Node) => boolean,
  isRoot: (node: Node) => boolean,
): void {
  const found = new Uint32Array(builder.nodes);
  const isWord = (from: Node, name: number) => edgeKind(name) === EdgeKind.guess && isPlain(from);
  builder.eachEdge((from, to, name) => {
    if (holds(name) && !isWord(from, name) && !isRoot(from)) found[to] = (found[to] as number) + 1;
  });
  builder.keepEdges((from, to, name) => {
    if (!isWord(from, name)) return true;
    const count = builder.countOf(to);
    const before = found[to] as number;
    // Plain memory and what is never freed have no count.
    if (count > 0 && before >= count) return false;
    found[to] = before + 1;
    return true;
  });
}
