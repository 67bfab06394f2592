/**
 * The graph of a heap: who holds whom. Everything is in typed arrays, because a heap has millions of objects; a node and an
 * edge are numbers.
 *
 * Node 0 is the root of all roots. The edges of a node are `first[node]` up to `first[node + 1]`.
 */

/** A node's number. */
export type Node = number;
/** An edge's number. */
export type Edge = number;

/** What a node is. */
export type TypeKind =
  /** An object in a block of the heap. */
  | "object"
  /** An object in the program's static data: types of C, None, small numbers. */
  | "static"
  /** A block that no object lies in and that belongs to none: C's own memory. */
  | "memory"
  /** A group of roots: no memory, only a name for who holds. */
  | "root"
  /** Something of JavaScript's. */
  | "javascript";

/** A type of nodes. */
export interface NodeType {
  /** As Python says it, without the module: `dict`, `Order`. */
  readonly name: string;
  /** `builtins`, `app`; empty where there is none. */
  readonly module: string;
  /** What its nodes are. */
  readonly kind: TypeKind;
  /** The node of the type object; 0 where it has none. */
  readonly node: Node;
}

/** A type as Python's people write it: `dict`, `app.Order`. */
export function typeText({ module, name }: Pick<NodeType, "module" | "name">): string {
  return module === "" || module === "builtins" ? name : `${module}.${name}`;
}

/**
 * The kinds of an edge's name, in the upper four bits of its number in `names`; the lower 28 bits are its value.
 */
export enum EdgeKind {
  /** The value is an index into `texts`: `cell`, `class`, `code`. Also the names of roots. */
  internal = 0,
  /** The value is the node of a str: `.orders`, of an instance or a module. */
  attribute = 1,
  /** The value is an index: `[17]`. */
  item = 2,
  /** The value of an entry of a dict; the value is the node of its key: `['x']`. */
  entry = 3,
  /** The key of an entry of a dict or a member of a set; the value is the number of the entry. */
  key = 4,
  /** A variable of a frame; the value is the node of a str. */
  local = 5,
  /** A word of a block whose layout is not known that has the address of a node: the value is its offset in bytes. */
  guess = 6,
  /** Like `internal`, but it does not hold. */
  weak = 7,
}

export type EdgeKindNumber = (typeof EdgeKind)[keyof typeof EdgeKind];

/** The largest value of an edge's name. */
export const MOST_EDGE_VALUE = 2 ** 28 - 1;

export function edgeName(kind: EdgeKindNumber, value: number): number {
  return ((kind << 28) | value) >>> 0;
}

/** The kind of an edge's name. */
export function edgeKind(name: number): EdgeKindNumber {
  return (name >>> 28) as EdgeKindNumber;
}

/** The value of an edge's name: what it is says its kind. */
export function edgeValue(name: number): number {
  return name & MOST_EDGE_VALUE;
}

/** The graph. The arrays may be longer than there are nodes and edges. */
export interface Graph {
  /** How many there are, the root included. */
  readonly nodes: number;
  /** How many there are. */
  readonly edges: number;
  /** Where each node lies in the memory; 0 where it has no memory. Nodes 1 to `nodes - 1` are in no order. */
  readonly addresses: Uint32Array;
  /** An index into `types`. */
  readonly typeOf: Uint32Array;
  /** Bytes that are the node's own: its block, and the blocks that belong to it alone (a list's items). */
  readonly own: Uint32Array;
  /** The references that the object itself counts; 0 where it counts none, IMMORTAL where it is immortal. */
  readonly counts: Uint32Array;
  /** The types of nodes, in no order. */
  readonly types: readonly NodeType[];
  /** The first edge of each node; one more stands behind the last. */
  readonly first: Uint32Array;
  /** The node that each edge leads to. */
  readonly to: Uint32Array;
  /** What each edge is called: see `edgeKind` and `edgeValue`. */
  readonly names: Uint32Array;
  /** What the names of internal edges are. */
  readonly texts: readonly string[];
  /** A short text that says which one it is: the characters of a str, the name of a function; empty where there is none. */
  label(node: Node): string;
}

/** In `counts`: the object is never freed. */
export const IMMORTAL = 0xffffffff;

/** How many references are looked for where they are counted: without weak ones. */
export function holds(name: number): boolean {
  return edgeKind(name) !== EdgeKind.weak;
}
