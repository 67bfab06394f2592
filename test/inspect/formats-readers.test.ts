/** Others' readers of our .heapsnapshot say what we say: DevTools' own worker, and memlab. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { writeHeapSnapshot } from "../../inspect/formats/formats.js";
import type { HeapSnapshotSource } from "../../inspect/formats/names.js";
import {
  dominatorsOf,
  EdgeKind,
  edgeKind,
  edgeName,
  type Graph,
  GraphBuilder,
  NOBODY,
  type NodeType,
} from "../../inspect/graph/graph.js";
import { captureImage, findBlocks } from "../../inspect/memory/memory.js";
import { type PythonGraph, pythonGraph } from "../../inspect/python/python.js";
import { draw, randomGraph } from "../support/graphs.js";
import { onlyLong } from "../support/profile.js";
import { load, type Pyodide } from "../support/pyodide.js";
import {
  distancesInDevTools,
  memlabPath,
  nodesOfDevTools,
  nodesOfMemlab,
  openInDevTools,
  openInMemlab,
  type ReadNode,
} from "./formats-readers.js";

const folder = mkdtempSync(join(tmpdir(), "pymalloc-readers-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

function fileOf(source: HeapSnapshotSource): string {
  const path = join(folder, `${files++}.heapsnapshot`);
  writeFileSync(path, Buffer.concat([...writeHeapSnapshot(source)]));
  return path;
}

/** What a reader has to say of a graph: own sizes and numbers of edges, and what each node that is held keeps alive. */
function assertSame(graph: Graph, nodes: readonly ReadNode[]): void {
  const { retained, idom } = dominatorsOf(graph);
  const isHeld = (node: number) => idom[node] !== NOBODY;
  const group = graph.nodes < nodes.length ? 1 : 0;
  assert.equal(nodes.length, graph.nodes + group);
  let all = 0;
  for (let node = 0; node < graph.nodes; node++) {
    const found = nodes[node] as ReadNode;
    const edges = (graph.first[node + 1] as number) - (graph.first[node] as number);
    all += graph.own[node] as number;
    assert.equal(found.own, graph.own[node]);
    assert.equal(found.edges, edges + (node === 0 ? group : 0));
    if (node > 0 && isHeld(node)) assert.equal(found.retained, retained[node], found.name);
  }
  assert.equal(nodes[0]?.retained, all);
  if (group === 1) assert.equal(nodes.at(-1)?.retained, all - (retained[0] as number));
}

async function assertReadTheSame(source: HeapSnapshotSource): Promise<void> {
  const path = fileOf(source);
  const [devTools, memlab] = [
    nodesOfDevTools(await openInDevTools(path)),
    nodesOfMemlab(await openInMemlab(path)),
  ];
  assertSame(source.graph, devTools);
  assertSame(source.graph, memlab);
  assert.deepEqual(memlab, devTools);
}

/** The same below a root and a group of roots, for readers take what hangs on the root itself for a page's window. */
function belowGroup(graph: Graph): Graph {
  const builder = new GraphBuilder(graph.nodes + 2);
  builder.node(0, 1, 0, 0);
  builder.node(0, 1, 0, 0);
  for (let node = 0; node < graph.nodes; node++) {
    builder.node(0x1000 + 16 * node, 0, graph.own[node] as number, 0);
  }
  const name = edgeName(EdgeKind.internal, builder.text("modules"));
  for (const to of [1, 2]) {
    builder.begin();
    builder.edge(to, name);
  }
  for (let node = 0; node < graph.nodes; node++) {
    builder.begin();
    for (let e = graph.first[node] as number; e < (graph.first[node + 1] as number); e++) {
      const kind = edgeKind(graph.names[e] as number);
      builder.edge((graph.to[e] as number) + 2, edgeName(kind, 0));
    }
  }
  const types: NodeType[] = [
    { name: "thing", module: "", kind: "object", node: 0 },
    { name: "root", module: "", kind: "root", node: 0 },
  ];
  return builder.graph(types, () => "");
}

const PROGRAM = `
import weakref
class Order:
    def __init__(self, number):
        self.number = number
        self.items = [number, number * 2.5, "item %d" % number]
CACHE = {}
for i in range(500):
    CACHE["order %d" % i] = Order(i)
seen = weakref.WeakSet(list(CACHE.values())[:10])
long_texts = ["x" * 200 + str(i % 3) for i in range(9)]
`;

/** The heap of an interpreter as it is. */
function graphNow(pyodide: Pyodide): PythonGraph {
  const image = captureImage(pyodide, { copy: true });
  return pythonGraph(image, findBlocks(image));
}

type Opened = Awaited<ReturnType<typeof openInDevTools>>;

function differences(before: Opened, now: Opened) {
  const base = before.aggregatesForDiff(now.interfaceDefinitions());
  return Object.values(now.calculateSnapshotDiff(1, base));
}

