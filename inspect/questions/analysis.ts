/** A graph, and what several questions need of it: each part is computed when it is first asked for, and kept. */
import {
  type Distances,
  type Dominators,
  type DominatorTree,
  distancesOf,
  dominatorsOf,
  dominatorTree,
  type Facts,
  type Graph,
  type Holders,
  holdersOf,
  NOBODY,
  type Node,
} from "../graph/graph.js";
import { Patterns } from "./patterns.js";
import { Words } from "./words.js";

/** Nodes that are held in the same way. */
export interface HeldAlike {
  /** See `Patterns`. */
  readonly pattern: number;
  readonly count: number;
  /** Their own bytes. */
  readonly bytes: number;
  readonly first: Node;
}

export class Analysis {
  readonly graph: Graph;
  readonly facts: Facts;
  #distances?: Distances;
  #dominators?: Dominators;
  #tree?: DominatorTree;
  #holders?: Holders;
  #words?: Words;
  #patterns?: Patterns;

  constructor(graph: Graph, facts: Facts) {
    this.graph = graph;
    this.facts = facts;
  }

  get distances(): Distances {
    this.#distances ??= distancesOf(this.graph);
    return this.#distances;
  }

  get dominators(): Dominators {
    this.#dominators ??= dominatorsOf(this.graph);
    return this.#dominators;
  }

  get tree(): DominatorTree {
    this.#tree ??= dominatorTree(this.dominators);
    return this.#tree;
  }

  get holders(): Holders {
    this.#holders ??= holdersOf(this.graph);
    return this.#holders;
  }

  get words(): Words {
    this.#words ??= new Words(this.graph);
    return this.#words;
  }

  get patterns(): Patterns {
    this.#patterns ??= new Patterns(this.graph, this.words, this.distances);
    return this.#patterns;
  }

  /** Does any way lead from the root to a node? */
  isReached(node: Node): boolean {
    return this.dominators.idom[node] !== NOBODY;
  }

  /** Bytes that a node keeps alive, with its own. */
  retained(node: Node): number {
    return this.dominators.retained[node] ?? 0;
  }

  /** What a node dominates closest, in no order. */
  children(node: Node): Uint32Array {
    const { first, children } = this.tree;
    return children.subarray(first[node], first[node + 1]);
  }

  /** Nodes by how they are held, those first that are most. */
  heldAlike(nodes: readonly Node[]): HeldAlike[] {
    const groups = new Map<number, { count: number; bytes: number; readonly first: Node }>();
    for (const node of nodes) {
      const pattern = this.patterns.of(node);
      const group = groups.get(pattern) ?? { count: 0, bytes: 0, first: node };
      groups.set(pattern, group);
      group.count++;
      group.bytes += this.graph.own[node] as number;
    }
    return [...groups]
      .map(([pattern, group]) => ({ pattern, ...group }))
      .sort((a, b) => b.count - a.count || b.bytes - a.bytes);
  }
}
