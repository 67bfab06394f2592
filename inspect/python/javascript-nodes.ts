/** The nodes of JavaScript's values that Python has, and what they hold of Python's. */
import type { Address } from "../../base/base.js";
import type { GraphBuilder, Node } from "../graph/graph.js";
import type { ImageMarks } from "../memory/memory.js";
import { jsIndexOf } from "./javascript.js";

/** A Python object that a value holds by a PyProxy, and how one comes to it. */
interface Held {
  readonly object: Address;
  readonly name: string;
}

export class JavascriptNodes {
  readonly #marks: ImageMarks;
  readonly #builder: GraphBuilder;
  readonly #kindOf: (name: string) => number;
  readonly #nodes = new Map<number, Node>();
  readonly #indices = new Map<Node, number>();
  readonly #held = new Map<number, Held[]>();

  /** @param kindOf the number in the builder's types of values with a name */
  constructor(marks: ImageMarks, builder: GraphBuilder, kindOf: (name: string) => number) {
    this.#marks = marks;
    this.#builder = builder;
    this.#kindOf = kindOf;
    for (const { object, heldBy = [] } of marks.proxies) {
      for (const { value, name } of heldBy) {
        const held = this.#held.get(value) ?? [];
        this.#held.set(value, held);
        held.push({ object, name });
      }
    }
  }

  /** The node of the value that a JsProxy refers to, which is made when it is asked for first; 0 where none is known. */
  at(reference: number): Node {
    const index = jsIndexOf(reference);
    const text = this.#marks.jsValues[index];
    if (text === undefined) return 0;
    const known = this.#nodes.get(index);
    if (known !== undefined) return known;
    const name = text.split(/[ (]/, 1)[0] ?? "";
    const node = this.#builder.node(0, this.#kindOf(name), 0, 0);
    this.#nodes.set(index, node);
    this.#indices.set(node, index);
    return node;
  }

  /** What a value holds; undefined for a node that is none. */
  heldBy(node: Node): readonly Held[] | undefined {
    const index = this.#indices.get(node);
    return index === undefined ? undefined : (this.#held.get(index) ?? []);
  }

  /** A value's text; undefined for a node that is none. */
  label(node: Node): string | undefined {
    const index = this.#indices.get(node);
    return index === undefined ? undefined : this.#marks.jsValues[index];
  }
}
