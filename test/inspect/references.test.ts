/** The references that are found in a memory are those that Python knows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IMMORTAL } from "../../inspect/graph/graph.js";
import type { PythonGraph } from "../../inspect/python/python.js";
import { install } from "../../python/install.js";
import { loadLinked } from "../support/linked.js";
import { load, type Pyodide, VERSIONS } from "../support/pyodide.js";
import { addressesFrom, type Seen, typeName, witnessed } from "./witness.js";

/** Whose references have to be all found. */
const CONTAINERS = new Set([
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
]);

/** What is not found word by word: what an LRU cache shows as its own is held by its links; C's memory behind a module's state. */
const INDIRECT = new Set(["_lru_cache_wrapper", "module", "PyCapsule"]);

interface Compared {
  objects: number;
  references: number;
  missing: number;
  /** Types with references that were not found, or objects that were not, with an example. */
  wrong: Map<string, string>;
}

function compare(graph: PythonGraph, after: PythonGraph, seen: readonly Seen[]): Compared {
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
  }
  return result;
}

/** The share of objects that have exactly the references that they count, those of roots included. */
function shareOfExact({ graph, references }: PythonGraph): number {
  const found = references();
  const roots = new Uint32Array(graph.nodes);
  for (let group = graph.first[0] as number; group < (graph.first[1] as number); group++) {
    const node = graph.to[group] as number;
    for (let edge = graph.first[node] as number; edge < (graph.first[node + 1] as number); edge++) {
      const target = graph.to[edge] as number;
      roots[target] = (roots[target] as number) + 1;
    }
  }
  let all = 0;
  let exact = 0;
  for (let node = 1; node < graph.nodes; node++) {
    const count = graph.counts[node] as number;
    if (graph.types[graph.typeOf[node] as number]?.kind !== "object" || count === IMMORTAL)
      continue;
    all++;
    const low = found[node] as number;
    if (low <= count && count <= low + (roots[node] as number)) exact++;
  }
  return exact / all;
}

async function interpreter(name: string, how: string): Promise<Pyodide> {
  const pyodide = how === "linked" ? await loadLinked(name) : await load(name);
  if (how === "installed") install(pyodide);
  return pyodide;
}

for (const name of VERSIONS) {
  for (const how of ["stock", "installed", "linked"]) {
    test(`${name}, ${how}: what gc.get_referents says, and what the counts say`, async () => {
      const { graph, after, seen } = witnessed(await interpreter(name, how));
      const { objects, references, missing, wrong } = compare(graph, after, seen);
      assert.ok(objects > 0.99 * seen.length, `${objects} of ${seen.length} objects compared`);
      assert.ok(missing < 0.005 * references, `${missing} of ${references} missing`);
      for (const [type, example] of wrong) {
        assert.ok(!CONTAINERS.has(type) && INDIRECT.has(type), `${type}: ${example}`);
      }
      assert.ok(shareOfExact(graph) >= 0.995, `${shareOfExact(graph)} of the counts`);
      assert.equal(graph.note, "");
    });
  }
}
