/** A graph beside what Python says of its objects. */
import type { PythonGraph } from "../../inspect/python/python.js";
import { addressesFrom, type Seen, typeName } from "./witness.js";

/** Whose references have to be all found. */
export const CONTAINERS = new Set([
  "list",
  "tuple",
  "dict",
  "set",
  "frozenset",
  "Order",
  "Row",
  "MoreSlots",
  "List",
  "Dict",
  "deque",
  "OrderedDict",
  "cell",
  "function",
  "method",
  "generator",
  "coroutine",
  "frame",
  "Point",
  "Element",
]);

/** Whose references are no more than Python says, either. */
const EXACT = new Set(["list", "tuple", "set", "frozenset", "deque"]);

/** What is not found word by word: what an LRU cache shows as its own is held by its links; C's memory behind a module's state. */
export const INDIRECT = new Set(["_lru_cache_wrapper", "module", "PyCapsule"]);

export interface Compared {
  objects: number;
  references: number;
  missing: number;
  /** Types with references that were not found, or objects that were not, with an example. */
  wrong: Map<string, string>;
}

/** @param after a graph of right after: what has changed is left out */
export function compare(graph: PythonGraph, after: PythonGraph, seen: readonly Seen[]): Compared {
  const result: Compared = { objects: 0, references: 0, missing: 0, wrong: new Map() };
  for (const { address, type, referents } of seen) {
    const node = graph.nodeAt(address);
    const later = after.nodeAt(address);
    // Of objects that were made, or changed, by looking nothing is to be said.
    const found = addressesFrom(graph.graph, node);
    if (node === 0 || String(found) !== String(addressesFrom(after.graph, later))) continue;
    const name = typeName(graph.graph, node);
    if (name !== type && name !== typeName(after.graph, later)) continue;
    result.objects++;
    if (name !== type) result.wrong.set(type, `0x${address.toString(16)} is a ${name}`);
    result.references += referents.length;
    for (const referent of referents) {
      const at = found.indexOf(referent);
      if (at >= 0) found.splice(at, 1);
      else {
        result.missing++;
        result.wrong.set(type, `0x${address.toString(16)} lacks 0x${referent.toString(16)}`);
      }
    }
    if (EXACT.has(type) && found.length > 0) {
      result.wrong.set(type, `0x${address.toString(16)} has too many: ${found.slice(0, 4)}`);
    }
  }
  return result;
}
