/** What questions need to know of a graph's objects beyond who holds them. Whoever makes a graph of a memory says it. */
import type { Node } from "./model.js";

/** What an object is, as far as its content can be compared or measured. */
export type ContentKind =
  | "str"
  | "bytes"
  | "bytearray"
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
  /** Characters, bytes, digits, items, entries; 0 where it has none. */
  readonly length: number;
  /** Bytes that were taken beyond what so much content needs. */
  readonly capacity: number;
  /** A number of 32 bits that is the same for equal contents of a str, bytes, an int, a float, a tuple; else 0. */
  readonly hash: number;
}

/** What is known of the objects of a graph. */
export interface Facts {
  /** The node of what begins at this address, or of what that belongs to; 0 where there is none. */
  nodeAt(address: number): Node;
  content(node: Node): Content;
  /** Have two nodes the same content? For those kinds that have a hash. */
  equal(one: Node, other: Node): boolean;
}

/** The facts of a graph of which nothing but its addresses is known. */
export function noFacts(nodeAt: (address: number) => Node): Facts {
  const other: Content = { kind: "other", length: 0, capacity: 0, hash: 0 };
  return { nodeAt, content: () => other, equal: () => false };
}
