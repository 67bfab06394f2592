/** What questions need to know of an object beyond who holds it. Whoever makes a graph of a memory says it. */
import type { Node } from "./model.js";

/** What an object is, as far as its content can be compared or measured. */
export type ContentKind =
  | "str"
  | "bytes"
  | "int"
  | "float"
  | "tuple"
  | "list"
  | "dict"
  | "set"
  | "other";

/** The content of an object. */
export interface Content {
  readonly kind: ContentKind;
  /** Characters, bytes, or items; 0 where it has none. */
  readonly length: number;
  /** Bytes that were allocated beyond what the content needs now. */
  readonly capacity: number;
  /** A number of 32 bits that is the same for equal contents of a str, bytes, an int, a float, a tuple; else 0. */
  readonly hash: number;
}

/** A graph's objects, known by where they lie and what is in them. */
export interface Facts {
  /** The node at this address; 0 where there is none. */
  nodeAt(address: number): Node;
  content(node: Node): Content;
  /** Have two nodes of one kind equal content? Asked only where their hashes are equal. */
  same(a: Node, b: Node): boolean;
}
