/** The references of 3.12, which does not say where its structs have their fields. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../support/pyodide.js";
import { compare } from "./compare.js";
import { edgesOf, shareOfExact, witnessed } from "./witness.js";

test("pyodide-027: what gc.get_referents says, and what the counts say", async () => {
  const pyodide = await load("pyodide-027");
  const { graph, after, seen } = witnessed(pyodide);
  const { references, missing } = compare(graph, after, seen);
  assert.ok(missing < 0.005 * references, `${missing} of ${references} missing`);
  assert.ok(shareOfExact(graph) >= 0.995, `${shareOfExact(graph)} of the counts`);
  assert.match(graph.note, /^Python 3\.12/);
  const order = graph.nodeAt(pyodide.runPython("id(orders[7])") as number);
  assert.equal(edgesOf(graph.graph, order)[".name"], "order 7");
});
