/** The rows of a difference, and which of them says most. */
import type { Path } from "./questions/questions.js";
import { signed, signedBytes } from "./text.js";

/** How many objects, and their bytes. */
export interface Amount {
  /** Objects; of a change those that came, less those that went. */
  readonly count: number;
  /** Bytes, counted alike. */
  readonly bytes: number;
}

/** What changed of a type, in bytes of the objects alone. */
export interface TypeChange extends Amount {
  /** `dict`, `app.Order`. */
  readonly type: string;
  /** What is in the later one alone. */
  readonly new: Amount;
  /** What was in the earlier one alone. */
  readonly gone: Amount;
  /** Objects that are still there with more bytes or fewer. */
  readonly grown: Amount;
}

/**
 * What changed of the objects of a type that are held in the same way. What is held by new objects alone is counted to these: so
 * a new order has the bytes of its list and its texts.
 */
export interface HolderChange extends Amount {
  /** `dict`, `app.Order`. */
  readonly type: string;
  /** How they are held, with `[...]` for indexes and keys: `module app > global CACHE > [...]`. */
  readonly path: string;
  /** What is in the later one alone. */
  readonly new: Amount;
  /** What was in the earlier one alone. */
  readonly gone: Amount;
  /** Objects that are still there with more bytes or fewer. */
  readonly grown: Amount;
  /** Objects that were held in another way before, less those that are now. */
  readonly moved: Amount;
  /** What else the new ones keep alive, the types that take most first. */
  readonly with: readonly (Amount & { readonly type: string })[];
  /** The way to one of the new ones, or of those that have grown; undefined where none are. */
  readonly example: Path | undefined;
}

/** Those first that take most; types that take as much by their names, wherever their objects lie. */
export function byMost(a: HolderChange["with"][number], b: HolderChange["with"][number]): number {
  const byName = Number(a.type > b.type) - Number(a.type < b.type);
  return b.bytes - a.bytes || b.count - a.count || byName;
}

/** What rows are sorted by. */
interface Ranked extends Amount {
  readonly type: string;
  readonly path: string;
  readonly moved?: Amount;
}

/** So many rows are looked at for what belongs together. */
const MOST_RANKED = 200;

/**
 * Rows by their bytes; where objects have become more, what is held by them counts as theirs: so a function stands before its
 * code, though that may be held by others too. A row is worth no more than its type has grown in all: what only has another
 * holder now is no growth.
 */
export function ranked<R extends Ranked>(rows: readonly R[]): R[] {
  const sorted = [...rows].sort(byMost);
  const byType = new Map<string, number>();
  for (const { type, bytes } of rows) byType.set(type, (byType.get(type) ?? 0) + bytes);
  const worth = (row: R): number => Math.min(row.bytes, Math.max(byType.get(row.type) ?? 0, 0));
  const first = sorted.slice(0, MOST_RANKED);
  const sizes = new Map(
    first.map((row) => {
      const inner =
        row.count <= 0 ? [] : first.filter(({ path }) => path.startsWith(`${row.path} > `));
      return [row, inner.reduce((sum, other) => sum + Math.max(worth(other), 0), worth(row))];
    }),
  );
  const size = (row: R): number => sizes.get(row) ?? worth(row);
  const made = ({ bytes, moved }: R): number => bytes - (moved?.bytes ?? 0);
  return [
    ...first.sort((a, b) => size(b) - size(a) || made(b) - made(a) || byMost(a, b)),
    ...sorted.slice(MOST_RANKED),
  ];
}

/** A change in one line: `app.Order +3,000 (+455.3 kB, with 3,000 list, 3,000 str), held by module app > global CACHE > [...]`. */
export function changeLine(
  change: Pick<HolderChange, keyof Amount | "type" | "path" | "with">,
): string {
  const { type, count, bytes, with: kept, path } = change;
  const inside = kept.map(({ type: other, count: n }) => `${n.toLocaleString("en-US")} ${other}`);
  const size = [signedBytes(bytes), ...(inside.length > 0 ? [`with ${inside.join(", ")}`] : [])];
  const name = count === 0 ? type : `${type} ${signed(count)}`;
  return `${name} (${size.join(", ")}), held by ${path}`;
}
