/** Containers that take more than they need. */
import type { Address } from "../../base/base.js";
import type { Node } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";

/** Containers of a type with the same fault. */
export interface ContainerRow {
  /** `list`, `app.Orders`. */
  readonly type: string;
  /** `empty`, or `over-allocated`: at least a half more than what is in them needs. */
  readonly what: "empty" | "over-allocated";
  /** How many there are. */
  readonly count: number;
  /** Bytes that would be free without it: of empty ones all, else those beyond the need. */
  readonly wasted: number;
  /** Where the one is that wastes most. */
  readonly address: Address;
}

const containers = new Set(["list", "dict", "set", "bytearray"]);

/** Less than this is what growing in steps costs. */
const LEAST_SPARE = 64;

/** Empty and over-allocated containers by type, those first that waste most. */
export function containersOf({ graph, facts, words }: Analysis): ContainerRow[] {
  const { own, types, typeOf } = graph;
  const rows = new Map<string, { count: number; wasted: number; most: number; node: Node }>();
  const isObject = types.map(({ kind }) => kind === "object");
  for (let node = 1; node < graph.nodes; node++) {
    if (isObject[typeOf[node] as number] !== true) continue;
    const { kind, length, capacity } = facts.content(node);
    if (!containers.has(kind)) continue;
    const bytes = own[node] as number;
    const isOver = capacity >= LEAST_SPARE && 3 * capacity >= bytes;
    if (length !== 0 && !isOver) continue;
    const wasted = length === 0 ? bytes : capacity;
    const key = `${length === 0 ? "empty" : "over-allocated"} ${words.type(node)}`;
    const row = rows.get(key) ?? { count: 0, wasted: 0, most: -1, node };
    rows.set(key, row);
    row.count++;
    row.wasted += wasted;
    if (wasted > row.most) Object.assign(row, { most: wasted, node });
  }
  return [...rows]
    .map(([key, { count, wasted, node }]): ContainerRow => {
      const what = key.startsWith("empty") ? "empty" : "over-allocated";
      const address = graph.addresses[node] as number;
      return { type: words.type(node), what, count, wasted, address };
    })
    .sort((a, b) => b.wasted - a.wasted);
}
