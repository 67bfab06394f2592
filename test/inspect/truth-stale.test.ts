/** Words that only look like references are told from those that are, by what their objects count. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeKind, edgeKind } from "../../inspect/graph/graph.js";
import { takeSnapshot } from "../../inspect/inspect.js";
import { load } from "../support/pyodide.js";

test("a buffer of C's where a list was keeps nothing of that list's alive", async () => {
  const pyodide = await load("pyodide");
  // zlib asks for buffers of 64 KiB and writes only as far as it has data.
  pyodide.runPython(`
import zlib
class Order:
    pass
ORDERS = [Order() for n in range(16_000)]
lists = [ORDERS * 1 for n in range(8)]
del lists
compressors = [zlib.compressobj() for n in range(8)]
`);
  const snapshot = takeSnapshot(pyodide);
  const { graph } = snapshot;
  const orders = new Set(snapshot.find("__main__.Order"));
  assert.equal(orders.size, 16_000);
  for (let edge = 0; edge < graph.edges; edge++) {
    if (!orders.has(graph.to[edge] as number)) continue;
    assert.notEqual(edgeKind(graph.names[edge] as number), EdgeKind.guess);
  }
});
