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
  const { analysis } = snapshot;
  const groups = analysis.heldAlike(nodes);
  const rows = groups.slice(0, most).map(({ pattern, count, bytes }) => {
    return { path: analysis.patterns.text(pattern), count, bytes };
  });
  return { rows, left: groups.length - rows.length };
}
