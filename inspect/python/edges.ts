/** Adds edges to the graph: what words of the memory refer to. */
import type { Address } from "../../base/base.js";
import { EdgeKind, type EdgeKindNumber, edgeName, type GraphBuilder } from "../graph/graph.js";
import type { Nodes } from "./nodes.js";
import type { TypePlan } from "./types.js";

/** The object whose references are walked. */
export interface Place {
  readonly plan: TypePlan;
  readonly address: Address;
  /** Its block; -1 for static data. */
  readonly block: number;
  /** Where its memory ends. */
  readonly end: Address;
}

/** The edges of the node that was begun last. */
export class Edges {
  readonly nodes: Nodes;
  readonly #builder: GraphBuilder;
  readonly #u32: Uint32Array;

  constructor(nodes: Nodes) {
    this.nodes = nodes;
    this.#builder = nodes.builder;
    this.#u32 = nodes.objects.image.u32;
  }

  edge(pointer: number, name: number): void {
    if (pointer === 0) return;
    const to = this.nodes.at(pointer);
    if (to !== 0) this.#builder.edge(to, name);
  }

  internal(pointer: number, text: string): void {
    this.edge(pointer, edgeName(EdgeKind.internal, this.#builder.text(text)));
  }

  /** An edge with the name of a str; where that is none, of a text. */
  named(pointer: number, kind: EdgeKindNumber, name: number, otherwise: string): void {
    if (pointer === 0) return;
    const node = name === 0 ? 0 : this.nodes.at(name);
    if (node === 0) this.internal(pointer, otherwise);
    else this.edge(pointer, edgeName(kind, node));
  }

  /** The words of what is not known. @param zero where offsets count from */
  guesses(zero: Address, from: Address, to: Address): void {
    for (let at = (from + 3) & ~3; at + 4 <= to; at += 4) {
      const pointer = this.#u32[at >>> 2] as number;
      if (pointer !== 0) this.edge(pointer, edgeName(EdgeKind.guess, at - zero));
    }
  }

  word(address: Address): number {
    return this.#u32[address >>> 2] ?? 0;
  }
}
