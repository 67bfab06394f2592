/**
 * V8's format for snapshots of heaps, `.heapsnapshot`: Chrome's DevTools, memlab and VS Code open it.
 *
 * What these readers make of it decides how a graph is written:
 *
 *   - A node of type `object` is counted to the constructor that its name says, `<function make_order>` to `<function>`, as
 *     `<div id="a">` is to `<div>`. So what has a label is named as Python does it, and all else by its type alone. Python's
 *     str are V8's strings. Nothing is `hidden`, `array` or `code`: those are counted to others, or left out of paths.
 *   - Groups of roots are `synthetic`, and nothing else hangs on the root: so distances count from the root.
 *   - Retained sizes are computed over all edges but weak ones. What nobody reaches hangs on the root there. Its references
 *     into the rest must not take part in holding it, so they are written as weak; and it gets a group, `(unreachable)`.
 */
import {
  EdgeKind,
  type EdgeKindNumber,
  edgeKind,
  edgeValue,
  type Graph,
  type Node,
  type NodeType,
  typeText,
} from "../graph/graph.js";
import { idAt, NamedIds, ROOT_ID, typeTag } from "./ids.js";
import { JsonBytes } from "./json.js";
import { type HeapSnapshotSource, isStr, labelOf, Names } from "./names.js";
import { findUnreached } from "./unreached.js";

const nodeTypes = [
  ...["hidden", "array", "string", "object", "code", "closure", "regexp", "number", "native"],
  ...["synthetic", "concatenated string", "sliced string", "symbol", "bigint", "object shape"],
];
const edgeTypes = ["context", "element", "property", "internal", "hidden", "shortcut", "weak"];

/** The types that we use, as indices into those. */
enum V8Node {
  string = 2,
  object = 3,
  native = 8,
  synthetic = 9,
}
enum V8Edge {
  context = 0,
  element = 1,
  property = 2,
  internal = 3,
  hidden = 4,
  weak = 6,
}

/** What an edge of each kind is there. */
const v8Edges: Readonly<Record<EdgeKindNumber, number>> = {
  [EdgeKind.internal]: V8Edge.internal,
  [EdgeKind.attribute]: V8Edge.property,
  [EdgeKind.item]: V8Edge.element,
  [EdgeKind.entry]: V8Edge.property,
  [EdgeKind.key]: V8Edge.internal,
  [EdgeKind.local]: V8Edge.context,
  [EdgeKind.guess]: V8Edge.hidden,
  [EdgeKind.weak]: V8Edge.weak,
};

const nodeFields = ["type", "name", "id", "self_size", "edge_count", "detachedness"];

/** As Chrome and Node 24 write it. */
const meta = {
  node_fields: nodeFields,
  node_types: [nodeTypes, "string", "number", "number", "number", "number"],
  edge_fields: ["type", "name_or_index", "to_node"],
  edge_types: [edgeTypes, "string_or_number", "node"],
  trace_function_info_fields: "function_id name script_name script_id line column".split(" "),
  trace_node_fields: ["id", "function_info_index", "count", "size", "children"],
  sample_fields: ["timestamp_us", "last_assigned_id"],
  location_fields: ["object_index", "script_id", "line", "column"],
};

/** So many nodes are written before the full pieces are handed out. */
const NODES_AT_ONCE = 1024;

const UNREACHABLE = "(unreachable)";

/** How the nodes of a type are written. */
interface TypeStyle {
  readonly type: NodeType;
  readonly v8: number;
  /** The type as Python's people write it, and its index among the strings. */
  readonly text: string;
  readonly name: number;
  /** Has each node a name of its own, with its label? */
  readonly labelled: boolean;
  readonly tag: number;
}

/** So many nodes of a type are asked whether they have labels. */
const ASKED = 100;

