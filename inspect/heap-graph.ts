/** The graph of a heap of `createHeap`: its blocks, the objects in them by their types, and who refers to whom. */
import { type Address, objectsLayout as O } from "../base/base.js";
import {
  EdgeKind,
  edgeName,
  type Facts,
  type Graph,
  GraphBuilder,
  IMMORTAL,
  type Node,
  type NodeType,
  noFacts,
} from "./graph/graph.js";
import type { Blocks, MemoryImage } from "./memory/memory.js";

/** No name, and no description of fields, is longer. */
const LONGEST_TEXT = 4096;

/** The types of nodes that every heap has, by their place in the graph's types. */
const ROOT = 0;
const MEMORY = 1;
const TYPE = 2;

/** The first node of a block. Before it are the root and the group of what is held from outside. */
const OUTSIDE: Node = 1;
const FIRST: Node = 2;

/** A type of `defineType`. */
interface HeapType {
  readonly name: string;
  readonly address: Address;
  /** By the offset of a field that is a pointer, its name. */
  readonly pointers: ReadonlyMap<number, string>;
}

function textAt({ u8 }: MemoryImage, p: Address): string {
  const bytes = u8.subarray(p, p + LONGEST_TEXT);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0)));
}

/** The fields of a type that are pointers, from the description that stands behind its name: `x: f64, next: ptr`. */
function pointersOf(image: MemoryImage, type: Address): Map<number, string> {
  const word = (p: Address): number => image.u32[p >>> 2] ?? 0;
  const name = word(type + O.TP_NAME);
  const end = image.u8.indexOf(0, name);
  const pointers = new Map<number, string>();
  let at: number = word(type + O.TP_ITEMSIZE) > 0 ? O.VAR_OBJECT_HEADER : O.OBJECT_HEADER;
  if (end < 0 || end - name > LONGEST_TEXT) return pointers;
  for (const field of textAt(image, end + 1).split(", ")) {
    const [, key = "", kind = "", bits = "", count = "1"] =
      /^(\w+): (ptr|[iuf](8|16|32|64))(?:\[(\d+)\])?$/.exec(field) ?? [];
    if (key === "" || key === "items") continue;
    const size = kind === "ptr" ? 4 : Number(bits) / 8;
    at = Math.ceil(at / size) * size;
    for (let i = 0; kind === "ptr" && i < Math.min(Number(count), LONGEST_TEXT); i++) {
      pointers.set(at + 4 * i, count === "1" ? key : `${key}[${i}]`);
    }
    at += size * Number(count);
  }
  return pointers;
}

/** A heap's graph, and what is known of its nodes. */
export interface HeapGraph {
  readonly graph: Graph;
  readonly facts: Facts;
}

/**
 * The graph of a heap. Nobody says what is in its blocks, so a word that is the address of a block is taken for a reference to
 * it; the pointers of types of `defineType` have their names.
 */
