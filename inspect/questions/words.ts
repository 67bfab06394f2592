/** Who holds what, in words: `global CACHE`, `Order.items`, `[3]`, `local i of total`. */
import {
  type Edge,
  EdgeKind,
  edgeKind,
  edgeValue,
  type Graph,
  type Node,
  typeText,
} from "../graph/graph.js";

/** A reference on a way: from this node by this edge. */
export interface Link {
  readonly from: Node;
  readonly edge: Edge;
}

/** How a part of a way is written. */
export interface Part {
  readonly text: string;
  /** Does it go on with what stands before it, as `[3]` does with `Order.items`? */
  readonly glued: boolean;
}

/** Of these one wants to know which one it is, whenever they are named. */
const NAMED =
  /^(function|method|builtin_function_or_method|module|code|frame|generator|coroutine|async_generator|property|classmethod|staticmethod)$/;

/** What stands in the place of an index, or of a key that is none of the program's names. */
export const ANY = "[...]";

const LONGEST_KEY = 40;

function quoted(text: string, longest: number): string {
  const short = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return `'${short.replace(/[\\']/g, "\\$&").replace(/\n/g, "\\n")}'`;
}

export class Words {
  readonly #graph: Graph;
  readonly #names: readonly string[];
  readonly #typeNames: readonly string[];
  #modules?: ReadonlyMap<Node, Node>;
  #classes?: ReadonlySet<Node>;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#names = graph.types.map(({ name }) => name);
    this.#typeNames = graph.types.map(typeText);
  }

  /** The type of a node without its module. */
  name(node: Node): string {
    return this.#names[this.#graph.typeOf[node] as number] ?? "";
  }

  /** The type of a node: `dict`, `app.Order`. */
  type(node: Node): string {
    return this.typeName(this.#graph.typeOf[node] as number);
  }

  /** A type, by its number among the graph's: `dict`, `app.Order`. */
  typeName(type: number): string {
    return this.#typeNames[type] ?? "";
  }

  isRoot(node: Node): boolean {
    return this.#graph.types[this.#graph.typeOf[node] as number]?.kind === "root";
  }

  /** Nodes that are types of others. */
  #isClass(node: Node): boolean {
    this.#classes ??= new Set(this.#graph.types.map((type) => type.node));
    return node !== 0 && (this.#classes.has(node) || this.type(node) === "type");
  }

  /** The text of an internal edge; empty for all others. */
  internal(edge: Edge): string {
    const name = this.#graph.names[edge] as number;
    return edgeKind(name) === EdgeKind.internal ? (this.#graph.texts[edgeValue(name)] ?? "") : "";
  }

  /** Is it the reference to the dict of a module, a class, an instance, a function? */
  isDict(edge: Edge): boolean {
    return this.internal(edge) === "__dict__";
  }

  /** The module whose globals are in this dict; 0 for any other node. */
  moduleOf(dict: Node): Node {
    this.#modules ??= this.#findModules();
    return this.#modules.get(dict) ?? 0;
  }

  /** Is it a module, or the dict of one? */
  isModule(node: Node): boolean {
    return this.type(node) === "module" || this.moduleOf(node) !== 0;
  }

  #findModules(): Map<Node, Node> {
    const { nodes, types, typeOf, first, to } = this.#graph;
    const modules = new Map<Node, Node>();
    const isModule = types.map((type) => typeText(type) === "module" && type.kind === "object");
    for (let node = 1; node < nodes; node++) {
      if (!isModule[typeOf[node] as number]) continue;
      for (let e = first[node] as number; e < (first[node + 1] as number); e++) {
        if (this.isDict(e)) modules.set(to[e] as Node, node);
      }
    }
    return modules;
  }

  /** Which one a node is, as far as a name says it: `function total (app.py:3)`, `class app.Order`, else its type. */
  who(node: Node): string {
    const name = this.name(node);
    if (this.#isClass(node)) return `class ${this.#graph.label(node) || name}`;
    if (this.#isOfJavaScript(node)) return this.#graph.label(node) || name;
    const label = NAMED.test(name) ? this.#graph.label(node) : "";
    return label === "" ? name : `${name} ${label}`;
  }

  #isOfJavaScript(node: Node): boolean {
    return this.#graph.types[this.#graph.typeOf[node] as number]?.kind === "javascript";
  }

  /** Do the words for a node say which one it is? */
  isNamed(node: Node): boolean {
    return this.#isClass(node) || this.#isOfJavaScript(node) || NAMED.test(this.name(node));
  }

  /** What is at the end of a way. */
  what(node: Node): string {
    const name = this.name(node);
    const label = this.#graph.label(node);
    if (name === "str" || name === "bytes") return `${name} ${quoted(label, LONGEST_KEY)}`;
    return /^(int|float|bool)$/.test(name) && label !== "" ? `${name} ${label}` : this.who(node);
  }

  #key(node: Node): string {
    const label = this.#graph.label(node);
    if (this.name(node) === "str") return quoted(label, LONGEST_KEY);
    return label === "" || label.startsWith("len ") ? this.name(node) : label.slice(0, LONGEST_KEY);
  }

  /** The name that an attribute, an entry of a dict of names, or a variable has. */
  #label(name: number): string {
    return this.#graph.label(edgeValue(name));
  }

  /**
   * A reference in words.
   *
   * @param before the references that led there, the last one first
   * @param exact with indexes and keys, or `[...]` in their place, so that what is held in the same way has the same words?
   */
  part({ from, edge }: Link, before: readonly Link[], exact: boolean): Part {
    const name = this.#graph.names[edge] as number;
    const kind = edgeKind(name);
    const last = before[0];
    const plain = (text: string): Part => ({ text, glued: false });
    if (this.isRoot(from)) return plain(this.#root(from, edge, last));
    switch (kind) {
      case EdgeKind.attribute:
        return plain(`${this.name(from)}.${this.#label(name)}`);
      case EdgeKind.local:
        return plain(`local ${this.#label(name)} of ${this.#graph.label(from) || this.name(from)}`);
      case EdgeKind.item: {
        const cell = this.#cell(name, last);
        if (cell !== "") return plain(cell);
        break;
      }
      case EdgeKind.entry: {
        const named = this.#named(name, from, last, before[1]);
        if (named !== "") return plain(named);
        break;
      }
      case EdgeKind.key:
        return { text: /set/.test(this.name(from)) ? "member" : "key", glued: false };
      case EdgeKind.guess:
        return plain(`${this.name(from)}+${edgeValue(name)}?`);
      default:
        return plain(this.who(from) + this.#internalText(edge));
    }
    const index = kind === EdgeKind.item ? String(edgeValue(name)) : this.#key(edgeValue(name));
    return { text: exact ? `[${index}]` : ANY, glued: last !== undefined && this.#isOpen(last) };
  }

  /** What JavaScript has is said as one says it there: `.onclick`, `[3]`. */
  #internalText(edge: Edge): string {
    const text = this.internal(edge);
    return /^[.[]/.test(text) ? text : `.${text}`;
  }

  /** A root: the name that its group gives it, or that of the group. */
  #root(from: Node, edge: Edge, last: Link | undefined): string {
    const own = this.internal(edge);
    if (own !== "" || last === undefined) return own;
    return this.internal(last.edge) || this.name(from);
  }

  /** A variable of a closure. Its name is at the end of the code's names, where the free ones are. */
  #cell(name: number, last: Link | undefined): string {
    if (last === undefined || this.internal(last.edge) !== "__closure__") return "";
    const { first, to } = this.#graph;
    const follow = (node: Node, text: string): Node => {
      for (let e = first[node] as number; e < (first[node + 1] as number); e++) {
        if (this.internal(e) === text) return to[e] as Node;
      }
      return 0;
    };
    const count = (node: Node): number => (first[node + 1] as number) - (first[node] as number);
    const closure = to[last.edge] as Node;
    const code = follow(last.from, "__code__");
    const names = code === 0 ? 0 : follow(code, "co_localsplusnames");
    if (names === 0) return "";
    const place = count(names) - count(closure) + edgeValue(name);
    const str = to[(first[names] as number) + place];
    const isThere = place >= 0 && place < count(names) && str !== undefined;
    return isThere ? `cell ${this.#graph.label(str)} of ${this.who(last.from)}` : "";
  }

  /** An entry of a dict of names; empty where the dict is another one. */
  #named(name: number, dict: Node, last: Link | undefined, over: Link | undefined): string {
    const owner = last !== undefined && this.isDict(last.edge) ? last.from : 0;
    const module = this.moduleOf(dict);
    if (module !== 0) {
      const isSaid = owner === module && over !== undefined && this.isRoot(over.from);
      return `global ${this.#label(name)}${isSaid ? "" : ` of ${this.#graph.label(module)}`}`;
    }
    return owner === 0 ? "" : `${this.who(owner)}.${this.#label(name)}`;
  }

  /** Do indexes go on with what this reference is called? */
  #isOpen({ from, edge }: Link): boolean {
    if (this.isRoot(from) || this.moduleOf(from) !== 0) return false;
    const kind = edgeKind(this.#graph.names[edge] as number);
    return kind !== EdgeKind.key && kind !== EdgeKind.guess && kind !== EdgeKind.local;
  }

  /**
   * Is nothing said of a reference because the next one says it? The dict of an object, and a cell on the way to what is in it.
   */
  isSilent({ from, edge }: Link, next: Link | undefined): boolean {
    if (from === 0) return true;
    if (next === undefined) return false;
    const nextName = this.#graph.names[next.edge] as number;
    if (this.isDict(edge)) return edgeKind(nextName) === EdgeKind.entry;
    return this.internal(edge) === "__closure__" && this.#cell(nextName, { from, edge }) !== "";
  }

  /** Is it what is in a cell whose name was said? */
  isInCell({ edge }: Link, before: readonly Link[]): boolean {
    const [last, over] = before;
    return (
      last !== undefined &&
      this.internal(edge) === "contents" &&
      this.#cell(this.#graph.names[last.edge] as number, over) !== ""
    );
  }
}

/** Parts one after the other: `global CACHE > ['x'] > Order.items[3]`. */
export function joined(parts: readonly Part[]): string {
  return parts.map(({ text, glued }, i) => (i === 0 || glued ? text : ` > ${text}`)).join("");
}
