/**
 * The table of strings of a .heapsnapshot. It has as many strings as a heap has, so none of them is kept: an entry is a number
 * that says how its string is made, and they are made when the table is written, which comes last.
 */
import { type Graph, type Node, type NodeType, typeText } from "../graph/graph.js";
import type { JsonBytes } from "./json.js";

/** What an entry is made of, in its upper four bits; the lower 28 bits are a value. */
enum Entry {
  /** The value is an index into the texts. */
  text = 0,
  /** The value is the node of a str: its characters. */
  characters = 1,
  /** The value is a node: what it is, as `<function make_order>`. */
  named = 2,
  /** The value is the node of a key: `['x']`. */
  key = 3,
}

const VALUE_BITS = 28;
const MOST_VALUE = 2 ** VALUE_BITS - 1;

/** Is it Python's own str, whose instances are V8's strings? */
export function isStr({ module, name, kind }: NodeType): boolean {
  return name === "str" && module === "builtins" && kind !== "root";
}

/** What is to be known to write a graph. */
export interface HeapSnapshotSource {
  readonly graph: Graph;
  /** What is in an object. Of texts too long for a label it tells which are equal; without it, those with equal labels are. */
  content?(node: Node): { readonly length: number; readonly hash: number };
}

/** Labels of this length that end in dots stand for more than they show. */
const LONG_LABEL = 40;

/** How many items a container has says less than its type does, and would make a name of its own of each. */
const lengthLabel = /^len \d+$/;

/** The label of a node that is no str, where it says which one it is; else empty. */
export function labelOf({ graph }: HeapSnapshotSource, node: Node): string {
  const label = graph.label(node);
  return lengthLabel.test(label) ? "" : label;
}

/** The characters of a str. Readers take those with the same name for the same text. */
function textOf({ graph, content }: HeapSnapshotSource, node: Node): string {
  const label = graph.label(node);
  if (content === undefined || label.length < LONG_LABEL || !label.endsWith("...")) return label;
  const { length, hash } = content(node);
  return `${label} (length ${length}, hash ${hash.toString(16)})`;
}

export class Names {
  readonly #source: HeapSnapshotSource;
  readonly #texts: string[] = [];
  readonly #textIndexes = new Map<string, number>();
  /** The index plus 1 of a str's characters, and of a node as a key; 0 where there is none yet. */
  readonly #characters: Uint32Array;
  readonly #keys: Uint32Array;
  #entries = new Uint32Array(1024);
  #length = 0;

  constructor(source: HeapSnapshotSource) {
    this.#source = source;
    this.#characters = new Uint32Array(source.graph.nodes);
    this.#keys = new Uint32Array(source.graph.nodes);
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

  /** The index of the characters of a str. */
  characters(node: Node): number {
    const known = this.#characters[node] as number;
    if (known > 0) return known - 1;
    const index = this.#add(Entry.characters, node);
    this.#characters[node] = index + 1;
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

  #type(node: Node): NodeType {
    const { types, typeOf } = this.#source.graph;
    return types[typeOf[node] as number] as NodeType;
  }

  #typeText(node: Node): string {
    return typeText(this.#type(node));
  }

  #made(index: number): string {
    const source = this.#source;
    const entry = this.#entries[index] as number;
    const value = entry & MOST_VALUE;
    switch (entry >>> VALUE_BITS) {
      case Entry.characters:
        return textOf(source, value);
      case Entry.named: {
        const label = labelOf(source, value);
        return `<${this.#typeText(value)}${label && ` ${label}`}>`;
      }
      case Entry.key:
        return isStr(this.#type(value))
          ? `['${textOf(source, value).replace(/['\\]/g, "\\$&")}']`
          : `[${labelOf(source, value) || this.#typeText(value)}]`;
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
