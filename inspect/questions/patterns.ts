/**
 * How nodes are held, with indexes and keys left out: what is held in the same way has the same pattern, a number. So the
 * orders of a list are one thing to talk about.
 */
import {
  type Distances,
  EdgeKind,
  edgeKind,
  type Graph,
  NOBODY,
  type Node,
} from "../graph/graph.js";
import { ANY, joined, type Link, type Part, type Words } from "./words.js";

/** The pattern of the root; and of what no way leads to. */
const ROOT = 1;
const UNREACHED = 2;

/** What no way leads to, in words. */
const NOT_REACHED = "(not reachable)";

/** How a pattern goes on behind another one. */
interface Pattern {
  readonly above: number;
  readonly part: Part | undefined;
  /** The type whose attribute it is; -1 for others. */
  readonly type: number;
}

/** Kinds of edges whose value is a name, and thus part of the pattern. */
const hasName = [true, true, false, false, false, true, true, true];

export class Patterns {
  readonly #graph: Graph;
  readonly #words: Words;
  readonly #distances: Distances;
  /** By node; 0 where it is not known yet. */
  readonly #of: Uint32Array;
  readonly #patterns: Pattern[] = [];
  /** By what goes on behind a pattern, the pattern that comes of it: first by type and edge, then by the words. */
  readonly #next: Map<number, number>[] = [];
  readonly #nextByWords = new Map<string, number>();
  readonly #texts: string[] = [];

  constructor(graph: Graph, words: Words, distances: Distances) {
    this.#graph = graph;
    this.#words = words;
    this.#distances = distances;
    this.#of = new Uint32Array(graph.nodes);
    this.#of[0] = ROOT;
    const none: Pattern = { above: 0, part: undefined, type: -1 };
    for (let i = 0; i <= UNREACHED; i++) this.#add(none);
  }

  #add(pattern: Pattern): number {
    this.#next.push(new Map());
    return this.#patterns.push(pattern) - 1;
  }

  /** The pattern of a node's shortest way from the root. */
  of(node: Node): number {
    const { from } = this.#distances;
    const waiting: Node[] = [];
    let known = node;
    while (this.#of[known] === 0) {
      waiting.push(known);
      if (from[known] === NOBODY) break;
      known = from[known] as Node;
    }
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      this.#of[next] = from[next] === NOBODY ? UNREACHED : this.#find(next);
    }
    return this.#of[node] as number;
  }

  /** The pattern of a node whose holder's is known. */
  #find(node: Node): number {
    const { from, via } = this.#distances;
    const { names, typeOf } = this.#graph;
    const holder = from[node] as Node;
    const edge = via[node] as number;
    const above = this.#of[holder] as number;
    const name = names[edge] as number;
    const kind = edgeKind(name);
    const isNamedEntry = kind === EdgeKind.entry && this.#isOfNames(holder);
    const words = this.#words;
    if (!isNamedEntry && !words.isRoot(holder) && !this.#isNamedHolder(holder)) {
      // Nothing but the type, the edge and the pattern above make the words.
      const key = (hasName[kind] ? name : kind * 2 ** 28) * 2 ** 20 + (typeOf[holder] as number);
      const next = this.#next[above] as Map<number, number>;
      const known = next.get(key);
      if (known !== undefined) return known;
      const made = this.#make(above, { from: holder, edge });
      next.set(key, made);
      return made;
    }
    return this.#make(above, { from: holder, edge });
  }

  #isOfNames(dict: Node): boolean {
    return this.#words.moduleOf(dict) !== 0 || this.#words.isDict(this.#edgeTo(dict));
  }

  #edgeTo(node: Node): number {
    return this.#distances.via[node] as number;
  }

  /** Do the words for what a node holds say which node it is? */
  #isNamedHolder(node: Node): boolean {
    const { from } = this.#distances;
    const isClosure =
      from[node] !== NOBODY && this.#words.internal(this.#edgeTo(node)) === "__closure__";
    return isClosure || this.#words.isNamed(node);
  }

  #link(node: Node): Link[] {
    const { from, via } = this.#distances;
    return from[node] === NOBODY ? [] : [{ from: from[node] as Node, edge: via[node] as number }];
  }

  #make(holder: number, link: Link): number {
    const words = this.#words;
    const last = this.#link(link.from);
    const before = last[0] === undefined ? last : [...last, ...this.#link(last[0].from)];
    let above = holder;
    if (link.from === 0 || words.isInCell(link, before)) return above;
    const module = words.moduleOf(link.from);
    const silent = last[0] !== undefined && last[0].from !== 0 && words.isSilent(last[0], link);
    // What a module's dict holds is held by the module, whoever else has the dict.
    if (module !== 0 && edgeKind(this.#graph.names[link.edge] as number) === EdgeKind.entry) {
      above = this.#named(ROOT, { text: `module ${this.#graph.label(module)}`, glued: false }, -1);
      const { text } = words.part(link, before, false);
      return this.#named(above, { text: text.replace(/ of .*$/, ""), glued: false }, -1);
    }
    if (silent) above = this.#of[(last[0] as Link).from] as number;
    const part = words.part(link, before, false);
    const type = words.isRoot(link.from) || part.glued ? -1 : this.#typeOfPart(link, last[0]);
    return this.#named(above, part, type);
  }

  #typeOfPart({ from, edge }: Link, last: Link | undefined): number {
    const kind = edgeKind(this.#graph.names[edge] as number);
    const isNamed = kind === EdgeKind.entry && last !== undefined && this.#words.isDict(last.edge);
    const holder = isNamed ? last.from : from;
    if (this.#words.isNamed(holder)) return -1;
    const isAttribute = isNamed || kind === EdgeKind.attribute || kind === EdgeKind.internal;
    return isAttribute ? (this.#graph.typeOf[holder] as number) : -1;
  }

  /**
   * The pattern that goes on so. A chain or a tree of objects that hold each other has one: where an object of the same type,
   * or one that is called the same, stands above, the pattern goes on from there.
   */
  #named(holder: number, part: Part, type: number): number {
    let above = holder;
    if (part.text === ANY) {
      if (this.#ends(above, ANY) && this.#ends(this.#above(above), ANY)) return above;
    } else {
      for (let p = holder; p > UNREACHED; p = this.#above(p)) {
        const isSame = (type >= 0 && this.#patterns[p]?.type === type) || this.#ends(p, part.text);
        if (isSame) above = this.#above(p);
      }
    }
    const key = `${above} ${part.glued ? "+" : ">"} ${part.text}`;
    const known = this.#nextByWords.get(key);
    if (known !== undefined) return known;
    const made = this.#add({ above, part, type });
    this.#nextByWords.set(key, made);
    return made;
  }

  #above(pattern: number): number {
    return this.#patterns[pattern]?.above as number;
  }

  #ends(pattern: number, text: string): boolean {
    return this.#patterns[pattern]?.part?.text === text;
  }

  /** A pattern in words: `module app > global CACHE > [...]`. */
  text(pattern: number): string {
    const known = this.#texts[pattern];
    if (known !== undefined) return known;
    const made = this.#text(pattern);
    this.#texts[pattern] = made;
    return made;
  }

  #text(pattern: number): string {
    if (pattern === UNREACHED) return NOT_REACHED;
    const parts: Part[] = [];
    for (let p = pattern; p > UNREACHED; p = (this.#patterns[p] as Pattern).above) {
      parts.unshift(this.#patterns[p]?.part as Part);
    }
    return joined(parts);
  }
}
