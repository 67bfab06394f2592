/** Which objects of one snapshot are the same ones in a later one. */
import type { Graph, Node } from "./graph/graph.js";
import type { Snapshot } from "./snapshot.js";

/** What two snapshots have and have not in common. */
export interface Survivors {
  /** By node of the later one: 1 where it was not there before. */
  readonly isNew: Uint8Array;
  /** By node of the earlier one: 1 where it is there no more. */
  readonly isGone: Uint8Array;
  /** By node of the later one: the node that it was. 0 for what is new. */
  readonly was: Uint32Array;
}

/** Roots are no objects, and neither is what waits in a free list of its type. */
function countsAsObject(graph: Graph): boolean[] {
  return graph.types.map(({ kind, name }) => {
    return kind !== "root" && !(kind === "memory" && name.startsWith("free "));
  });
}

/** What never changes, so that at the same place with another content is another one. */
const UNCHANGING = /^(str|bytes)$/;

/**
 * Finds who survived. An object is the same where its address, its type and, as far as it never changes, its content are the
 * same: an address that another object has got since makes no survivor. What has no address (JavaScript's) is not compared.
 */
export function survivorsOf(before: Snapshot, after: Snapshot): Survivors {
  const from = before.graph;
  const to = after.graph;
  const { facts, words } = after.analysis;
  const then = before.analysis;
  const isNew = new Uint8Array(to.nodes);
  const isGone = new Uint8Array(from.nodes);
  const was = new Uint32Array(to.nodes);
  const objectsThen = countsAsObject(from);
  const objectsNow = countsAsObject(to);
  const isUnchanging = to.types.map((_, type) => UNCHANGING.test(words.typeName(type)));
  for (let node = 1; node < from.nodes; node++) {
    const isObject = objectsThen[from.typeOf[node] as number] === true;
    isGone[node] = isObject && from.addresses[node] !== 0 ? 1 : 0;
  }
  for (let node = 1; node < to.nodes; node++) {
    const address = to.addresses[node] as number;
    const type = to.typeOf[node] as number;
    if (address === 0 || objectsNow[type] !== true) continue;
    const old: Node = then.facts.nodeAt(address);
    const isSame =
      old !== 0 &&
      from.addresses[old] === address &&
      then.words.typeName(from.typeOf[old] as number) === words.typeName(type) &&
      (isUnchanging[type] !== true || sameContent(old, node));
    if (isSame) {
      isGone[old] = 0;
      was[node] = old;
    } else isNew[node] = 1;
  }
  function sameContent(old: Node, node: Node): boolean {
    const one = then.facts.content(old);
    const other = facts.content(node);
    return one.hash === other.hash && one.length === other.length;
  }
  return { isNew, isGone, was };
}
