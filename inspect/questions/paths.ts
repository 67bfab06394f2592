/** Who holds an object: the shortest ways from the root to it. */
import type { Address } from "../../base/base.js";
import { type Edge, NOBODY, type Node, sourceOf } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";
import { joined, type Link, type Part } from "./words.js";

/** One reference of a path, and whom it leads to. */
export interface Step {
  /** Whom it leads to. */
  readonly node: Node;
  /** Where that lies; 0 for a group of roots. */
  readonly address: Address;
  /** Its type: `dict`, `app.Order`. */
  readonly type: string;
  /** The reference in words; empty where the next one says it. */
  readonly text: string;
}

/** A way from the root to an object. */
export class Path {
  /** From the group of roots to the object itself. */
  readonly steps: readonly Step[];
  /** The way without its end: `module app > global CACHE > ['x']`. */
  readonly holder: string;
  readonly #text: string;

  /** @internal */
  constructor(steps: readonly Step[], holder: string, text: string) {
    this.steps = steps;
    this.holder = holder;
    this.#text = text;
  }

  /** `module app > global CACHE > ['x'] > Order`. */
  toString(): string {
    return this.#text;
  }

  /** The way as a text, and its steps. */
  toJSON(): { readonly text: string; readonly steps: readonly Step[] } {
    return { text: this.#text, steps: this.steps };
  }
}

/** A way in words, as parts; and the words of each of its steps. */
function partsOf({ words }: Analysis, links: readonly Link[], exact: boolean) {
  const parts: Part[] = [];
  const texts = links.map((link, i) => {
    const before = [links[i - 1], links[i - 2]].filter((last) => last !== undefined);
    if (words.isSilent(link, links[i + 1]) || words.isInCell(link, before)) return "";
    const part = words.part(link, before, exact);
    parts.push(part);
    return part.text;
  });
  return { parts, texts };
}

/** The path of references that follow each other. */
function pathOf(analysis: Analysis, links: readonly Link[]): Path {
  const { graph, words } = analysis;
  const { parts, texts } = partsOf(analysis, links, true);
  const steps = links.map(({ edge }, i): Step => {
    const node = graph.to[edge] as Node;
    const address = graph.addresses[node] as number;
    return { node, address, type: words.type(node), text: texts[i] as string };
  });
  const end = steps.at(-1)?.node ?? 0;
  const holder = joined(parts);
  if (!words.isRoot(end)) parts.push({ text: words.what(end), glued: false });
  return new Path(steps, holder, joined(parts));
}

/** The shortest way to a node; undefined where none leads to it. */
export function shortestPath(analysis: Analysis, node: Node): Path | undefined {
  const { from, via } = analysis.distances;
  const links: Link[] = [];
  for (let n = node; n !== 0; n = from[n] as Node) {
    if (n === NOBODY || from[n] === NOBODY || from[n] === undefined) return undefined;
    links.unshift({ from: from[n] as Node, edge: via[n] as Edge });
  }
  return pathOf(analysis, links);
}

/** The end of a way: it begins at this node, and goes on as `next` says. */
interface Tail {
  readonly node: Node;
  readonly edge: Edge;
  readonly next: Tail | undefined;
  readonly length: number;
  /** The length of the shortest way that ends so. */
  readonly total: number;
}

/** So many ends of ways are looked at, and so many holders of one node. */
const MOST_TAILS = 50_000;
const MOST_HOLDERS = 1_000;

/** Tails by their total; those of the same total in the order in which they came. */
class Waiting {
  readonly #rows: Tail[][] = [];
  #least = 0;

  push(tail: Tail): void {
    let row = this.#rows[tail.total];
    if (row === undefined) {
      row = [];
      this.#rows[tail.total] = row;
    }
    row.push(tail);
    this.#least = Math.min(this.#least, tail.total);
  }

  /** Takes one of the shortest. */
  pop(): Tail | undefined {
    for (; this.#least < this.#rows.length; this.#least++) {
      const tail = this.#rows[this.#least]?.pop();
      if (tail !== undefined) return tail;
    }
    return undefined;
  }
}

function linksOf(tail: Tail | undefined): Link[] {
  const links: Link[] = [];
  for (let t = tail; t?.next !== undefined; t = t.next) links.push({ from: t.node, edge: t.edge });
  return links;
}

function isOn(tail: Tail | undefined, node: Node): boolean {
  for (let t = tail; t !== undefined; t = t.next) if (t.node === node) return true;
  return false;
}

/**
 * The ways from the root to a node, shortest first, without weak references. Ways that differ only in indexes and keys are one:
 * a list that holds an object a thousand times is one holder.
 *
 * Ends of ways are followed backwards, those first that the distance from the root says are shortest. There are as many ways as
 * stars in the sky, so after 50,000 ends the search is over, with the ways that it has found.
 */
export function pathsTo(analysis: Analysis, node: Node, limit = 5): Path[] {
  const { graph, words, holders, distances } = analysis;
  const { distance, via } = distances;
  if (limit === 0 || (distance[node] ?? NOBODY) === NOBODY) return [];
  const found = new Map<string, Path>();
  const waiting = new Waiting();
  const begin = { node, edge: 0, next: undefined, length: 0, total: distance[node] as number };
  waiting.push(begin);
  let tails = 1;
  for (let tail = waiting.pop(); tail !== undefined; tail = waiting.pop()) {
    if (tail.node === 0) {
      const links = linksOf(tail);
      const pattern = joined(partsOf(analysis, links, false).parts);
      if (!found.has(pattern)) found.set(pattern, pathOf(analysis, links));
      if (found.size >= limit) break;
      continue;
    }
    const from = tail;
    const first = holders.first[tail.node] as number;
    const end = Math.min(holders.first[tail.node + 1] as number, first + MOST_HOLDERS);
    // The shortest way's edge comes last, so that it is taken first.
    const best = via[tail.node] as Edge;
    let source = -1;
    function follow(edge: Edge): void {
      const holder = sourceOf(graph, edge);
      const isAgain = holder === source && edge !== best;
      source = holder;
      const there = distance[holder] as number;
      if (isAgain || there === NOBODY || tails >= MOST_TAILS || isOn(from, holder)) return;
      tails++;
      const length = from.length + 1;
      waiting.push({ node: holder, edge, next: from, length, total: length + there });
    }
    // Whoever else has a module, or its dict, is not the one who holds what is in it.
    const isModule = words.isModule(tail.node);
    for (let i = first; i < end && !isModule; i++) {
      if (holders.edges[i] !== best) follow(holders.edges[i] as Edge);
    }
    follow(best);
  }
  return [...found.values()];
}
