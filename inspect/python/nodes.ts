/** The nodes of a Python heap: one for each block that belongs to no other, and those of static data, which are made when asked for. */
import type { Address } from "../../base/base.js";
import { type GraphBuilder, IMMORTAL, type Node, type NodeType } from "../graph/graph.js";
import { JavascriptNodes } from "./javascript-nodes.js";
import { CLAIMED, FREED, LEAST_IMMORTAL, type Objects, TYPE_NUMBER } from "./objects.js";
import type { TypePlan } from "./types.js";

/** In the table of static data: nothing there is an object. */
const NO_OBJECT = 0xffffffff;

const MOST_OWNERS = 4;

/** What a node is: a type's number and how it lies. */
enum Lies {
  object = 0,
  static = 1,
  freed = 2,
}

export class Nodes {
  readonly objects: Objects;
  readonly builder: GraphBuilder;
  /** Nodes from 1 to here are those of blocks, in the order of those. */
  readonly last: Node;
  /** The block of each node of a block. */
  readonly blockOf: Uint32Array;
  /**
   * What each number in the builder's types stands for: the type's number times 4, and `Lies`; 0 for plain memory, -1 for groups of
   * roots; below that values of JavaScript's, by their place in `#scripts`.
   */
  readonly kinds: number[] = [];
  readonly javascript: JavascriptNodes;
  /** What values of JavaScript's are called. */
  readonly #scripts: string[] = [];
  readonly #numbers = new Map<number, number>();
  readonly #u32: Uint32Array;
  readonly #index: Uint32Array;
  readonly #from: Address;
  /** For each word of static data the node of the object there; 0 where nobody asked, else NO_OBJECT. */
  readonly #statics: Uint32Array;
  /** The same for the data of libraries. */
  readonly #inLibraries = new Map<Address, Node>();

  constructor(objects: Objects, builder: GraphBuilder) {
    this.objects = objects;
    this.builder = builder;
    this.#u32 = objects.image.u32;
    this.#index = objects.index;
    this.#from = objects.from;
    this.#statics = new Uint32Array(objects.from >>> 2);
    const scripts = new Map<string, number>();
    this.javascript = new JavascriptNodes(objects.image.marks, builder, (name) => {
      const known = scripts.get(name) ?? this.#scripts.push(name) - 1;
      scripts.set(name, known);
      return this.kindOf(-2 - known);
    });
    this.kindOf(-1);
    this.kindOf(0);
    this.blockOf = new Uint32Array(objects.blocks.count + 1);
    builder.node(0, 0, 0, 0);
    this.#number();
    this.last = builder.nodes - 1;
  }

  /** The number in the builder's types of what is said as in `kinds`. */
  kindOf(kind: number): number {
    const known = this.#numbers.get(kind);
    if (known !== undefined) return known;
    this.#numbers.set(kind, this.kinds.length);
    return this.kinds.push(kind) - 1;
  }

  #number(): void {
    const { blocks, typeOf, owner, types, index, from } = this.objects;
    const { starts, taken, count } = blocks;
    const { builder, blockOf } = this;
    // By the type's number: that of the node's type.
    const live = new Uint32Array(types.plans.length);
    for (let block = 0; block < count; block++) {
      const start = starts[block] as number;
      if ((owner[block] as number) !== 0) {
        index[(start - from) >>> 3] = (CLAIMED | block) >>> 0;
        continue;
      }
      const type = typeOf[block] as number;
      const number = type & TYPE_NUMBER;
      let node: Node;
      if (type === 0 || type >= FREED) {
        const kind = type === 0 ? 0 : number * 4 + Lies.freed;
        node = builder.node(start, this.kindOf(kind), taken[block] as number, 0);
        if ((start & 7) === 0) index[(start - from) >>> 3] = node;
      } else {
        const { lead } = types.plans[number] as TypePlan;
        const address = start + lead;
        let kind = live[number] as number;
        if (kind === 0) {
          kind = this.kindOf(number * 4);
          live[number] = kind;
        }
        node = builder.node(address, kind, taken[block] as number, this.#countAt(address));
        if ((start & 7) === 0) {
          if (lead > 0) index[(start - from) >>> 3] = 0;
          index[(address - from) >>> 3] = node;
        }
      }
      blockOf[node] = block;
    }
    for (let block = 0; block < count; block++) {
      if (owner[block] !== 0) builder.addOwn(this.ownerNode(block), taken[block] as number);
    }
  }

  /** The node that a block belongs to; 0 where its owners belong to each other. */
  ownerNode(block: number): Node {
    const { owner, blocks } = this.objects;
    let last = block;
    for (let steps = 0; steps < MOST_OWNERS && owner[last] !== 0; steps++) {
      last = (owner[last] as number) - 1;
    }
    if (owner[last] !== 0) return 0;
    const start = blocks.starts[last] as number;
    const lead = this.objects.planOf(last)?.lead ?? 0;
    return this.#index[(start + lead - this.#from) >>> 3] as number;
  }

