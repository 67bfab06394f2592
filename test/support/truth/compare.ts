/** A graph beside what Python says of the same objects: what is missing, what is too much, by type. */
import {
  EdgeKind,
  edgeKind,
  edgeValue,
  type Graph,
  holds,
  IMMORTAL,
  type Node,
} from "../../../inspect/graph/graph.js";
import { MANY, type Truth } from "./witness.js";

/** How the objects of one type fare. Numbers of objects, if nothing else is said. */
export interface TypeResult {
  readonly type: string;
  /** As Python knows them. */
  objects: number;
  /** Those that the graph has not, or has as something else. */
  unknown: number;
  /** Those that only the graph has: code, types of C, C's memory or a root holds them, which tell Python nothing of it. */
  hidden: number;
  /** Those that only the graph has, and nobody knows why. */
  invented: number;
  /** Those of the graph's that hold all that Python says, as often as it says. */
  complete: number;
  /** Those of the graph's that hold something that Python does not say. */
  more: number;
  /** Those with a reference that was guessed. */
  guessed: number;
  /** References, as Python knows them, and those of them that the graph has. */
  references: number;
  referencesFound: number;
  /** Those that can be counted, and those that as many references to them were found as they count. */
  countable: number;
  counted: number;
  /** Sums of `sys.getsizeof`, and of own bytes with the memory of C's that an object alone holds; of objects in blocks. */
  bytes: number;
  own: number;
  /** Those whose own bytes are fewer than `sys.getsizeof` says. */
  smaller: number;
  /** What went wrong at first, to look at: "0x1234 misses ...". */
  readonly examples: string[];
}

const MOST_EXAMPLES = 3;
/** Memory of C's between an object and what it holds: so deep at most. */
const MOST_DEPTH = 4;

export class Comparison {
  readonly #graph: Graph;
  readonly #truth: Truth;
  readonly #nodes = new Map<number, Node>();
  readonly #found: Uint32Array;
  readonly #ofRoots: Uint32Array;
  readonly types = new Map<string, TypeResult>();

  constructor(graph: Graph, truth: Truth) {
    this.#graph = graph;
    this.#truth = truth;
    for (let node = 1; node < graph.nodes; node++) {
      const address = graph.addresses[node] as number;
      if (address !== 0) this.#nodes.set(address, node);
    }
    const { found, ofRoots } = this.#countReferences();
    this.#found = found;
    this.#ofRoots = ofRoots;
    const known = new Set<Node>();
    for (let object = 0; object < truth.objects; object++) known.add(this.#compare(object));
    const hidden = this.#hidden(known);
    for (let node = 1; node < graph.nodes; node++) {
      if (this.#kind(node) !== "object" || known.has(node)) continue;
      const row = this.#row(this.#typeOf(node));
      if (hidden.has(node)) {
        row.hidden++;
        continue;
      }
      row.invented++;
      note(row, "invented", () => `${this.#hex(node)}, ${this.#holders(node)}`);
    }
  }

  /** The sums over all types that a test is true of. */
  sum(of: (row: TypeResult) => boolean = () => true): TypeResult {
    const total = newRow("all");
    for (const row of this.types.values()) {
      if (!of(row)) continue;
      for (const key of Object.keys(total) as (keyof TypeResult)[]) {
        if (key !== "type" && key !== "examples") (total[key] as number) += row[key] as number;
      }
    }
    return total;
  }

  #row(type: string): TypeResult {
    const row = this.types.get(type) ?? newRow(type);
    this.types.set(type, row);
    return row;
  }

  #kind(node: Node): string {
    return this.#graph.types[this.#graph.typeOf[node] as number]?.kind ?? "";
  }