/** 1 for the types whose nodes have labels. With a blank in it the constructor's name would end early: such a type has none. */
function labelledTypes(source: HeapSnapshotSource): Uint8Array {
  const { nodes, types, typeOf } = source.graph;
  const labelled = new Uint8Array(types.length);
  const questions: number[] = types.map((type) =>
    type.kind === "root" || isStr(type) || typeText(type).includes(" ") ? 0 : ASKED,
  );
  for (let node = 1; node < nodes; node++) {
    const type = typeOf[node] as number;
    const left = questions[type] as number;
    if (left === 0) continue;
    const found = labelOf(source, node) !== "";
    if (found) labelled[type] = 1;
    questions[type] = found ? 0 : left - 1;
  }
  return labelled;
}

function v8Type(type: NodeType): number {
  if (isStr(type)) return V8Node.string;
  if (type.kind === "root") return V8Node.synthetic;
  return type.kind === "javascript" || type.kind === "memory" ? V8Node.native : V8Node.object;
}

/** What the root calls the groups of roots. */
function groupNames({ first, to, names, texts }: Graph): Map<Node, string> {
  const found = new Map<Node, string>();
  for (let edge = first[0] as number; edge < (first[1] as number); edge++) {
    const name = names[edge] as number;
    if (edgeKind(name) === EdgeKind.internal) {
      found.set(to[edge] as number, texts[edgeValue(name)] ?? "");
    }
  }
  return found;
}

class HeapSnapshotWriter {
  readonly #graph: Graph;
  readonly #names: Names;
  readonly #json = new JsonBytes();
  readonly #ids = new NamedIds();
  readonly #styles: readonly TypeStyle[];
  readonly #groupNames: ReadonlyMap<Node, string>;
  readonly #reached: Uint8Array;
  /** What the group `(unreachable)` leads to. It is the last node; without any of these there is no such group. */
  readonly #heads: readonly Node[];
  /** How many such groups there are: 0 or 1. */
  readonly #groups: number;

