/** What a heap consists of, by type. */
import { NOBODY, type TypeKind, typeText } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";

/** One type of objects, or of memory. */
export interface TypeRow {
  /** `dict`, `app.Order`. */
  readonly type: string;
  /** What its nodes are. */
  readonly kind: TypeKind;
  /** How many there are. */
  readonly count: number;
  /** Bytes of the objects, with the blocks that belong to them alone. */
  readonly own: number;
  /** Bytes that would be free without these objects: of those that keep each other alive each byte is counted once. */
  readonly retained: number;
}

/** All types, those first that retain most. Roots are left out. */
export function typesOf(analysis: Analysis): TypeRow[] {
  const { types, nodes, typeOf, own } = analysis.graph;
  const counts = new Uint32Array(types.length);
  const owns = new Float64Array(types.length);
  for (let node = 0; node < nodes; node++) {
    const type = typeOf[node] as number;
    counts[type] = (counts[type] as number) + 1;
    owns[type] = (owns[type] as number) + (own[node] as number);
  }
  const retained = retainedByType(analysis);
  return types
    .map((type, i): TypeRow => {
      const [count = 0, bytes = 0, kept = 0] = [counts[i], owns[i], retained[i]];
      return { type: typeText(type), kind: type.kind, count, own: bytes, retained: kept };
    })
    .filter(({ kind, count }) => kind !== "root" && count > 0)
    .sort((a, b) => b.retained - a.retained || b.own - a.own);
}

/**
 * What the objects of each type retain together. In the tree of dominators only the upmost ones of a type count, since what is
 * below them is in their sizes.
 */
function retainedByType({ graph, dominators, tree }: Analysis): Float64Array {
  const { types, nodes, typeOf } = graph;
  const { first, children } = tree;
  const sizes = new Float64Array(types.length);
  const count = (node: number) => {
    const type = typeOf[node] as number;
    sizes[type] = (sizes[type] as number) + (dominators.retained[node] as number);
  };
  for (let node = 0; node < nodes; node++) if (dominators.idom[node] === NOBODY) count(node);
  // How many of each type are on the way from the root to here.
  const open = new Uint32Array(types.length);
  const cursor = first.slice(0, nodes);
  let node = 0;
  open[typeOf[0] as number] = 1;
  count(0);
  for (;;) {
    const at = cursor[node] as number;
    if (at < (first[node + 1] as number)) {
      cursor[node] = at + 1;
      node = children[at] as number;
      const type = typeOf[node] as number;
      if (open[type] === 0) count(node);
      open[type] = (open[type] as number) + 1;
    } else {
      const type = typeOf[node] as number;
      open[type] = (open[type] as number) - 1;
      if (node === 0) return sizes;
      node = dominators.idom[node] as number;
    }
  }
}
