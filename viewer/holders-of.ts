import type { Node, Snapshot } from "../inspect/inspect.js";
import type { HolderRow } from "./report.js";

/** What holds some nodes, by the way that leads there. */
export interface Holders {
  /** The ways that hold most. */
  readonly rows: readonly HolderRow[];
  /** How many ways were left out. */
  readonly left: number;
}

/**
 * What nodes are held by, those ways first that hold most: as `snapshot.holders`, for nodes that were found already, and without an
 * example of each of what may be ten thousand ways.
 */
export function holdersOf(snapshot: Snapshot, nodes: readonly Node[], most: number): Holders {
  const { graph, patterns } = snapshot.analysis;
  const groups = new Map<number, { count: number; bytes: number }>();
  for (const node of nodes) {
    const pattern = patterns.of(node);
    const group = groups.get(pattern) ?? { count: 0, bytes: 0 };
    groups.set(pattern, group);
    group.count++;
    group.bytes += graph.own[node] as number;
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.count - a.count || b.bytes - a.bytes);
  const rows = sorted.slice(0, most).map(([pattern, { count, bytes }]) => ({
    path: patterns.text(pattern),
    count,
    bytes,
  }));
  return { rows, left: sorted.length - rows.length };
}