  /** The node that the block which begins at an address belongs to; 0 for none. */
  ownerOf(address: Address): Node {
    const block = this.claimedBlock(address);
    return block < 0 ? 0 : this.ownerNode(block);
  }

  #countAt(address: Address): number {
    const count = this.#u32[address >>> 2] as number;
    return count >= LEAST_IMMORTAL ? IMMORTAL : count;
  }

  /** The node that an address of whatever value is the beginning of; 0 for none. */
  at(address: number): Node {
    if (address < this.#from) return this.#staticAt(address);
    const found = (address & 7) === 0 ? (this.#index[(address - this.#from) >>> 3] ?? 0) : 0;
    if (found !== 0) return found < CLAIMED ? found : 0;
    return this.objects.libraries.size === 0 ? 0 : this.#inLibrary(address);
  }

  /** The block that belongs to an owner's and begins at an address; -1 where none does. */
  ownedBlock(address: number, owner: number): number {
    if ((address & 7) !== 0 || address < this.#from) return -1;
    const found = this.#index[(address - this.#from) >>> 3] ?? 0;
    if (found < CLAIMED) return -1;
    const block = found & ~CLAIMED;
    return this.objects.owner[block] === owner + 1 ? block : -1;
  }

  /** The block that is claimed and begins at an address, whosever it is; -1 where none does. */
  claimedBlock(address: number): number {
    if ((address & 7) !== 0 || address < this.#from) return -1;
    const found = this.#index[(address - this.#from) >>> 3] ?? 0;
    return found < CLAIMED ? -1 : found & ~CLAIMED;
  }

  #staticAt(address: number): Node {
    if ((address & 3) !== 0) return 0;
    const word = address >>> 2;
    const known = this.#statics[word] as number;
    if (known !== 0) return known === NO_OBJECT ? 0 : known;
    const node = this.#newStatic(address);
    this.#statics[word] = node === 0 ? NO_OBJECT : node;
    return node;
  }

  #inLibrary(address: number): Node {
    const { libraries } = this.objects;
    if ((address & 3) !== 0 || !libraries.has(this.objects.blockAround(address))) return 0;
    const known = this.#inLibraries.get(address) ?? this.#newStatic(address);
    this.#inLibraries.set(address, known);
    return known;
  }

  #newStatic(address: Address): Node {
    const { types } = this.objects;
    const word = address >>> 2;
    const type = types.numberOf(this.#u32[word + 1] ?? 0);
    const count = this.#u32[word] as number;
    // What has an address where others have their count is none.
    if (type === 0 || count === 0 || (count >= this.#from && count < LEAST_IMMORTAL)) return 0;
    const kind = this.kindOf(type * 4 + Lies.static);
    return this.builder.node(address, kind, 0, this.#countAt(address));
  }

  /** The plan of a node's type; undefined where it is no live object. */
  planOf(node: Node): TypePlan | undefined {
    const kind = this.kinds[this.builder.typeOf(node)] ?? 0;
    return kind <= 0 || (kind & 3) === Lies.freed
      ? undefined
      : this.objects.types.plans[kind >>> 2];
  }

  /** Makes nodes of the types of all nodes, of those in `kinds` from a number on. @returns the number to go on with */
  meetTypes(from: number): number {
    for (let kind = from; kind < this.kinds.length; kind++) {
      const type = (this.kinds[kind] as number) >>> 2;
      if ((this.kinds[kind] as number) > 0)
        this.at((this.objects.types.plans[type] as TypePlan).address);
    }
    return this.kinds.length;
  }

  /** The types of the nodes. */
  nodeTypes(name: (plan: TypePlan) => Pick<NodeType, "name" | "module">): NodeType[] {
    return this.kinds.map((kind) => {
      if (kind === -1) return { name: "root", module: "", kind: "root", node: 0 };
      if (kind < 0) {
        return { name: this.#scripts[-2 - kind] ?? "", module: "", kind: "javascript", node: 0 };
      }
      if (kind === 0) return { name: "memory", module: "", kind: "memory", node: 0 };
      const plan = this.objects.types.plans[kind >>> 2] as TypePlan;
      const lies = kind & 3;
      const named = { ...name(plan), node: this.at(plan.address) };
      if (lies === Lies.object) return { ...named, kind: "object" };
      if (lies === Lies.static) return { ...named, kind: "static" };
      return { name: `free ${named.name}`, module: named.module, kind: "memory", node: 0 };
    });
  }
}
