/** What two snapshots of one memory differ in: by type, and by what holds it. */
import { conflict, show, typeError } from "../base/base.js";
import {
  type Amount,
  byMost,
  changeLine,
  type HolderChange,
  ranked,
  type TypeChange,
} from "./changes.js";
import { NOBODY, type Node } from "./graph/graph.js";
import { shortestPath } from "./questions/questions.js";
import { Snapshot } from "./snapshot.js";
import { type Survivors, survivorsOf } from "./survivors.js";
import { columns, signed, signedBytes } from "./text.js";

interface Counter {
  count: number;
  bytes: number;
}

/** The rows before they are sorted. */
interface Row {
  readonly new: Counter;
  readonly gone: Counter;
  readonly grown: Counter;
}

interface HolderCounters extends Row {
  readonly moved: Counter;
  readonly type: string;
  readonly path: string;
  readonly inside: Map<string, Counter>;
  example: Node;
}

function none(): Counter {
  return { count: 0, bytes: 0 };
}

function emptyRow(): Row {
  return { new: none(), gone: none(), grown: none() };
}

function total({ new: made, gone, grown }: Row, moved: Amount = none()): Amount {
  return {
    count: made.count - gone.count + moved.count,
    bytes: made.bytes - gone.bytes + grown.bytes + moved.bytes,
  };
}

function add(counter: Counter, count: number, bytes: number): void {
  counter.count += count;
  counter.bytes += bytes;
}

/** Finds or makes the entry of a key. */
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** Groups of objects that are held in the same way, by type and path. */
class Holders {
  readonly #rows = new Map<string, HolderCounters>();

  /** Finds groups for a snapshot's nodes; there are few texts, and many nodes. */
  in(snapshot: Snapshot): (node: Node) => HolderCounters {
    const { words, patterns } = snapshot.analysis;
    const known = new Map<number, HolderCounters>();
    return (node) => {
      const pattern = patterns.of(node);
      const type = snapshot.graph.typeOf[node] as number;
      return entry(known, pattern * 2 ** 20 + type, () => {
        const path = patterns.text(pattern);
        const name = words.typeName(type);
        return entry(this.#rows, `${name}\n${path}`, () => {
          return { ...emptyRow(), moved: none(), type: name, path, inside: new Map(), example: 0 };
        });
      });
    };
  }

  changes(after: Snapshot): HolderChange[] {
    const example = (node: Node) => (node === 0 ? undefined : shortestPath(after.analysis, node));
    const changes = [...this.#rows.values()]
      .map(({ inside, example: node, type, path, ...row }) => {
        const others = [...inside].map(([other, amount]) => ({ type: other, ...amount }));
        const kept = tellingTypes(others.sort(byMost));
        return { type, path, ...total(row, row.moved), ...row, with: kept, example: example(node) };
      })
      .filter(({ count, bytes }) => count !== 0 || bytes !== 0);
    return ranked(changes);
  }
}

/** So many types of what the new ones hold are told, and so many of them for being in a module: dict and str are everywhere. */
const MOST_INSIDE = 3;
const MOST_OF_MODULES = 2;

/** The types that say most of what objects hold, those first that take most. */
function tellingTypes<T extends { readonly type: string }>(sorted: readonly T[]): T[] {
  const ofModules = sorted.filter(({ type }) => type.includes(".")).slice(0, MOST_OF_MODULES);
  const others = sorted.filter((row) => !ofModules.includes(row));
  const told = [...ofModules, ...others].slice(0, MOST_INSIDE);
  return sorted.filter((row) => told.includes(row));
}

/**
 * For each of the chosen nodes, the upmost chosen one that dominates it without a break: what it belongs to. By node; NOBODY for
 * those that are not chosen.
 */
function topsOf({ analysis, graph }: Snapshot, chosen: Uint8Array): Uint32Array {
  const { order, idom } = analysis.dominators;
  const tops = new Uint32Array(graph.nodes).fill(NOBODY);
  for (let node = 1; node < graph.nodes; node++) if (chosen[node] === 1) tops[node] = node;
  for (const node of order) {
    const above = idom[node] as Node;
    if (chosen[node] === 1 && chosen[above] === 1) tops[node] = tops[above] as Node;
  }
  return tops;
}

/** What changed between two snapshots. */
export class Difference {
  /** By type, those first that grew most. */
  readonly types: readonly TypeChange[];
  /** By type and by what holds it, those first that grew most. */
  readonly holders: readonly HolderChange[];

  /** @internal */
  constructor(types: readonly TypeChange[], holders: readonly HolderChange[]) {
    this.types = types;
    this.holders = holders;
  }

  /** As text. The first line names what grew most, and by what it is held. @param rows so many of each kind */
  toString(rows = 20): string {
    const [most] = this.holders;
    if (most === undefined) return "nothing has changed\n";
    const first = most.bytes > 0 ? changeLine(most) : "nothing has grown";
    const holders = this.holders.slice(0, rows).map((row) => {
      return [row.type, signed(row.count), signedBytes(row.bytes), row.path];
    });
    const types = this.types.slice(0, rows).map((row) => {
      const [made, gone] = [row.new.count, row.gone.count];
      return [row.type, signed(row.count), signedBytes(row.bytes), `${made} new, ${gone} gone`];
    });
    return [first, "", ...columns(holders), "", "by type", ...columns(types), ""].join("\n");
  }

