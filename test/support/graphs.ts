/** Graphs for tests: written down by hand, random, and large ones; and the slow way to what is computed of them. */
import fc from "fast-check";
import {
  type Content,
  EdgeKind,
  edgeName,
  type Facts,
  type Graph,
  GraphBuilder,
  holds,
  type Node,
  type NodeType,
  type TypeKind,
} from "../../inspect/graph/graph.js";
import { type Blocks, type ImageMarks, imageOf } from "../../inspect/memory/memory.js";
import { Snapshot } from "../../inspect/snapshot.js";

/** A node by hand. */
export interface Drawn {
  /** `app.Order`, `dict`; with a kind in front where it is no object: `root modules`, `memory`, `static NoneType`. */
  readonly type: string;
  readonly own?: number;
  readonly count?: number;
  readonly label?: string;
  readonly address?: number;
  readonly content?: Partial<Content>;
  /**
   * Whom it holds, by name: `.x` attribute, `[3]` item, `['x']` entry, `key 3`, `local i`, `+24?` guess, `weak x`; all
   * else is internal. A name may be followed by `#` and anything, to have it twice.
   */
  readonly edges?: Readonly<Record<string, string>>;
}

const kinds = /^(root|memory|static|javascript)(?: |$)/;

function typeOf(text: string): Omit<NodeType, "node"> {
  const kind = (kinds.exec(text)?.[1] ?? "object") as TypeKind;
  const full = kind === "object" ? text : text.slice(kind.length + 1) || kind;
  const dot = full.lastIndexOf(".");
  const plain = kind === "object" || kind === "static";
  return dot >= 0 && plain
    ? { name: full.slice(dot + 1), module: full.slice(0, dot), kind }
    : { name: full, module: plain ? "builtins" : "", kind };
}

export interface DrawnGraph {
  readonly graph: Graph;
  readonly facts: Facts;
  /** The node that was drawn under this name. */
  node(name: string): Node;
}

/**
 * The graph of what was drawn; the first one is the root. Addresses are multiples of 16 in the order of drawing, where none
 * are given. A str that only names an edge is a node without bytes.
 */
