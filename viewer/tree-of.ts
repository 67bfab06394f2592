/** The dominator tree of a snapshot, as large as a page can show: small objects of one type below one node become a group. */
import type { Snapshot } from "../inspect/inspect.js";
import { Most, type Tree } from "./report.js";
import { heldBy } from "./sheets.js";

/** A child that retains less than this share of all is no node of its own. */
const SMALL = 1 / 2000;

/** No more children of a node are nodes of their own: the larger ones. */
const SINGLES = 40;

/** Nodes of the tree that are to be shown, and what has to be known to go on from one. */
class Grown {
  readonly names: string[] = [];
  readonly parents: number[] = [];
  readonly types: number[] = [];
  readonly held: string[] = [];
  readonly labels: string[] = [];
  readonly counts: number[] = [];
  readonly own: number[] = [];
  readonly retained: number[] = [];
  /** The nodes of the snapshot that each stands for. */
  readonly members: (readonly number[])[] = [];

  /** By the number of a type in the graph, that of its name. */
  readonly #numbers = new Map<number, number>();

  constructor(readonly snapshot: Snapshot) {}

  #nameOf(type: number): number {
    const known = this.#numbers.get(type);
    if (known !== undefined) return known;
    this.#numbers.set(type, this.names.length);
    return this.names.push(this.snapshot.analysis.words.typeName(type)) - 1;
  }

  /** Adds a node for these of the snapshot, which are of one type. @returns its number */
  add(parent: number, members: readonly number[]): number {
    const { graph } = this.snapshot;
    let [own, retained] = [0, 0];
    for (const node of members) {
      own += graph.own[node] as number;
      retained += this.snapshot.retained(node);
    }
    this.parents.push(parent);
    this.types.push(this.#nameOf(graph.typeOf[members[0] as number] as number));
    const single = members.length === 1 ? (members[0] as number) : 0;
    this.held.push(single === 0 ? "" : shortened(heldBy(this.snapshot, single)));
    this.labels.push(single === 0 ? "" : shortened(graph.label(single)));
    this.counts.push(members.length);
    this.own.push(own);
    this.retained.push(retained);
    this.members.push(members);
    return this.parents.length - 1;
  }

  /** Adds the children of a node. @returns their numbers */
  grow(at: number, small: number): number[] {
    const { graph } = this.snapshot;
    const children = (this.members[at] as readonly number[])
      .flatMap((node) => this.snapshot.children(node))
      .sort((a, b) => this.snapshot.retained(b) - this.snapshot.retained(a));
    const groups = new Map<number, number[]>();
    const added: number[] = [];
    for (const [n, node] of children.entries()) {
      const type = graph.typeOf[node] as number;
      if (n < SINGLES && this.snapshot.retained(node) >= small) {
        added.push(this.add(at, [node]));
        continue;
      }
      const group = groups.get(type);
      if (group === undefined) groups.set(type, [node]);
      else group.push(node);
    }
    for (const members of groups.values()) added.push(this.add(at, members));
    return added;
  }
}

function shortened(label: string): string {
  const characters = [...label.slice(0, 2 * Most.label)];
  return characters.length <= Most.label ? label : `${characters.slice(0, Most.label).join("")}…`;
}

/** The nodes that retain most; whatever is shown, its parent is shown. */
export function treeOf(snapshot: Snapshot): Tree {
  const tree = new Grown(snapshot);
  tree.add(0, [0]);
  const small = (tree.retained[0] as number) * SMALL;
  // What retains most is looked into first, until there are enough; a sorted list is quick enough for so few.
  const open = [0];
  while (tree.parents.length < Most.nodes) {
    const at = open.pop();
    if (at === undefined) break;
    for (const child of tree.grow(at, small)) {
      const size = tree.retained[child] as number;
      if (size <= (tree.own[child] as number)) continue;
      let place = open.length;
      while (place > 0 && (tree.retained[open[place - 1] as number] as number) > size) place--;
      open.splice(place, 0, child);
    }
  }
  const { names, parents, types, held, labels, counts, own, retained } = tree;
  return { names, parents, types, held, labels, counts, own, retained };
}
