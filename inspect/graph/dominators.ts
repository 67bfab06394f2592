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

/** A depth-first walk, and the edges that it did not take. */
interface Walk {
  readonly count: number;
  /** At twice a node its number, 0 where no way leads to it; behind that the slot of the last edge to it; 0 for none. */
  readonly known: Uint32Array;
  /** At twice a slot the number that the edge comes from; behind that the slot of the edge to the same node before it. */
  readonly slots: Uint32Array;
  /** By number: its node, and the number that the walk came from. */
  readonly node: Uint32Array;
  readonly parent: Uint32Array;
  /** By number: room for whoever comes next. */
  readonly scratch: Uint32Array;
}

/** Each edge is looked at once, and what belongs together lies together: nearly all of the time goes into fetching memory. */
function walk({ nodes, edges, first, to, names }: Graph): Walk {
  const known = new Uint32Array(2 * nodes + 2);
  const slots = new Uint32Array(2 * edges + 2);
  const node = new Uint32Array(nodes + 1);
  const parent = new Uint32Array(nodes + 1);
  const scratch = new Uint32Array(nodes + 1);
  let count = 1;
  let slot = 0;
  known[0] = 1;
  scratch[1] = first[0] as number;
  let current = 1;
  while (current !== 0) {
    const end = first[(node[current] as number) + 1] as number;
    let e = scratch[current] as number;
    let next = 0;
    for (; e < end; e++) {
      if (!holds(names[e] as number)) continue;
      next = to[e] as number;
      if (known[2 * next] === 0) break;
      slot++;
      slots[2 * slot] = current;
      slots[2 * slot + 1] = known[2 * next + 1] as number;
      known[2 * next + 1] = slot;
    }
    scratch[current] = e + 1;
    if (e < end) {
      known[2 * next] = ++count;
      node[count] = next;
      parent[count] = current;
      scratch[count] = first[next] as number;
      current = count;
    } else current = parent[current] as number;
  }
  return { count, known, slots, node, parent, scratch };
}

/** By number: the number that dominates it closest. @returns an array of the walk's */
function immediate({ count, known, slots, node, parent, scratch }: Walk): Uint32Array {
  const semi = new Uint32Array(count + 1);
  // At twice a number its ancestor; behind that the least `semi` on the way up to that one.
  const above = new Uint32Array(2 * count + 2);
  for (let i = 0; i <= count; i++) {
    above[2 * i] = parent[i] as number;
    above[2 * i + 1] = i;
  }
  for (let i = count; i > 1; i--) {
    let best = parent[i] as number;
    let slot = known[2 * (node[i] as number) + 1] as number;
    for (; slot !== 0; slot = slots[2 * slot + 1] as number) {
      let v = slots[2 * slot] as number;
      let ancestor = above[2 * v] as number;
      let least = above[2 * v + 1] as number;
      if (ancestor > i) {
        // Everything on the way up gets to know the least above it, and hangs from the top then.
        let depth = 0;
        do {
          scratch[depth++] = v;
          v = ancestor;
          ancestor = above[2 * v] as number;
        } while (ancestor > i);
        least = above[2 * v + 1] as number;
        while (depth > 0) {
          v = scratch[--depth] as number;
          above[2 * v] = ancestor;
          if (least < (above[2 * v + 1] as number)) above[2 * v + 1] = least;
          else least = above[2 * v + 1] as number;
        }
      }
      if (least < best) best = least;
    }
    semi[i] = best;
    above[2 * i + 1] = best;
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
  const byNumber = immediate(walked);
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
