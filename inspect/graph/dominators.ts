/**
 * Dominators: the node that all ways from the root to a node lead through, so that the node is freed when that one lets go.
 *
 * The algorithm is semi-NCA (L. Georgiadis, Linear-time algorithms for dominators and related problems, 2005), without
 * recursion, on typed arrays. It works on numbers in the order of a depth-first walk, from 1 on, so that 0 is none.
 */
import { NOBODY } from "./distance.js";
import { type Graph, holds } from "./model.js";

/** Who keeps whom alive. */
export interface Dominators {
  /** By node: the node that dominates it closest; the root's is the root, NOBODY where no way leads to it. */
  readonly idom: Uint32Array;
  /** By node: the bytes that it keeps alive, with its own. Of what no way leads to only its own. */
  readonly retained: Float64Array;
  /** The nodes that the root reaches, each behind the one that dominates it. */
  readonly order: Uint32Array;
}

/** A depth-first walk. */
interface Walk {
  readonly count: number;
  /** By node: its number; 0 where no way leads to it. */
  readonly number: Uint32Array;
  /** By number: its node, and the number that the walk came from. */
  readonly node: Uint32Array;
  readonly parent: Uint32Array;
  /** By number: room for whoever comes next. */
  readonly scratch: Uint32Array;
}

function walk({ nodes, first, to, names }: Graph): Walk {
  const number = new Uint32Array(nodes + 1);
  const node = new Uint32Array(nodes + 1);
  const parent = new Uint32Array(nodes + 1);
  const scratch = new Uint32Array(nodes + 1);
  let count = 1;
  number[0] = 1;
  scratch[1] = first[0] as number;
  let current = 1;
  while (current !== 0) {
    const end = first[(node[current] as number) + 1] as number;
    let e = scratch[current] as number;
    while (e < end && (number[to[e] as number] !== 0 || !holds(names[e] as number))) e++;
    scratch[current] = e + 1;
    if (e < end) {
      const next = to[e] as number;
      number[next] = ++count;
      node[count] = next;
      parent[count] = current;
      scratch[count] = first[next] as number;
      current = count;
    } else current = parent[current] as number;
  }
  return { count, number, node, parent, scratch };
}

/** Who leads to a number, as numbers, without the one that the walk came from. */
interface Predecessors {
  readonly first: Uint32Array;
  readonly from: Uint32Array;
}

function predecessorsOf(graph: Graph, { count, number, node, parent }: Walk): Predecessors {
  const { first: edges, to, names } = graph;
  const first = new Uint32Array(count + 2);
  function each(visit: (from: number, next: number) => void): void {
    for (let from = 1; from <= count; from++) {
      const end = edges[(node[from] as number) + 1] as number;
      for (let e = edges[node[from] as number] as number; e < end; e++) {
        const next = number[to[e] as number] as number;
        if (parent[next] !== from && next !== from && holds(names[e] as number)) visit(from, next);
      }
    }
  }
  each((_from, next) => {
    first[next] = (first[next] as number) + 1;
  });
  for (let i = 1; i < count + 2; i++) first[i] = (first[i] as number) + (first[i - 1] as number);
  const from = new Uint32Array(first[count + 1] as number);
  each((source, next) => {
    const place = (first[next] as number) - 1;
    first[next] = place;
    from[place] = source;
  });
  return { first, from };
}

/** By number: the number that dominates it closest. @returns an array of the walk's */
function immediate({ count, number, parent, scratch }: Walk, predecessors: Predecessors) {
  const { first, from } = predecessors;
  const semi = new Uint32Array(count + 1);
  const ancestor = parent.slice(0, count + 1);
  // The least `semi` on the way up to the ancestor. The numbers of nodes are needed no more.
  const least = number;
  for (let i = 0; i <= count; i++) least[i] = i;
  for (let i = count; i > 1; i--) {
    let best = parent[i] as number;
    const end = first[i + 1] as number;
    for (let p = first[i] as number; p < end; p++) {
      let v = from[p] as number;
      if ((ancestor[v] as number) > i) {
        // Everything on the way up gets to know the least above it, and hangs from the top then.
        let depth = 0;
        do {
          scratch[depth++] = v;
          v = ancestor[v] as number;
        } while ((ancestor[v] as number) > i);
        const top = ancestor[v] as number;
        let above = least[v] as number;
        while (depth > 0) {
          v = scratch[--depth] as number;
          ancestor[v] = top;
          if (above < (least[v] as number)) least[v] = above;
          else above = least[v] as number;
        }
      }
      if ((least[v] as number) < best) best = least[v] as number;
    }
    semi[i] = best;
    least[i] = best;
  }
  const idom = parent;
  for (let i = 2; i <= count; i++) {
    let d = idom[i] as number;
    while (d > (semi[i] as number)) d = idom[d] as number;
    idom[i] = d;
  }
  return idom;
}

/** The dominators of a graph, and what they retain. Weak edges are left out. */
export function dominatorsOf(graph: Graph): Dominators {
  const { nodes, own } = graph;
  const walked = walk(graph);
  const { count, node } = walked;
  const byNumber = immediate(walked, predecessorsOf(graph, walked));
  const idom = new Uint32Array(nodes).fill(NOBODY);
  const retained = new Float64Array(nodes);
  for (let i = 0; i < nodes; i++) retained[i] = own[i] as number;
  idom[0] = 0;
  for (let i = count; i > 1; i--) {
    const n = node[i] as number;
    const d = node[byNumber[i] as number] as number;
    idom[n] = d;
    retained[d] = (retained[d] as number) + (retained[n] as number);
  }
  return { idom, retained, order: node.slice(1, count + 1) };
}

/** The tree of dominators. */
export interface DominatorTree {
  /** What a node dominates closest is `children[first[node]]` up to `children[first[node + 1]]`. */
  readonly first: Uint32Array;
  readonly children: Uint32Array;
}

/** The dominators read from above to below. */
export function dominatorTree({ idom, order }: Dominators): DominatorTree {
  const nodes = idom.length;
  const first = new Uint32Array(nodes + 1);
  for (let i = 1; i < order.length; i++) {
    const d = idom[order[i] as number] as number;
    first[d] = (first[d] as number) + 1;
  }
  for (let i = 1; i <= nodes; i++) first[i] = (first[i] as number) + (first[i - 1] as number);
  const children = new Uint32Array(first[nodes] as number);
  for (let i = order.length - 1; i > 0; i--) {
    const node = order[i] as number;
    const d = idom[node] as number;
    const place = (first[d] as number) - 1;
    first[d] = place;
    children[place] = node;
  }
  return { first, children };
}
