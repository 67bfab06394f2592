/** Which single objects keep most alive. */
import type { Address } from "../../base/base.js";
import { NOBODY, type Node } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";
import { shortestPath } from "./paths.js";

/** An object that keeps others alive. */
export interface DominatorRow {
  /** Its number in the graph. */
  readonly node: Node;
  /** Where it lies; 0 for what has no memory. */
  readonly address: Address;
  /** `dict`, `app.Order`. */
  readonly type: string;
  /** Which one it is: a name, or the beginning of a text; empty where there is none. */
  readonly label: string;
  /** How it is held, by the shortest way: `module app > global CACHE`; empty where no way leads to it. */
  readonly path: string;
  /** Its own bytes. */
  readonly own: number;
  /** Bytes that would be free without it. */
  readonly retained: number;
  /** How many objects it dominates closest. */
  readonly count: number;
}

/** The row of a node. */
export function dominatorRow(analysis: Analysis, node: Node): DominatorRow {
  const { graph, words } = analysis;
  return {
    node,
    address: graph.addresses[node] as number,
    type: words.type(node),
    label: graph.label(node),
    path: shortestPath(analysis, node)?.holder ?? "",
    own: graph.own[node] as number,
    retained: analysis.retained(node),
    count: analysis.children(node).length,
  };
}

/** The objects that keep most alive, without the groups of roots. */
export function biggestDominators(analysis: Analysis, limit: number): DominatorRow[] {
  const { graph, dominators } = analysis;
  const { retained, idom } = dominators;
  const isRoot = graph.types.map(({ kind }) => kind === "root");
  // The best so far, the least of them last.
  const best: Node[] = [];
  for (let node = 1; node < graph.nodes; node++) {
    const size = retained[node] as number;
    const least = best.length < limit ? -1 : (retained[best.at(-1) ?? 0] as number);
    if (size <= least || idom[node] === NOBODY || isRoot[graph.typeOf[node] as number]) continue;
    let place = best.length;
    while (place > 0 && (retained[best[place - 1] as Node] as number) < size) place--;
    best.splice(place, 0, node);
    if (best.length > limit) best.pop();
  }
  return best.map((node) => dominatorRow(analysis, node));
}