/** The types by the constructors that DevTools counts them to, with their numbers and bytes. */
function constructorsOf({ graph }: PythonGraph): Map<string, string> {
  const totals = new Map<string, { count: number; own: number }>();
  for (let node = 1; node < graph.nodes; node++) {
    const { name, module, kind } = graph.types[graph.typeOf[node] as number] as NodeType;
    const own = graph.own[node] as number;
    if (kind === "root" || own === 0) continue;
    const type = module === "" || module === "builtins" ? name : `${module}.${name}`;
    const total = totals.get(type) ?? { count: 0, own: 0 };
    totals.set(type, { count: total.count + 1, own: total.own + own });
  }
  return new Map([...totals].map(([type, { count, own }]) => [type, `${count} ${own}`]));
}

describe("others' readers", { skip: onlyLong }, () => {
  test("graphs of any shape are the same to DevTools and to memlab", async () => {
    await fc.assert(
      fc.asyncProperty(randomGraph(40), async (graph) => {
        await assertReadTheSame({ graph: belowGroup(graph) });
      }),
      // memlab takes half a second for each.
      { numRuns: 20, endOnFailure: true },
    );
  });

  test("what nobody reaches takes no part in holding the rest", async () => {
    const { graph } = draw({
      root: { type: "root", edges: { modules: "modules" } },
      modules: { type: "root", edges: { "module app": "app" } },
      app: { type: "module", label: "app", edges: { ".cache": "cache" } },
      cache: { type: "list", own: 100, edges: { "[0]": "order" } },
      order: { type: "app.Order", own: 1000, edges: { "weak me": "ghost" } },
      garbage: { type: "list", own: 10, edges: { "[0]": "order", "[1]": "partner" } },
      partner: { type: "dict", own: 20, edges: { "['x']": "garbage" } },
      ghost: { type: "dict", own: 5 },
    });
    await assertReadTheSame({ graph });
    const nodes = nodesOfDevTools(await openInDevTools(fileOf({ graph })));
    assert.deepEqual(
      nodes.slice(3, 8).map(({ name, retained }) => `${name} ${retained}`),
      ["list 1100", "app.Order 1000", "list 30", "dict 20", "dict 5"],
    );
  });

  test("a Python heap: types as constructors, sizes, distances, paths, equal texts", async () => {
    const pyodide = await load("pyodide");
    pyodide.runPython(PROGRAM);
    const source = graphNow(pyodide);
    await assertReadTheSame(source);
    const path = fileOf(source);
    const devTools = await openInDevTools(path);
    const all = Object.values(devTools.aggregatesWithFilter({}));
    const found = all.map(({ name, count, self }): [string, string] => [
      name === "(string)" ? "str" : name.replace(/^<(.*)>$/, "$1"),
      `${count} ${self}`,
    ]);
    assert.deepEqual(new Map(found.sort()), new Map([...constructorsOf(source)].sort()));
    const orders = all.find(({ name }) => name === "__main__.Order");
    assert.equal(orders?.count, 500);
    // The root, its group of modules, the module, its dict, CACHE, an order. (A word on C's stack may lead to one.)
    const distances = distancesInDevTools(devTools, "__main__.Order");
    assert.ok(distances.filter((distance) => distance === 5).length > 490, `${distances}`);
    const texts = nodesOfDevTools(devTools).filter(({ name }) => name.startsWith("x".repeat(80)));
    assert.equal(texts.length, 9);
    assert.equal(new Set(texts.map(({ name }) => name)).size, 3);

    const memlab = await openInMemlab(path);
    const address = pyodide.runPython("id(CACHE['order 7'].items)") as number;
    const list = nodesOfMemlab(memlab).find(({ id }) => (id & ~7) >>> 0 === address);
    assert.equal(list?.name, "list");
    assert.equal(
      memlabPath(memlab, list.id),
      "modules > module __main__ > __dict__ > ['CACHE'] > ['order 7'] > items",
    );
  });

  test("DevTools compares two snapshots of a process: what stayed is the same object", async () => {
    const pyodide = await load("pyodide");
    pyodide.runPython(PROGRAM);
    const first = await openInDevTools(fileOf(graphNow(pyodide)));
    const same = await openInDevTools(fileOf(graphNow(pyodide)));
    assert.deepEqual(differences(first, same), []);
    pyodide.runPython(
      "LATER = [Order(i) for i in range(25)]; del CACHE['order 3'], CACHE['order 4']",
    );
    const second = await openInDevTools(fileOf(graphNow(pyodide)));
    const found = differences(first, second);
    const orders = found.find(({ name }) => name === "__main__.Order");
    // The two that are gone left their places to two of the new ones, which no address tells apart.
    assert.equal((orders?.addedCount ?? 0) - (orders?.removedCount ?? 0), 23);
    assert.ok((orders?.removedCount ?? 9) <= 2);
    const address = pyodide.runPython("id(LATER[20])") as number;
    assert.ok(orders?.addedIds.some((id) => (id & ~7) >>> 0 === address));
  });
});
