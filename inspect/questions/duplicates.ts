/** Equal values that are there more than once. */
import type { Address } from "../../base/base.js";
import type { ContentKind, Node } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";

/** Equal objects. */
export interface DuplicateRow {
  /** `str`, `tuple`. */
  readonly type: string;
  /** The value, or its beginning. */
  readonly label: string;
  /** How many there are of it; one of them is no waste. */
  readonly count: number;
  /** Bytes of all but one. */
  readonly wasted: number;
  /** Where one of them is. */
  readonly address: Address;
}

/** What never changes, so that one of it would do. */
const unchanging = new Set<ContentKind>(["str", "bytes", "int", "float", "tuple"]);

/** The values that waste most by being there more than once. */
export function duplicatesOf({ graph, facts, words }: Analysis, limit: number): DuplicateRow[] {
  const { own, typeOf, types } = graph;
  const candidates = new Uint32Array(graph.nodes);
  const hashes = new Uint32Array(graph.nodes);
  let count = 0;
  const isObject = types.map(({ kind }) => kind === "object");
  for (let node = 1; node < graph.nodes; node++) {
    if (isObject[typeOf[node] as number] !== true) continue;
    const { kind, hash } = facts.content(node);
    if (!unchanging.has(kind)) continue;
    candidates[count++] = node;
    hashes[node] = hash;
  }
  const sorted = candidates
    .subarray(0, count)
    .sort((a, b) => (hashes[a] as number) - (hashes[b] as number));
  const rows: { readonly node: Node; readonly count: number; readonly wasted: number }[] = [];
  for (let from = 0; from < count; ) {
    const hash = hashes[sorted[from] as Node];
    let to = from + 1;
    while (to < count && hashes[sorted[to] as Node] === hash) to++;
    if (to > from + 1) rows.push(...groups(sorted.subarray(from, to)));
    from = to;
  }

  /** The equal ones among those that have the same hash: one or two different values, hardly ever more. */
  function groups(nodes: Uint32Array) {
    const found: { node: Node; count: number; wasted: number }[] = [];
    for (const node of nodes) {
      const equal = found
        .slice(0, MOST_VALUES)
        .find((other) => typeOf[other.node] === typeOf[node] && facts.equal(other.node, node));
      if (equal === undefined) found.push({ node, count: 1, wasted: 0 });
      else {
        equal.count++;
        equal.wasted += own[node] as number;
      }
    }
    return found.filter((group) => group.wasted > 0);
  }

  return rows
    .sort((a, b) => b.wasted - a.wasted)
    .slice(0, limit)
    .map(({ node, count, wasted }) => {
      const address = graph.addresses[node] as number;
      return { type: words.type(node), label: graph.label(node), count, wasted, address };
    });
}

/** Of values that differ but have the same hash, whoever made them so, only so many are told apart. */
const MOST_VALUES = 16;
