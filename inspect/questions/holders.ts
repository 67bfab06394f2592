/** What the objects of a type are held by. */
import type { Analysis } from "./analysis.js";
import { findNodes } from "./find.js";
import { type Path, shortestPath } from "./paths.js";

/** Objects of a type that are held in the same way. */
export interface HolderRow {
  /** How they are held, with `[...]` for indexes and keys: `module app > global CACHE > [...]`. */
  readonly path: string;
  /** How many objects. */
  readonly count: number;
  /** The bytes of these objects alone. */
  readonly bytes: number;
  /** The shortest way to one of them; undefined where no way leads to them. */
  readonly example: Path | undefined;
}

/** What a query's objects (see `findNodes`) are held by, those first that are most. */
export function holdersOfType(analysis: Analysis, query: string): HolderRow[] {
  return analysis.heldAlike(findNodes(analysis, query)).map(({ pattern, count, bytes, first }) => {
    const path = analysis.patterns.text(pattern);
    return { path, count, bytes, example: shortestPath(analysis, first) };
  });
}
