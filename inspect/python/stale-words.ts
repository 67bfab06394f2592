/** Words in C's memory that refer to nothing any more. */
import {
  type Edge,
  EdgeKind,
  edgeKind,
  edgeValue,
  type GraphBuilder,
  holds,
  IMMORTAL,
  type Node,
} from "../graph/graph.js";

/**
 * Takes out the guesses that can't be true. C's own memory is read word by word, and much of it is not in use: buffers that nobody
 * has written to yet have addresses of what lay there before. An object counts its references; so when as many are found as it
 * counts, a word in C's memory is none. Short memory is believed before longer one, which is more likely a buffer. What is never
 * freed is held by no word.
 *
 * @param trusted how many bytes of a node's have no words out of use: the struct of an object; 0 where there is no object
 * @param isRoot is it one of the roots, whose references are no objects'?
 * @param rootWords the references of the roots that are guesses. They are compared with what objects hold: who is held by objects as
 * often as he counts is held by none of these
 */
export function dropStale(
  builder: GraphBuilder,
  trusted: (node: Node) => number,
  isRoot: (node: Node) => boolean,
  rootWords: readonly Edge[],
): void {
  const found = new Uint32Array(builder.nodes);
  const words: { readonly edge: number; readonly own: number }[] = [];
  builder.eachEdge((from, to, name, edge) => {
    if (edgeKind(name) === EdgeKind.guess && edgeValue(name) >= trusted(from)) {
      // Plain memory has no count.
      if (builder.countOf(to) > 0) words.push({ edge, own: builder.ownOf(from) });
    } else if (holds(name) && !isRoot(from)) found[to] = (found[to] as number) + 1;
  });
  words.sort((one, other) => one.own - other.own);
  const dropped = new Uint8Array(builder.edges);
  for (const edge of rootWords) {
    const to = builder.targetOf(edge);
    const count = builder.countOf(to);
    if (count > 0 && count !== IMMORTAL && (found[to] as number) >= count) dropped[edge] = 1;
  }
  for (const { edge } of words) {
    const to = builder.targetOf(edge);
    const count = builder.countOf(to);
    if (count === IMMORTAL || (found[to] as number) >= count) dropped[edge] = 1;
    else found[to] = (found[to] as number) + 1;
  }
  builder.dropEdges(dropped);
}
