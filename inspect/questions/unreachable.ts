/** Memory that nobody reaches: what C code lost, or holds where nobody looks. */
import type { Address } from "../../base/base.js";
import { NOBODY, type Node } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";
import { unreachedCycles } from "./cycles.js";

/** Blocks of one size that nobody reaches. */
export interface UnreachableRow {
  /** The type of the objects in them; `memory` where none were found. */
  readonly type: string;
  /** Bytes that each takes. */
  readonly size: number;
  /** How many there are. */
  readonly count: number;
  /** The bytes of all. */
  readonly bytes: number;
  /** Where one of them is. */
  readonly address: Address;
}

/**
 * Objects and blocks to which no way leads from any root, without those that wait for the collector (`cycles`) and what these
 * hold; by type and size, those first that take most.
 */
export function unreachableOf(analysis: Analysis): UnreachableRow[] {
  const { graph, words, dominators } = analysis;
  const held = heldByCycles(analysis);
  const rows = new Map<string, { count: number; node: Node }>();
  const isMemory = graph.types.map(({ kind }) => kind === "object" || kind === "memory");
  for (let node = 1; node < graph.nodes; node++) {
    const isLost = dominators.idom[node] === NOBODY && held[node] === 0;
    if (!isLost || isMemory[graph.typeOf[node] as number] !== true || graph.own[node] === 0)
      continue;
    const key = `${graph.own[node]} ${words.type(node)}`;
    const row = rows.get(key) ?? { count: 0, node };
    rows.set(key, row);
    row.count++;
  }
  return [...rows.values()]
    .map(({ count, node }): UnreachableRow => {
      const size = graph.own[node] as number;
      const address = graph.addresses[node] as number;
      return { type: words.type(node), size, count, bytes: size * count, address };
    })
    .sort((a, b) => b.bytes - a.bytes);
}

/** By node: 1 for what is on an unreached cycle or held by one. */
function heldByCycles(analysis: Analysis): Uint8Array {
  const { nodes, first, to } = analysis.graph;
  const held = new Uint8Array(nodes);
  const waiting: Node[] = [];
  const take = (node: Node) => {
    if (held[node] === 1 || analysis.isReached(node)) return;
    held[node] = 1;
    waiting.push(node);
  };
  for (const cycle of unreachedCycles(analysis)) cycle.forEach(take);
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (let e = first[node] as number; e < (first[node + 1] as number); e++) take(to[e] as Node);
  }
  return held;
}
