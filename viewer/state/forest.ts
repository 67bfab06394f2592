import type { Report } from "../report.js";

/** The dominator tree of a report, as the views walk it. */
export class Forest {
  readonly #report: Report;
  readonly #children: number[][];
  readonly #rows: ReadonlyMap<string, number>;

  constructor(report: Report) {
    this.#report = report;
    this.#rows = new Map(report.types.map(({ name }, row) => [name, row]));
    this.#children = report.tree.parents.map(() => []);
    // Children come behind their parents, the larger ones first.
    for (const [node, parent] of report.tree.parents.entries()) {
      if (node > 0) this.#children[parent]?.push(node);
    }
    const { retained } = report.tree;
    for (const children of this.#children) {
      children.sort((a, b) => (retained[b] as number) - (retained[a] as number));
    }
  }

  children(node: number): readonly number[] {
    return this.#children[node] as readonly number[];
  }

  retained(node: number): number {
    return this.#report.tree.retained[node] as number;
  }

  own(node: number): number {
    return this.#report.tree.own[node] as number;
  }

  count(node: number): number {
    return this.#report.tree.counts[node] as number;
  }

  label(node: number): string {
    return this.#report.tree.labels[node] as string;
  }

  #fullName(node: number): string {
    const { names, types } = this.#report.tree;
    return names[types[node] as number] as string;
  }

  /** By what it is held; empty for a group. */
  held(node: number): string {
    return this.#report.tree.held[node] as string;
  }

  /** An index into the report's types; -1 for what is no object, as groups of roots. */
  type(node: number): number {
    return this.#rows.get(this.#fullName(node)) ?? -1;
  }

  /** The type's name without its module; what the root is called. */
  typeName(node: number): string {
    if (node === 0) return "all objects";
    const name = this.#fullName(node);
    return name.slice(name.lastIndexOf(".") + 1);
  }

  /** What it is called: `Order 'the label'`, `3,000 × Order`. */
  name(node: number): string {
    const type = this.typeName(node);
    const count = this.count(node);
    if (count > 1) return `${count.toLocaleString("en-US")} × ${type}`;
    // A group of roots has a name, and a type that says no more.
    if (node > 0 && this.type(node) < 0) return this.label(node) || type;
    return [type, this.label(node)].filter((text) => text !== "").join(" ");
  }

  /** The same, by what it is held in front: that tells more of a dict or a list than its type. */
  title(node: number): string {
    return [this.held(node), this.name(node)].filter((text) => text !== "").join(": ");
  }

  /** What it retains beyond its own bytes and its children here: objects too small for the report. */
  rest(node: number): number {
    const shown = this.children(node).reduce((sum, child) => sum + this.retained(child), 0);
    return Math.max(this.retained(node) - this.own(node) - shown, 0);
  }

  /** The way from the root to a node, both included. */
  way(node: number): number[] {
    const way = [node];
    for (let at = node; at > 0; ) {
      at = this.#report.tree.parents[at] as number;
      way.unshift(at);
    }
    return way;
  }
}