  /** The rows, as JSON has them. */
  toJSON(): { readonly types: readonly TypeChange[]; readonly holders: readonly HolderChange[] } {
    return { types: this.types, holders: this.holders };
  }
}

function typeChanges(before: Snapshot, after: Snapshot, survivors: Survivors): TypeChange[] {
  const rows = new Map<string, Row>();
  const { isNew, isGone, was } = survivors;
  const rowOf = ({ analysis }: Snapshot, node: Node) => {
    return entry(rows, analysis.words.type(node), emptyRow);
  };
  const then = before.graph.own;
  const now = after.graph.own;
  for (let node = 1; node < isGone.length; node++) {
    if (isGone[node] === 1) add(rowOf(before, node).gone, 1, then[node] as number);
  }
  for (let node = 1; node < isNew.length; node++) {
    if (isNew[node] === 1) add(rowOf(after, node).new, 1, now[node] as number);
    else if (was[node] !== 0) {
      const more = (now[node] as number) - (then[was[node] as Node] as number);
      if (more !== 0) add(rowOf(after, node).grown, 1, more);
    }
  }
  return [...rows].map(([type, row]) => ({ type, ...total(row), ...row })).sort(byMost);
}

/**
 * Adds to the new and the gone ones what is held in another way than before. Of those are many that are not the same: a new
 * object of the same type got the address of another one. By their holders both can be told, as far as types go that have new
 * objects at all.
 */
function withMoved(before: Snapshot, after: Snapshot, survivors: Survivors): Survivors {
  const { was } = survivors;
  const isNew = survivors.isNew.slice();
  const isGone = survivors.isGone.slice();
  const { typeOf, types } = after.graph;
  const hasNew = new Uint8Array(types.length);
  for (let node = 1; node < isNew.length; node++) {
    if (isNew[node] === 1) hasNew[typeOf[node] as number] = 1;
  }
  const then = before.analysis.patterns;
  const now = after.analysis.patterns;
  const holderThen = before.analysis.distances.from;
  const holderNow = after.analysis.distances.from;
  const isHeldAlike = (old: Node, node: Node): boolean => {
    // What has the same holder as before goes wherever that goes; it is nearly all.
    const holder = holderNow[node] as number;
    if (holder !== NOBODY && holder !== 0 && was[holder] === holderThen[old]) return true;
    return now.text(now.of(node)) === then.text(then.of(old));
  };
  for (let node = 1; node < isNew.length; node++) {
    const old = was[node] as Node;
    if (old === 0 || hasNew[typeOf[node] as number] === 0 || isHeldAlike(old, node)) continue;
    isNew[node] = 1;
    isGone[old] = 1;
  }
  return { isNew, isGone, was };
}

function holderChanges(before: Snapshot, after: Snapshot, survivors: Survivors): HolderChange[] {
  const holders = new Holders();
  const moved = withMoved(before, after, survivors);
  const groupThen = holders.in(before);
  const groupNow = holders.in(after);
  const topsThen = topsOf(before, moved.isGone);
  const topsNow = topsOf(after, moved.isNew);
  const then = before.graph.own;
  const now = after.graph.own;
  const { isNew, isGone, was } = survivors;
  const { words } = after.analysis;
  for (let node = 1; node < isGone.length; node++) {
    const top = topsThen[node] as Node;
    if (top === NOBODY) continue;
    const { gone, moved: away } = groupThen(top);
    const count = top === node ? 1 : 0;
    if (isGone[node] === 1) add(gone, count, then[node] as number);
    else add(away, -count, -(then[node] as number));
  }
  for (let node = 1; node < isNew.length; node++) {
    const top = topsNow[node] as Node;
    const bytes = now[node] as number;
    const isMade = isNew[node] === 1;
    if (top !== NOBODY) {
      const group = groupNow(top);
      add(isMade ? group.new : group.moved, top === node ? 1 : 0, bytes);
      group.example ||= top;
      if (isMade && top !== node) add(entry(group.inside, words.type(node), none), 1, bytes);
    }
    // What moved has its bytes there already.
    const more =
      was[node] === 0 || moved.isNew[node] === 1 ? 0 : bytes - (then[was[node] as Node] as number);
    if (more === 0) continue;
    const group = groupNow(node);
    add(group.grown, 1, more);
    group.example ||= node;
  }
  return holders.changes(after);
}

/**
 * What a memory has more and less in a later snapshot: by type, and by what holds it.
 *
 * Objects are the same in both where they have the same address, the same type and, as far as it never changes, the same content.
 *
 * @throws Error where both were taken in place, so that the earlier one reads what is there now
 */
export function diff(before: Snapshot, after: Snapshot): Difference {
  for (const [name, snapshot] of Object.entries({ before, after })) {
    if (snapshot instanceof Snapshot) continue;
    throw typeError(`diff: ${name} is ${show(snapshot)}, expected a snapshot`);
  }
  const { buffer, length } = before.image.u8;
  if (before !== after && length > 0 && buffer === after.image.u8.buffer) {
    const expected = "expected copies (copy: true, the default)";
    throw conflict(`diff: both snapshots were taken in place of one memory, ${expected}`);
  }
  const survivors = survivorsOf(before, after);
  return new Difference(
    typeChanges(before, after, survivors),
    holderChanges(before, after, survivors),
  );
}
