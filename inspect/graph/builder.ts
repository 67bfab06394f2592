/** Makes a graph, node after node: the edges of a node are added before those of the next one. */
import type { Edge, Graph, Node, NodeType } from "./model.js";
import { Numbers } from "./numbers.js";

export class GraphBuilder {
  readonly #addresses: Numbers;
  readonly #typeOf: Numbers;
  readonly #own: Numbers;
  readonly #counts: Numbers;
  readonly #first: Numbers;
  readonly #to: Numbers;
  readonly #names: Numbers;
  readonly #texts: string[] = [];
  readonly #textNumbers = new Map<string, number>();

  /** @param room about how many nodes there will be */
  constructor(room: number) {
    this.#addresses = new Numbers(room);
    this.#typeOf = new Numbers(room);
    this.#own = new Numbers(room);
    this.#counts = new Numbers(room);
    this.#first = new Numbers(room + 1);
    this.#to = new Numbers(2 * room);
    this.#names = new Numbers(2 * room);
  }

  get nodes(): number {
    return this.#addresses.length;
  }

  get edges(): number {
    return this.#to.length;
  }

  /** Adds a node, whose edges may follow later. */
  node(address: number, type: number, own: number, count: number): Node {
    this.#addresses.push(address);
    this.#typeOf.push(type);
    this.#own.push(own);
    this.#counts.push(count);
    return this.nodes - 1;
  }

  addressOf(node: Node): number {
    return this.#addresses.array[node] as number;
  }

  typeOf(node: Node): number {
    return this.#typeOf.array[node] as number;
  }

  countOf(node: Node): number {
    return this.#counts.array[node] as number;
  }

  /** Counts bytes of another block to a node. */
  addOwn(node: Node, bytes: number): void {
    this.#own.array[node] = (this.#own.array[node] as number) + bytes;
  }

  /** From now on edges are those of the next node: of 0 at first, then of 1, and so on. */
  begin(): Node {
    this.#first.push(this.edges);
    return this.#first.length - 1;
  }

  edge(to: Node, name: number): Edge {
    this.#to.push(to);
    this.#names.push(name);
    return this.edges - 1;
  }

  /** Shows all edges; all nodes have been begun. */
  eachEdge(see: (from: Node, to: Node, name: number, edge: Edge) => void): void {
    const first = this.#first.array;
    const to = this.#to.array;
    const names = this.#names.array;
    const { nodes, edges } = this;
    let edge = 0;
    for (let node = 0; node < nodes; node++) {
      const end = node + 1 < nodes ? (first[node + 1] as number) : edges;
      for (; edge < end; edge++) see(node, to[edge] as number, names[edge] as number, edge);
    }
  }

  /** Takes out the edges that have a number other than 0 here; all nodes have been begun. */
  dropEdges(dropped: Uint8Array): void {
    const first = this.#first.array;
    const to = this.#to.array;
    const names = this.#names.array;
    const { nodes, edges } = this;
    let kept = 0;
    let edge = 0;
    for (let node = 0; node < nodes; node++) {
      const end = node + 1 < nodes ? (first[node + 1] as number) : edges;
      first[node] = kept;
      for (; edge < end; edge++) {
        if (dropped[edge] !== 0) continue;
        to[kept] = to[edge] as number;
        names[kept++] = names[edge] as number;
      }
    }
    this.#to.length = kept;
    this.#names.length = kept;
  }

  targetOf(edge: Edge): Node {
    return this.#to.array[edge] as number;
  }

  ownOf(node: Node): number {
    return this.#own.array[node] as number;
  }

  /** The number of a text, for the name of an internal edge. */
  text(text: string): number {
    const known = this.#textNumbers.get(text);
    if (known !== undefined) return known;
    this.#textNumbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  /** The graph; nodes that `begin` was not called for have no edges. */
  graph(types: readonly NodeType[], label: (node: Node) => string): Graph {
    while (this.#first.length <= this.nodes) this.#first.push(this.edges);
    return {
      nodes: this.nodes,
      edges: this.edges,
      addresses: this.#addresses.array,
      typeOf: this.#typeOf.array,
      own: this.#own.array,
      counts: this.#counts.array,
      types,
      first: this.#first.array,
      to: this.#to.array,
      names: this.#names.array,
      texts: this.#texts,
      label,
    };
  }
}
