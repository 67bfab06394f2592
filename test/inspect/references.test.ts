/** The references that are found in a memory are those that Python knows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockKind } from "../../inspect/memory/memory.js";
import { install } from "../../python/install.js";
import { loadLinked } from "../support/linked.js";
import { load, type Pyodide, VERSIONS } from "../support/pyodide.js";
import { CONTAINERS, compare, INDIRECT } from "./compare.js";
import { plainInPools, shareOfExact, witnessed } from "./witness.js";

async function interpreter(name: string, how: string): Promise<Pyodide> {
  const pyodide = how === "linked" ? await loadLinked(name) : await load(name);
  if (how === "installed") install(pyodide);
  return pyodide;
}

for (const name of VERSIONS) {
  for (const how of ["stock", "installed", "linked"]) {
    test(`${name}, ${how}: what gc.get_referents says, and what the counts say`, async () => {
      const { graph, blocks, after, seen } = witnessed(await interpreter(name, how));
      const { objects, references, missing, wrong } = compare(graph, after, seen);
      assert.ok(objects > 0.99 * seen.length, `${objects} of ${seen.length} objects compared`);
      assert.ok(missing < 0.005 * references, `${missing} of ${references} missing`);
      for (const [type, example] of wrong) {
        assert.ok(!CONTAINERS.has(type) && INDIRECT.has(type), `${type}: ${example}`);
      }
      assert.ok(shareOfExact(graph) >= 0.995, `${shareOfExact(graph)} of the counts`);
      assert.equal(graph.note, "");
      const pooled = blocks.kinds.reduce((sum, kind) => sum + (kind === BlockKind.pool ? 1 : 0), 0);
      assert.ok(pooled > (how === "linked" ? 50_000 : -1));
      assert.ok(plainInPools(graph, blocks) <= 0.01 * pooled, `${plainInPools(graph, blocks)}`);
    });
  }
}
