/** What a piece of code leaves behind each time that it runs. */
import { rangeError, requireOptions, show, typeError } from "../base/base.js";
import { type Amount, byMost, changeLine, type HolderChange, ranked } from "./changes.js";
import { type Difference, diff } from "./diff.js";
import type { Inspected } from "./memory/memory.js";
import { type Snapshot, takeSnapshot } from "./snapshot.js";

/** What `watch` takes; every option may be left out. */
export interface WatchOptions {
  /** How often the work runs, after one run to warm up. Default: 5. */
  readonly times?: number | undefined;
}

/** Objects that become more with each run. */
export interface GrowthRow extends Amount {
  /** `dict`, `app.Order`. */
  readonly type: string;
  /** How they are held: `module app > global CACHE > [...]`. */
  readonly path: string;
  /** What else they keep alive. */
  readonly with: HolderChange["with"];
  /** The way to one of them. */
  readonly example: HolderChange["example"];
}

/** What grew while a piece of code ran several times. */
export class Growth {
  /** How often it ran, without the first time. */
  readonly times: number;
  /** What became more by at least one each time, those first that take most. Empty where nothing leaks. */
  readonly rows: readonly GrowthRow[];

  /** @internal */
  constructor(times: number, rows: readonly GrowthRow[]) {
    this.times = times;
    this.rows = rows;
  }

  /** As text; the first line names what grew most, and by what it is held. */
  toString(): string {
    const { rows, times } = this;
    if (rows.length === 0) return `nothing grows in ${times} runs\n`;
    const lines = rows.slice(0, MOST_ROWS).map((row) => `${changeLine(row)}, in ${times} runs`);
    const more = rows.length > MOST_ROWS ? [`... and ${rows.length - MOST_ROWS} more`] : [];
    return [...lines, ...more, ""].join("\n");
  }

  /** The runs and the rows, as JSON has them. */
  toJSON(): { readonly times: number; readonly rows: readonly GrowthRow[] } {
    return { times: this.times, rows: this.rows };
  }
}

/** So many rows are written. */
const MOST_ROWS = 10;

/** An object that grows by so much in a run keeps more each time; what has room to spare grows now and then. */
const LEAST_BYTES = 8;

/** What only this holds is no leak: it has a place for 4,096 names, which fill by and by. */
const BOUNDED = "cache of methods";

/** What runs Python's collector: what waits for it is no leak. */
interface Runs {
  runPython(code: string): unknown;
}

function collect(target: Inspected): void {
  if (!("runPython" in target)) return;
  const python = target as unknown as Runs;
  // What a first collection frees may leave more behind for a second one.
  python.runPython("__import__('gc').collect() + __import__('gc').collect()");
}

function look(target: Inspected): Snapshot {
  collect(target);
  return takeSnapshot(target);
}

function keyOf({ type, path }: HolderChange): string {
  return `${type}\n${path}`;
}

/** What objects hold, of all parts together, the types that take most first. */
function summed(parts: HolderChange["with"]): HolderChange["with"] {
  const sums = new Map<string, Amount>();
  for (const { type, count, bytes } of parts) {
    const before = sums.get(type) ?? { count: 0, bytes: 0 };
    sums.set(type, { count: before.count + count, bytes: before.bytes + bytes });
  }
  return [...sums].map(([type, amount]) => ({ type, ...amount })).sort(byMost);
}

/**
 * What grew in each part of the runs, by at least one a run: so a cache that fills once, whenever it does, is no leak.
 *
 * @param parts the differences, one after the other, and how many runs each has
 */
export function growthOf(parts: readonly { readonly change: Difference; readonly runs: number }[]) {
  const rows = parts.map(({ change }) => new Map(change.holders.map((row) => [keyOf(row), row])));
  const grows = (row: HolderChange | undefined, runs: number): row is HolderChange => {
    if (row === undefined) return false;
    // What takes no more bytes fills no memory, whoever holds it now.
    return row.bytes > 0 && (row.count >= runs || row.grown.bytes >= LEAST_BYTES * runs);
  };
  const found: GrowthRow[] = [];
  for (const last of rows.at(-1)?.values() ?? []) {
    if (last.path === BOUNDED) continue;
    const all = rows.map((part) => part.get(keyOf(last)));
    if (!all.every((row, i) => grows(row, parts[i]?.runs ?? 1))) continue;
    const count = all.reduce((sum, row) => sum + (row?.count ?? 0), 0);
    const bytes = all.reduce((sum, row) => sum + (row?.bytes ?? 0), 0);
    const { type, path, example } = last;
    const kept = summed(all.flatMap((row) => row?.with ?? []));
    found.push({ type, path, count, bytes, with: kept, example });
  }
  const times = parts.reduce((sum, { runs }) => sum + runs, 0);
  return new Growth(times, ranked(found));
}

function readTimes(options: WatchOptions, where: string): number {
  requireOptions(options, ["times"], where);
  const { times = 5 } = options;
  if (Number.isInteger(times) && times >= 1) return times;
  throw rangeError(`${where}: times is ${show(times)}, expected a whole number from 1 on`);
}

/**
 * Runs a piece of code once to warm up, then several times, and says what becomes more by at least one each time: of which type,
 * and by what it is held. In an interpreter Python's collector runs before each look. What has to become more in the first half of
 * the runs and in the second one: a cache that fills once is no leak.
 *
 * @param target the interpreter or the heap whose memory is looked at
 * @param work may return a promise, which is waited for
 */
export async function watch(
  target: Inspected,
  work: () => unknown,
  options: WatchOptions = {},
): Promise<Growth> {
  return await watched("watch", target, work, options);
}

async function watched(
  where: string,
  target: Inspected,
  work: () => unknown,
  options: WatchOptions,
): Promise<Growth> {
  const times = readTimes(options, where);
  if (typeof work !== "function") {
    throw typeError(`${where}: work is ${show(work)}, expected a function`);
  }
  const half = times >> 1;
  await work();
  let before = look(target);
  const parts: { readonly change: Difference; readonly runs: number }[] = [];
  for (const runs of half > 0 ? [half, times - half] : [times]) {
    for (let run = 0; run < runs; run++) await work();
    const after = look(target);
    parts.push({ change: diff(before, after), runs });
    before = after;
  }
  return growthOf(parts);
}

/**
 * For tests: passes where nothing becomes more when a piece of code runs again and again. See {@link watch}.
 *
 * @throws Error whose message says what grows, and what holds it
 */
export async function expectNoLeak(
  target: Inspected,
  work: () => unknown,
  options: WatchOptions = {},
): Promise<void> {
  const growth = await watched("expectNoLeak", target, work, options);
  if (growth.rows.length > 0) throw new Error(growth.toString().trimEnd());
}
