/** Objects that nobody reaches but that hold each other: reference counts never free them, only the collector does. */
import type { Address } from "../../base/base.js";
import { holds, type Node } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";

/** Cycles of the same types. */
export interface CycleRow {
  /** The types of those on a cycle, each once, by name: `dict, app.Node`. */
  readonly types: string;
  /** How many such cycles there are. */
  readonly count: number;
  /** Objects on them. */
  readonly objects: number;
  /** The bytes of these. */
  readonly bytes: number;
  /** Where one of the objects is. */
  readonly address: Address;
}

/** The cycles among what nobody reaches, those first that take most. */
export function cyclesOf(analysis: Analysis): CycleRow[] {
  const { graph, words } = analysis;
  const rows = new Map<string, { count: number; objects: number; bytes: number; node: Node }>();
  for (const cycle of unreachedCycles(analysis)) {
    const types = [...new Set(Array.from(cycle, (node) => words.type(node)))].sort().join(", ");
    const row = rows.get(types) ?? { count: 0, objects: 0, bytes: 0, node: cycle[0] as Node };
    rows.set(types, row);
    row.count++;
    row.objects += cycle.length;
    for (const node of cycle) row.bytes += graph.own[node] as number;
  }
  return [...rows]
    .map(([types, { node, ...row }]) => ({
      ...row,
      types,
      address: graph.addresses[node] as number,
    }))
    .sort((a, b) => b.bytes - a.bytes);
}

/**
 * The sets of unreached nodes each of which leads to all others of its set (R. Tarjan, Depth-first search and linear graph
 * algorithms, 1972), without recursion. One node alone is a set where it holds itself.
 */
export function unreachedCycles(analysis: Analysis): Uint32Array[] {
  const { nodes, first, to, names } = analysis.graph;
  const cycles: Uint32Array[] = [];
  /** By node: when it was met, from 1 on, and the earliest that it leads back to; DONE once its set is known. */
  const low = new Uint32Array(nodes);
  const met = new Uint32Array(nodes);
  const cursor = new Uint32Array(nodes);
  const caller = new Uint32Array(nodes);
  const stack = new Uint32Array(nodes);
  const DONE = 0xffffffff;
  let height = 0;
  let time = 0;
  function enter(node: Node, from: Node): void {
    met[node] = ++time;
    low[node] = time;
    cursor[node] = first[node] as number;
    caller[node] = from;
    stack[height++] = node;
  }
  /** Takes the set of a node that leads back to nobody before it. */
  function leave(node: Node): void {
    const end = height;
    do low[stack[--height] as Node] = DONE;
    while (stack[height] !== node);
    const isCycle = end - height > 1 || holdsItself(node);
    if (isCycle) cycles.push(stack.slice(height, end));
  }
  function holdsItself(node: Node): boolean {
    for (let e = first[node] as number; e < (first[node + 1] as number); e++) {
      if (to[e] === node && holds(names[e] as number)) return true;
    }
    return false;
  }
  for (let start = 1; start < nodes; start++) {
    if (met[start] !== 0 || analysis.isReached(start)) continue;
    // Node 0 is nobody's caller but the first one's.
    enter(start, 0);
    for (let node = start; node !== 0; ) {
      const e = cursor[node] as number;
      if (e < (first[node + 1] as number)) {
        cursor[node] = e + 1;
        const next = to[e] as Node;
        if (!holds(names[e] as number) || analysis.isReached(next)) continue;
        if (met[next] === 0) {
          enter(next, node);
          node = next;
        } else if (low[next] !== DONE && (low[next] as number) < (low[node] as number)) {
          low[node] = low[next] as number;
        }
      } else {
        const back = caller[node] as Node;
        const least = low[node] as number;
        if (least === met[node]) leave(node);
        else if (back !== 0 && least < (low[back] as number)) low[back] = least;
        node = back;
      }
    }
  }
  return cycles;
}