  #typeOf(node: Node): string {
    const type = this.#graph.types[this.#graph.typeOf[node] as number];
    return type === undefined ? "" : [type.module, type.name].filter((name) => name).join(".");
  }

  /** References to each node, of all that has memory, and of roots. */
  #countReferences(): { readonly found: Uint32Array; readonly ofRoots: Uint32Array } {
    const { nodes } = this.#graph;
    const found = new Uint32Array(nodes);
    const ofRoots = new Uint32Array(nodes);
    for (let node = 1; node < nodes; node++) {
      const into = this.#kind(node) === "root" ? ofRoots : found;
      for (const { to } of this.#holding(node)) (into[to] as number)++;
    }
    return { found, ofRoots };
  }

  /** What is held, at whatever depth, by those that Python can't ask, and is not known to it. */
  #hidden(known: ReadonlySet<Node>): Set<Node> {
    const hidden = new Set<Node>();
    const look: Node[] = [];
    for (let node = 0; node < this.#graph.nodes; node++) {
      if (this.#kind(node) !== "object" || this.#typeOf(node) === "builtins.code") look.push(node);
    }
    for (let node = look.pop(); node !== undefined; node = look.pop()) {
      for (const { to } of this.#holding(node)) {
        if (known.has(to) || hidden.has(to) || this.#kind(to) !== "object") continue;
        hidden.add(to);
        look.push(to);
      }
    }
    return hidden;
  }

  /** The edges of a node that hold. */
  *#holding(node: Node): Generator<{ readonly to: Node; readonly name: number }> {
    const { first, to, names } = this.#graph;
    for (let edge = first[node] as number; edge < (first[node + 1] as number); edge++) {
      const name = names[edge] as number;
      if (holds(name)) yield { to: to[edge] as number, name };
    }
  }

  /** The bytes of C's memory that a node alone holds. */
  #bytesBehind(node: Node, depth = 0): number {
    let bytes = 0;
    for (const { to } of this.#holding(node)) {
      if (this.#kind(to) !== "memory" || this.#found[to] !== 1) continue;
      bytes += this.#graph.own[to] as number;
      if (depth < MOST_DEPTH) bytes += this.#bytesBehind(to, depth + 1);
    }
    return bytes;
  }

  #weaklyHeld(node: Node): Set<number> {
    const { first, to, names, addresses } = this.#graph;
    const found = new Set<number>();
    for (let edge = first[node] as number; edge < (first[node + 1] as number); edge++) {
      if (!holds(names[edge] as number)) found.add(addresses[to[edge] as number] as number);
    }
    return found;
  }

  /** The addresses of the objects that a node holds, also through memory that is C's. */
  #held(node: Node, into: number[] = [], depth = 0): number[] {
    for (const { to } of this.#holding(node)) {
      if (this.#kind(to) !== "memory") into.push(this.#graph.addresses[to] as number);
      else if (depth < MOST_DEPTH) this.#held(to, into, depth + 1);
    }
    return into;
  }

  /** An instance's dictionary: while the instance has the values, the collector is not told of it. */
  #managedDict(node: Node): number[] {
    const { texts, addresses } = this.#graph;
    return [...this.#holding(node)]
      .filter(
        ({ name }) => edgeKind(name) === EdgeKind.internal && texts[edgeValue(name)] === "__dict__",
      )
      .map(({ to }) => addresses[to] as number);
  }

  #isGuessed(node: Node): boolean {
    const { first, names } = this.#graph;
    const own = names.subarray(first[node] as number, first[node + 1] as number);
    return own.some((name) => edgeKind(name) === EdgeKind.guess);
  }

  /** Compares an object; its node, 0 where the graph has none. */
  #compare(object: number): Node {
    const truth = this.#truth;
    const address = truth.address[object] as number;
    const type = truth.typeName(truth.type[object] as number);
    const node = this.#nodes.get(address) ?? 0;
    const row = this.#row(type);
    row.objects++;
    if (node === 0 || this.#typeOf(node) !== type) {
      row.unknown++;
      const is = node === 0 ? "no node" : `a ${this.#kind(node)} ${this.#typeOf(node)}`;
      note(row, "unknown", () => `0x${address.toString(16)} is ${is}`);
      return 0;
    }

    const left = new Map<number, number>();
    for (const held of this.#held(node)) left.set(held, (left.get(held) ?? 0) + 1);
    // A frame tells the collector also of what it does not count, and so does the dict of interned strings.
    const weak = this.#weaklyHeld(node);
    const take = (held: number): boolean => {
      const times = left.get(held) ?? 0;
      left.set(held, times - 1);
      return times > 0 || weak.has(held);
    };
    const referents = truth.referents(object);
    const missing = [...referents].filter((held) => !take(held));
    row.references += referents.length;
    row.referencesFound += referents.length - missing.length;
    if (missing.length === 0) row.complete++;
    else note(row, "incomplete", () => `${this.#hex(node)} lacks ${this.#describe(missing)}`);
    for (const held of truth.unseen(object)) take(held);
    for (const dict of this.#managedDict(node)) take(dict);
    if (this.#isGuessed(node)) row.guessed++;
    const more = [...left].filter(([, times]) => times > 0).map(([held]) => held);
    if (more.length > 0) {
      row.more++;
      note(row, "more", () => `${this.#hex(node)} has also ${this.#describe(more)}`);
    }

    const count = this.#graph.counts[node] as number;
    if (count !== IMMORTAL && (truth.count[object] as number) < MANY) {
      row.countable++;
      const found = this.#found[node] as number;
      // Not each root counts: a module is in sys.modules and a root by its name.
      if (found <= count && count <= found + (this.#ofRoots[node] as number)) row.counted++;
      else note(row, "counted", () => `${this.#hex(node)} counts ${count}, ${this.#holders(node)}`);
    }

    if (this.#kind(node) === "static") return node; // in no block, so without bytes of its own
    const bytes = truth.bytes[object] as number;
    const own = (this.#graph.own[node] as number) + this.#bytesBehind(node);
    row.bytes += bytes;
    row.own += own;
    if (own < bytes) {
      row.smaller++;
      note(row, "smaller", () => `${this.#hex(node)} has ${own} bytes, Python says ${bytes}`);
    }
    return node;
  }

  #describe(addresses: readonly number[]): string {
    return addresses
      .slice(0, 3)
      .map((address) => {
        const node = this.#nodes.get(address);
        return node === undefined ? `0x${address.toString(16)} (no node)` : this.#hex(node);
      })
      .join(", ");
  }

  #hex(node: Node): string {
    return `0x${(this.#graph.addresses[node] as number).toString(16)} (${this.#typeOf(node)})`;
  }

  /** Some of those that hold a node. */
  #holders(node: Node): string {
    const { nodes, first, to } = this.#graph;
    const found: Node[] = [];
    let edge = 0;
    for (let other = 0; other < nodes && found.length < 6; other++) {
      for (; edge < (first[other + 1] as number); edge++) if (to[edge] === node) found.push(other);
    }
    return `found ${this.#found[node]} and ${this.#ofRoots[node]} roots: ${found.map((other) => this.#hex(other)).join(", ")}`;
  }
}

/** Keeps an example, unless there are enough of its kind. */
function note(row: TypeResult, what: string, text: () => string): void {
  const alike = row.examples.filter((example) => example.startsWith(what)).length;
  if (alike < MOST_EXAMPLES) row.examples.push(`${what}: ${text()}`);
}

function newRow(type: string): TypeResult {
  const numbers = {
    objects: 0,
    unknown: 0,
    hidden: 0,
    invented: 0,
    complete: 0,
    more: 0,
    guessed: 0,
  };
  const references = { references: 0, referencesFound: 0, countable: 0, counted: 0 };
  return { type, ...numbers, ...references, bytes: 0, own: 0, smaller: 0, examples: [] };
}

/** The comparison as a table, the types with most objects first. */
export function renderComparison(comparison: Comparison, most = 40): string {
  const rows = [...comparison.types.values()].sort((a, b) => b.objects - a.objects);
  const shown = [comparison.sum(), ...rows.slice(0, most)];
  const percent = (part: number, whole: number) =>
    whole === 0 ? "" : `${((100 * part) / whole).toFixed(2)} %`;
  const cells = shown.map((row) => [
    row.type,
    row.objects,
    row.unknown,
    row.hidden,
    row.invented,
    percent(row.complete, row.objects - row.unknown),
    percent(row.more, row.objects - row.unknown),
    percent(row.guessed, row.objects - row.unknown),
    percent(row.counted, row.countable),
    row.bytes,
    percent(row.own, row.bytes),
    row.smaller,
  ]);
  const heads =
    "type objects unknown hidden invented complete more guessed counted getsizeof own smaller";
  const table = [heads.split(" "), ...cells.map((row) => row.map(String))];
  const widths = heads
    .split(" ")
    .map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ");
  return `${table.map(line).join("\n")}\n`;
}