export function heapGraph(image: MemoryImage, blocks: Blocks): HeapGraph {
  const { u32 } = image;
  const { count, starts, sizes, taken } = blocks;
  const word = (p: Address): number => u32[p >>> 2] ?? 0;
  const types = Object.entries(image.marks.types).map(([address, name]): HeapType => {
    return { name, address: Number(address), pointers: pointersOf(image, Number(address)) };
  });
  const byAddress = new Map(types.map((type, i) => [type.address, i]));
  const nodeAt = (address: Address): Node => {
    const block = blocks.indexAt(address);
    return block >= 0 && starts[block] === address ? block + FIRST : 0;
  };

  const builder = new GraphBuilder(count + FIRST);
  builder.node(0, ROOT, 0, 0);
  builder.node(0, ROOT, 0, 0);
  for (let block = 0; block < count; block++) {
    const start = starts[block] as number;
    const isLong = (sizes[block] as number) >= O.OBJECT_HEADER;
    const type = isLong ? byAddress.get(word(start + O.OB_TYPE)) : undefined;
    const kind = byAddress.has(start) ? TYPE : type === undefined ? MEMORY : TYPE + 1 + type;
    const references = word(start);
    const counted = references >= O.IMMORTAL ? IMMORTAL : references;
    builder.node(start, kind, taken[block] as number, kind > TYPE ? counted : 0);
  }

  const first = new Uint32Array(count + 1);
  const to: Node[] = [];
  const names: number[] = [];
  for (let block = 0; block < count; block++) {
    const start = starts[block] as number;
    const end = Math.min(start + (sizes[block] as number), image.u8.length);
    const kind = builder.typeOf(block + FIRST);
    const pointers = types[kind - TYPE - 1]?.pointers;
    // What the struct of a type refers to are its texts; an object's type is no block that it keeps alive.
    const from = kind === TYPE ? end : kind > TYPE ? start + O.OBJECT_HEADER : (start + 3) & ~3;
    for (let p = from; p + 4 <= end; p += 4) {
      const node = nodeAt(word(p));
      if (node === 0) continue;
      const name = pointers?.get(p - start);
      const isKnown = name !== undefined;
      const number = isKnown ? builder.text(name) : p - start;
      to.push(node);
      names.push(edgeName(isKnown ? EdgeKind.internal : EdgeKind.guess, number));
    }
    first[block + 1] = to.length;
  }

  builder.begin();
  const outside = edgeName(EdgeKind.internal, builder.text("JavaScript or C"));
  builder.edge(OUTSIDE, outside);
  builder.begin();
  for (const node of heldFromOutside(builder, first, to)) builder.edge(node, outside);
  for (let block = 0; block < count; block++) {
    builder.begin();
    for (let e = first[block] as number; e < (first[block + 1] as number); e++) {
      builder.edge(to[e] as Node, names[e] as number);
    }
  }
  const known = (name: string, kind: NodeType["kind"], address: Address): NodeType => {
    return { name, module: "", kind, node: nodeAt(address) };
  };
  const nodeTypes = [
    known("root", "root", 0),
    known("memory", "memory", 0),
    known("type", "object", 0),
    ...types.map(({ name, address }) => known(name, "object", address)),
  ];
  const label = (node: Node): string => {
    return types[byAddress.get(builder.addressOf(node)) ?? -1]?.name ?? "";
  };
  return { graph: builder.graph(nodeTypes, label), facts: noFacts(nodeAt) };
}

/**
 * What JavaScript or a guest must hold: a block that no other block refers to, an object that counts more references than there
 * are, and where blocks that count nothing refer to each other in a ring, the first of them.
 */
function heldFromOutside(builder: GraphBuilder, first: Uint32Array, to: readonly Node[]): Node[] {
  const end = first.length - 1 + FIRST;
  const found = new Uint32Array(end);
  const others = new Uint8Array(end);
  for (let node = FIRST; node < end; node++) {
    eachOf(node, (target) => {
      found[target] = (found[target] as number) + 1;
      if (target !== node) others[target] = 1;
    });
  }
  const reached = new Uint8Array(end);
  const waiting: Node[] = [];
  const held: Node[] = [];
  function eachOf(node: Node, visit: (target: Node) => void): void {
    const last = first[node - FIRST + 1] as number;
    for (let e = first[node - FIRST] as number; e < last; e++) visit(to[e] as Node);
  }
  function reach(node: Node): void {
    if (reached[node] === 1) return;
    reached[node] = 1;
    waiting.push(node);
  }
  function hold(node: Node): void {
    held.push(node);
    reach(node);
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) eachOf(next, reach);
  }
  for (let node = FIRST; node < end; node++) {
    const counts = builder.typeOf(node) > TYPE;
    const isHeld = counts ? builder.countOf(node) > (found[node] as number) : others[node] === 0;
    if (isHeld) hold(node);
  }
  for (let node = FIRST; node < end; node++) {
    if (reached[node] === 0 && builder.typeOf(node) <= TYPE) hold(node);
  }
  return held;
}