  constructor(source: HeapSnapshotSource) {
    const { graph } = source;
    this.#graph = graph;
    this.#names = new Names(source);
    this.#groupNames = groupNames(graph);
    const { reached, heads } = findUnreached(graph);
    this.#reached = reached;
    this.#heads = heads;
    this.#groups = Math.min(heads.length, 1);
    const labelled = labelledTypes(source);
    this.#styles = graph.types.map((type, i) => {
      const text = typeText(type);
      const name = this.#names.text(text);
      const tag = typeTag(text);
      return { type, v8: v8Type(type), text, name, labelled: labelled[i] === 1, tag };
    });
  }

  *pieces(): Generator<Uint8Array, void> {
    const json = this.#json;
    const { nodes, edges } = this.#graph;
    const snapshot = {
      meta,
      node_count: nodes + this.#groups,
      edge_count: edges + this.#groups + this.#heads.length,
      trace_function_count: 0,
      extra_native_bytes: 0,
    };
    json.ascii(`{"snapshot":${JSON.stringify(snapshot)},\n"nodes":`);
    yield* this.#ofEachNode((node) => this.#node(node));
    if (this.#groups > 0) this.#synthetic(UNREACHABLE, this.#heads.length);
    json.endList();
    json.ascii(',\n"edges":');
    yield* this.#ofEachNode((node) => this.#edgesOf(node));
    for (const [i, head] of this.#heads.entries()) this.#edge(V8Edge.element, i, head);
    json.endList();
    for (const name of ["trace_function_infos", "trace_tree", "samples", "locations"]) {
      json.ascii(`,\n"${name}":`);
      json.endList();
    }
    json.ascii(',\n"strings":');
    yield* this.#names.write(json);
    json.ascii("}");
    yield* json.rest();
  }

  *#ofEachNode(write: (node: Node) => void): Generator<Uint8Array, void> {
    const { nodes } = this.#graph;
    for (let from = 0; from < nodes; from += NODES_AT_ONCE) {
      const to = Math.min(from + NODES_AT_ONCE, nodes);
      for (let node = from; node < to; node++) write(node);
      yield* this.#json.pieces();
    }
  }

  #record(v8: number, name: number, id: number, own: number, edges: number): void {
    const json = this.#json;
    json.number(v8);
    json.number(name);
    json.number(id);
    json.number(own);
    json.number(edges);
    json.number(0);
  }

  #synthetic(name: string, edges: number): void {
    this.#record(V8Node.synthetic, this.#names.text(name), this.#ids.of(name), 0, edges);
  }

  #nameOf(node: Node, { v8, labelled, name }: TypeStyle): number {
    if (v8 === V8Node.string) return this.#names.characters(node);
    return labelled ? this.#names.named(node) : name;
  }

  #node(node: Node): void {
    const graph = this.#graph;
    const edges = (graph.first[node + 1] as number) - (graph.first[node] as number);
    const style = this.#styles[graph.typeOf[node] as number] as TypeStyle;
    const { type, text, tag } = style;
    const own = graph.own[node] as number;
    const address = graph.addresses[node] as number;
    if (node === 0) {
      this.#record(V8Node.synthetic, this.#names.text(""), ROOT_ID, own, edges + this.#groups);
    } else if (type.kind === "root") {
      this.#synthetic(`(${this.#groupNames.get(node) ?? (graph.label(node) || text)})`, edges);
    } else {
      const id = address === 0 ? this.#ids.of(`${text} ${graph.label(node)}`) : idAt(address, tag);
      this.#record(style.v8, this.#nameOf(node, style), id, own, edges);
    }
  }

  #edge(v8: number, name: number, to: Node): void {
    const json = this.#json;
    json.number(v8);
    json.number(name);
    json.number(nodeFields.length * to);
  }

  #edgesOf(node: Node): void {
    const { first, to, names, nodes } = this.#graph;
    const end = first[node + 1] as number;
    const weak = this.#reached[node] === 0;
    for (let edge = first[node] as number; edge < end; edge++) {
      const target = to[edge] as number;
      this.#named(names[edge] as number, target, weak && this.#reached[target] !== 0);
    }
    if (node === 0 && this.#groups > 0) {
      this.#edge(V8Edge.internal, this.#names.text("unreachable"), nodes);
    }
  }

  /** An edge with the name that it has in the graph; `weak` makes it one that doesn't hold. */
  #named(name: number, to: Node, weak: boolean): void {
    const kind = edgeKind(name);
    const value = edgeValue(name);
    const v8 = weak ? V8Edge.weak : v8Edges[kind];
    // Only the names of these two are numbers.
    const numbered = v8 === V8Edge.element || v8 === V8Edge.hidden;
    this.#edge(v8, numbered ? value : this.#edgeText(kind, value), to);
  }

  #edgeText(kind: EdgeKindNumber, value: number): number {
    const names = this.#names;
    switch (kind) {
      case EdgeKind.attribute:
      case EdgeKind.local:
        return names.characters(value);
      case EdgeKind.entry:
        return names.key(value);
      case EdgeKind.key:
        return names.text("key");
      case EdgeKind.item:
      case EdgeKind.guess:
        return names.text(`${value}`);
      default:
        return names.text(this.#graph.texts[value] ?? "");
    }
  }
}

/**
 * Writes a graph in V8's format, in pieces of about 64 KB, so that the whole of it is never in memory.
 *
 * Python's types are the constructors, labels are names. The edges are: properties `x` (attributes) and `['x']` (entries of
 * dicts), elements, context variables (of frames), `key`; hidden ones with an offset in bytes are guesses. A node's number,
 * which readers show behind an `@`, is its address with other lowest three bits: it is the same in each snapshot of a process.
 */
export function writeHeapSnapshot(source: HeapSnapshotSource): Iterable<Uint8Array> {
  return new HeapSnapshotWriter(source).pieces();
}
