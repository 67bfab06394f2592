/** How far each node is from the root, and by which way. */
import { EdgeKind, edgeKind, edgeValue, type Graph } from "./model.js";

/** In an array of nodes: there is none. */
export const NOBODY = 0xffffffff;

/**
 * What a reference costs that is only guessed, where a known one costs 1: a way of names is worth some steps more, for it is
 * read by people.
 */
const GUESS = 16;

/** Groups of roots that don't say who it is that holds: leading there is as dear as a guess. */
const NAMELESS: ReadonlySet<string> = new Set([
  "interned strings",
  "static types",
  "interpreter",
  "static data",
  "C stack",
]);

/** The shortest ways from the root. */
export interface Distances {
  /** By node: steps from the root, a guess counted as 16, and so a root without a name; NOBODY where no way leads to it. */
  readonly distance: Uint32Array;
  /** The node before it on the shortest way; NOBODY for the root and where no way leads to it. */
  readonly from: Uint32Array;
  /** The edge that leads to it from there. */
  readonly via: Uint32Array;
}

/**
 * Finds the shortest way to every node, without weak edges.
 *
 * There are two lengths of a step, so two queues do for a heap: what is put into one of them is never nearer than what is in it.
 */
export function distancesOf(graph: Graph): Distances {
  const { nodes, first, to, names, texts } = graph;
  const distance = new Uint32Array(nodes).fill(NOBODY);
  const from = new Uint32Array(nodes).fill(NOBODY);
  const via = new Uint32Array(nodes);
  const near = new Uint32Array(nodes);
  const far = new Uint32Array(nodes);
  let nearHead = 0;
  let nearEnd = 1;
  let farHead = 0;
  let farEnd = 0;
  distance[0] = 0;
  while (nearHead < nearEnd || farHead < farEnd) {
    const farNode = farHead < farEnd ? (far[farHead] as number) : NOBODY;
    const nearNode = nearHead < nearEnd ? (near[nearHead] as number) : NOBODY;
    const takesFar =
      nearNode === NOBODY ||
      (farNode !== NOBODY && (distance[farNode] as number) < (distance[nearNode] as number));
    const node = takesFar ? farNode : nearNode;
    if (takesFar) farHead++;
    else nearHead++;
    const here = distance[node] as number;
    const end = first[node + 1] as number;
    for (let e = first[node] as number; e < end; e++) {
      const kind = edgeKind(names[e] as number);
      if (kind === EdgeKind.weak) continue;
      const next = to[e] as number;
      const isFar =
        kind === EdgeKind.guess ||
        (node === 0 && NAMELESS.has(texts[edgeValue(names[e] as number)] ?? ""));
      const there = here + (isFar ? GUESS : 1);
      if (there >= (distance[next] as number)) continue;
      distance[next] = there;
      from[next] = node;
      via[next] = e;
      // At most once into each, since only what is nearer gets here.
      if (isFar) far[farEnd++] = next;
      else near[nearEnd++] = next;
    }
  }
  return { distance, from, via };
}