export function draw(drawn: Readonly<Record<string, Drawn>>): DrawnGraph {
  const builder = new GraphBuilder(16);
  const types: NodeType[] = [];
  const labels: string[] = [];
  const contents: (Partial<Content> | undefined)[] = [];
  const numbers = new Map<string, Node>();
  const names = new Map<string, Node>();
  const addresses = new Map<number, Node>();
  function add({ type, own = 16, count = 0, label = "", address, content }: Drawn): Node {
    const wanted = typeOf(type);
    let index = types.findIndex((t) => t.name === wanted.name && t.module === wanted.module);
    if (index < 0) index = types.push({ ...wanted, node: 0 }) - 1;
    const bare = wanted.kind === "root" || wanted.kind === "javascript";
    const p = bare ? 0 : (address ?? 0x1000 + 16 * builder.nodes);
    const node = builder.node(p, index, bare ? 0 : own, count);
    labels[node] = label;
    contents[node] = content;
    if (p !== 0) addresses.set(p, node);
    return node;
  }
  function nameNode(text: string): Node {
    const known = names.get(text);
    if (known !== undefined) return known;
    const node = add({ type: "str", own: 0, label: text, address: 0x800000 + 16 * names.size });
    names.set(text, node);
    return node;
  }
  function name(text: string): number {
    const value = text.replace(/#.*$/, "");
    const quoted = /^\['(.*)'\]$/.exec(value)?.[1];
    if (quoted !== undefined) return edgeName(EdgeKind.entry, nameNode(quoted));
    if (value.startsWith(".")) return edgeName(EdgeKind.attribute, nameNode(value.slice(1)));
    if (value.startsWith("[")) return edgeName(EdgeKind.item, Number(value.slice(1, -1)));
    if (value.startsWith("key ")) return edgeName(EdgeKind.key, Number(value.slice(4)));
    if (value.startsWith("local ")) return edgeName(EdgeKind.local, nameNode(value.slice(6)));
    if (/^\+\d+\?$/.test(value)) return edgeName(EdgeKind.guess, Number.parseInt(value, 10));
    if (value.startsWith("weak ")) return edgeName(EdgeKind.weak, builder.text(value.slice(5)));
    return edgeName(EdgeKind.internal, builder.text(value));
  }
  for (const [key, node] of Object.entries(drawn)) numbers.set(key, add(node));
  for (const { edges = {} } of Object.values(drawn)) Object.keys(edges).forEach(name);
  const nodeOf = (key: string): Node => {
    const node = numbers.get(key);
    if (node === undefined) throw new Error(`nothing was drawn as ${key}`);
    return node;
  };
  for (const { edges = {} } of Object.values(drawn)) {
    builder.begin();
    for (const [text, target] of Object.entries(edges)) builder.edge(nodeOf(target), name(text));
  }
  return {
    graph: builder.graph(types, (node) => labels[node] ?? ""),
    node: nodeOf,
    facts: {
      nodeAt: (address) => addresses.get(address) ?? 0,
      content: (node) => ({ kind: "other", length: 0, capacity: 0, hash: 0, ...contents[node] }),
      equal: (a, b) => labels[a] === labels[b],
    },
  };
}

/** A graph of edges alone: `edges[i]` are pairs of nodes; every third is weak where `weak` is set. */
export function graphOfEdges(nodes: number, edges: readonly [Node, Node, number][]): Graph {
  const builder = new GraphBuilder(nodes);
  for (let i = 0; i < nodes; i++) builder.node(16 * i, 0, (i * 7) % 13, 0);
  for (let i = 0; i < nodes; i++) {
    builder.begin();
    for (const [from, to, kind] of edges) if (from === i) builder.edge(to, kind << 28);
  }
  return builder.graph([{ name: "thing", module: "", kind: "object", node: 0 }], () => "");
}

/** Random graphs of up to this many nodes, some of whose edges are weak or guessed. */
export function randomGraph(most: number): fc.Arbitrary<Graph> {
  return fc.integer({ min: 1, max: most }).chain((nodes) => {
    const node = fc.nat({ max: nodes - 1 });
    const kind = fc.constantFrom(0, 0, 0, EdgeKind.guess, EdgeKind.weak);
    return fc
      .array(fc.tuple(node, node, kind), { maxLength: 3 * nodes, size: "max" })
      .map((edges) => graphOfEdges(nodes, edges as [Node, Node, number][]));
  });
}

/** Which nodes the root reaches without going through `without`. */
export function reachedWithout(graph: Graph, without: Node): boolean[] {
  const reached = new Array<boolean>(graph.nodes).fill(false);
  if (without === 0) return reached;
  const waiting = [0];
  reached[0] = true;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (let e = graph.first[node] as number; e < (graph.first[node + 1] as number); e++) {
      const next = graph.to[e] as number;
      if (next === without || reached[next] || !holds(graph.names[e] as number)) continue;
      reached[next] = true;
      waiting.push(next);
    }
  }
  return reached;
}

/** A graph such as heaps have: containers of many, records of a few, names that all share; `edges` for each node. */
export function heapLikeGraph(nodes: number, edges = 2.5): Graph {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const builder = new GraphBuilder(nodes);
  for (let i = 0; i < nodes; i++) builder.node(8 * i, i % 50, 48, 1);
  let child = 1;
  for (let i = 0; i < nodes; i++) {
    builder.begin();
    const many = i === 0 ? 100 : random(20) === 0 ? 21 : 1;
    for (let k = 0; k < many && child < nodes; k++) builder.edge(child++, k);
    while (builder.edges < edges * (i + 1)) {
      builder.edge(random(3) === 0 ? random(nodes) : Math.max(i - random(1000), 0), 0);
    }
  }
  const types = Array.from({ length: 50 }, (_, i): NodeType => {
    return { name: `T${i}`, module: "app", kind: "object", node: 0 };
  });
  return builder.graph(types, () => "");
}

const none = new Uint32Array();

/** No blocks. */
export const NO_BLOCKS: Blocks = {
  count: 0,
  starts: none,
  sizes: none,
  taken: none,
  kinds: new Uint8Array(),
  indexAt: () => -1,
};

/** A snapshot of what was drawn. @param bytes the memory that it is said to be of */
export function drawSnapshot(
  drawn: Readonly<Record<string, Drawn>>,
  bytes = new Uint8Array(64),
): Snapshot {
  const { graph, facts } = draw(drawn);
  const image = imageOf({ kind: "heap", version: "0", time: 0 } as ImageMarks, bytes);
  return new Snapshot({ image, blocks: NO_BLOCKS, graph, facts, note: "" });
}
