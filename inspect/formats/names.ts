/**
 * The table of strings of a .heapsnapshot. It has as many strings as a heap has, so none of them is kept: an entry is a number
 * that says how its string is made, and they are made when the table is written, which comes last.
 */
import type { Graph, Node, NodeType } from "../graph/graph.js";
import type { JsonBytes } from "./json.js";

/** What an entry is made of, in its upper four bits; the lower 28 bits are a value. */
const Entry = {
  /** The value is an index into the texts. */
  text: 0,
  /** The value is a node: its label. */
  label: 1,
  /** The value is a node: what it is, as `<function make_order>`. */
  named: 2,
  /** The value is the node of a key: `['x']`. */
  key: 3,
} as const;

const VALUE_BITS = 28;
const MOST_VALUE = 2 ** VALUE_BITS - 1;

/** A type as Python's people write it: `dict`, `app.Order`. */
export function typeText({ module, name }: NodeType): string {
  return module === "" || module === "builtins" ? name : `${module}.${name}`;
}

/** Is it Python's own str, whose instances are V8's strings? */
export function isStr({ module, name, kind }: NodeType): boolean {
  return name === "str" && module === "builtins" && kind !== "root";
}

/** The key of an entry as it stands in the brackets. */
function keyText(graph: Graph, node: Node): string {
  const type = graph.types[graph.typeOf[node] as number] as NodeType;
  const label = graph.label(node);
  if (isStr(type)) return `'${label.replace(/['\\]/g, "\\$&")}'`;
  return label === "" ? typeText(type) : label;
}

export class Names {
  readonly #graph: Graph;
  readonly #texts: string[] = [];
  readonly #textIndexes = new Map<string, number>();
  /** The index plus 1 of a node's label, and of a node as a key; 0 where there is none yet. */
  readonly #labels: Uint32Array;
  readonly #keys: Uint32Array;
  #entries = new Uint32Array(1024);
  #length = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#labels = new Uint32Array(graph.nodes);
    this.#keys = new Uint32Array(graph.nodes);
  }

  #add(what: number, value: number): number {
    if (this.#length === this.#entries.length) {
      const longer = new Uint32Array(2 * this.#length);
      longer.set(this.#entries);
      this.#entries = longer;
    }
    this.#entries[this.#length] = (what << VALUE_BITS) | value;
    return this.#length++;
  }

  /** The index of a text; those are few. */
  text(text: string): number {
    const known = this.#textIndexes.get(text);
    if (known !== undefined) return known;
    const index = this.#add(Entry.text, this.#texts.push(text) - 1);
    this.#textIndexes.set(text, index);
    return index;
  }

  /** The index of a node's label. */
  label(node: Node): number {
    const known = this.#labels[node] as number;
    if (known > 0) return known - 1;
    const index = this.#add(Entry.label, node);
    this.#labels[node] = index + 1;
    return index;
  }

  /** The index of what a node is, with its label; each node is asked for once. */
  named(node: Node): number {
    return this.#add(Entry.named, node);
  }

  /** The index of a node that is the key of a dict's entry. */
  key(node: Node): number {
    const known = this.#keys[node] as number;
    if (known > 0) return known - 1;
    const index = this.#add(Entry.key, node);
    this.#keys[node] = index + 1;
    return index;
  }

  #made(index: number): string {
    const entry = this.#entries[index] as number;
    const value = entry & MOST_VALUE;
    const graph = this.#graph;
    switch (entry >>> VALUE_BITS) {
      case Entry.label:
        return graph.label(value);
      case Entry.named: {
        const type = typeText(graph.types[graph.typeOf[value] as number] as NodeType);
        const label = graph.label(value);
        return label === "" ? `<${type}>` : `<${type} ${label}>`;
      }
      case Entry.key:
        return `[${keyText(graph, value)}]`;
      default:
        return this.#texts[value] as string;
    }
  }

  /** Writes the list of all strings. */
  *write(json: JsonBytes): Generator<Uint8Array, void> {
    for (let index = 0; index < this.#length; index++) {
      json.string(this.#made(index));
      yield* json.pieces();
    }
    json.endList();
  }
}
