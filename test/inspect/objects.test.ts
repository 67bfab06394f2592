/** What blocks are: objects with their types, what belongs to them, and what is free. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IMMORTAL } from "../../inspect/graph/graph.js";
import {
  BlockKind,
  captureImage,
  findBlocks,
  type ImageMarks,
  imageOf,
} from "../../inspect/memory/memory.js";
import { pythonGraph } from "../../inspect/python/python.js";
import { NO_BLOCKS } from "../support/graphs.js";
import { load, type Pyodide, VERSIONS } from "../support/pyodide.js";
import { edgesOf, graphOf, PROGRAM, typeName } from "./witness.js";

const idOf = (pyodide: Pyodide, expression: string) =>
  pyodide.runPython(`id(${expression})`) as number;

for (const name of VERSIONS) {
  const pyodide = await load(name);
  pyodide.runPython(PROGRAM);
  const image = captureImage(pyodide, { copy: true });
  const blocks = findBlocks(image);
  const python = pythonGraph(image, blocks);
  const { graph, statistics } = python;
  const nodeOf = (expression: string) => python.nodeAt(idOf(pyodide, expression));

  test(`${name}: nearly every block is known`, () => {
    const { objects, freed, owned, plain } = statistics;
    assert.equal(objects + freed + owned + plain, blocks.count);
    assert.ok(plain < 0.015 * blocks.count, `${plain} of ${blocks.count}`);
  });

  test(`${name}: the parts of the memory are counted once`, () => {
    let own = 0;
    let taken = 0;
    for (let node = 0; node < graph.nodes; node++) own += graph.own[node] as number;
    for (let block = 0; block < blocks.count; block++) taken += blocks.taken[block] as number;
    assert.equal(own, taken);
  });

  test(`${name}: types have the names that Python gives them`, () => {
    const types = graph.types.filter(({ kind }) => kind === "object");
    const known = new Map(types.map((type) => [`${type.module}.${type.name}`, type]));
    for (const type of ["__main__.Order", "builtins.dict", "collections.deque", "__main__.Color"]) {
      assert.ok(known.has(type), type);
    }
    const order = known.get("__main__.Order");
    assert.equal(graph.addresses[order?.node ?? 0], idOf(pyodide, "Order"));
  });

  test(`${name}: every object is as long as Python says`, () => {
    const names = ["orders", "sparse", "members", "texts[0]", "queue", "ordered", "buffers[1]"];
    for (const expression of [...names, "Order", "pattern", "frozen", "mixed"]) {
      const said = pyodide.runPython(`__import__("sys").getsizeof(${expression})`) as number;
      const own = graph.own[nodeOf(expression)] as number;
      assert.ok(own >= said && own < 1.25 * said + 64, `${expression}: ${own}, expected ${said}`);
    }
  });

  test(`${name}: names of references`, () => {
    const { ".n": n, ".name": text } = edgesOf(graph, nodeOf("orders[7]"));
    assert.deepEqual([n, text], ["7", "order 7"]);
    assert.equal(edgesOf(graph, nodeOf("orders[7].items"))["[1]"], "7");
    assert.equal(edgesOf(graph, nodeOf("slots[7]"))[".b"], "777");
    assert.equal(edgesOf(graph, nodeOf("mixed"))["['1']"], "2");
    assert.equal(edgesOf(graph, nodeOf("ordered"))["['3']"], "len 1");
    assert.equal(edgesOf(graph, nodeOf("queue"))["[0]"], "len 1");
    assert.equal(edgesOf(graph, nodeOf("generators[0]"))["local b"], "len 1");
    assert.equal(edgesOf(graph, nodeOf("frames[1]"))["local here"], "len 2");
    assert.match(edgesOf(graph, nodeOf("closures[0]"))["__globals__"] ?? "", /^len \d+$/);
    assert.equal(edgesOf(graph, nodeOf("closures[0].__closure__[0]"))["contents"], "len 1");
    assert.equal(edgesOf(graph, nodeOf("weak[3]"))["weak object"], "");
    assert.equal(edgesOf(graph, nodeOf("error"))["__cause__"], "");
    assert.equal(edgesOf(graph, nodeOf("partial"))["args"], "len 1");
    assert.equal(edgesOf(graph, nodeOf("tree[7]"))["text"], "t7");
    assert.equal(edgesOf(graph, nodeOf("sys.modules['json']"))["__name__"], "json");
    assert.match(edgesOf(graph, nodeOf("Order"))["['__init__']"] ?? "", /^$/);
    assert.match(edgesOf(graph, nodeOf("dict"))["__dict__"] ?? "", /^len \d+$/);
  });

  test(`${name}: labels`, () => {
    const labels: Record<string, RegExp> = {
      "texts[1]": /^\u4e00{5}$/,
      "texts[2]": /^\u{1f600}{3}$/u,
      "'x' * 1000": /^$/,
      "numbers[20]": /^1{1}0{50}$/,
      "numbers[22]": /^-931322574615478515625000000000$|^-\d+$/,
      "numbers[25]": /^3\.0$/,
      "b'abc\\x00'": /^$/,
      "outer.__code__": /^outer \(.+:\d+\)$/,
      kept_frame: /^kept_frame \(.+:\d+\)$/,
      "asyncio.sleep": /^sleep \(.+tasks\.py:\d+\)$/,
      "Order.__init__": /^Order\.__init__ \(/,
      "orders[0].__class__": /^__main__\.Order$/,
      collections: /^collections$/,
      orders: /^len 2000$/,
      members: /^len 999$/,
      "generators[0]": /^generate$/,
      True: /^True$/,
      "[].append": /^$/,
    };
    for (const [expression, label] of Object.entries(labels)) {
      if (label.source === "^$") continue;
      assert.match(graph.label(nodeOf(expression)), label, expression);
    }
  });

  test(`${name}: objects that are gone are not live ones`, () => {
    assert.ok(statistics.freed > 0);
    for (const type of graph.types) {
      if (type.name.startsWith("free ")) assert.equal(type.kind, "memory");
    }
    for (let node = 1; node < graph.nodes; node++) {
      if (graph.types[graph.typeOf[node] as number]?.kind === "object") {
        assert.notEqual(graph.counts[node], 0);
      }
    }
    assert.equal(graph.counts[nodeOf("None")], IMMORTAL);
  });

  test(`${name}: content`, () => {
    pyodide.runPython(`
texts_alike = ["".join(["abc", str(n)]) for n in (1, 1, 2)]
tuples_alike = [(n, "".join(["k", "1"])) for n in (1, 1, 2)]
roomy = list(range(1000))
del roomy[600:]
wide = {n: n for n in range(1000)}
for n in range(995): del wide[n]
`);
    const now = graphOf(pyodide);
    const at = (expression: string) => now.nodeAt(idOf(pyodide, expression));
    for (const alike of ["texts_alike", "tuples_alike"]) {
      const [one, same, other] = [0, 1, 2].map((index) => at(`${alike}[${index}]`)) as [
        number,
        number,
        number,
      ];
      assert.notEqual(one, same);
      assert.equal(now.content(one).hash, now.content(same).hash);
      assert.ok(now.equal(one, same) && !now.equal(one, other));
    }
    assert.deepEqual(
      { ...now.content(at("texts_alike[0]")), hash: 0 },
      { kind: "str", length: 4, capacity: 0, hash: 0 },
    );
    const roomy = now.content(at("roomy"));
    assert.equal(roomy.length, 600);
    assert.ok(roomy.capacity >= 400 * 4 - 64 && roomy.capacity < 3000, `${roomy.capacity}`);
    const wide = now.content(at("wide"));
    assert.ok(
      wide.kind === "dict" && wide.length === 5 && wide.capacity > 5000,
      `${wide.capacity}`,
    );
    assert.equal(typeName(now.graph, at("wide")), "dict");
  });

  test(`${name}: pool blocks and system blocks are both looked into`, () => {
    assert.ok(blocks.kinds.includes(BlockKind.system));
  });
}

test("static data of a library that was loaded: its types, and its objects", async () => {
  const pyodide = await load("pyodide");
  const {
    _malloc: malloc,
    HEAPU8: u8,
    HEAPU32: u32,
  } = pyodide._module as {
    _malloc(bytes: number): number;
    HEAPU8: Uint8Array;
    HEAPU32: Uint32Array;
  };
  const [data, object, holder] = [8192, 16, 40].map((bytes) => malloc(bytes)) as [
    number,
    number,
    number,
  ];
  u8.fill(0, data, data + 8192);
  u8.fill(0, holder, holder + 40);
  const [type, one, name] = [data + 4, data + 1024, data + 2048];
  const float = pyodide.runPython("id(float)") as number;
  u8.copyWithin(type, float, float + 208);
  u8.set(new TextEncoder().encode("library.Thing\0"), name);
  u32[(type + 12) >>> 2] = name;
  for (const thing of [object, one]) u32.set([1, type], thing >>> 2);
  u32.set([one, object], (holder >>> 2) + 3);
  const { graph, nodeAt } = graphOf(pyodide);
  const kindOf = (node: number) => graph.types[graph.typeOf[node] as number];
  assert.deepEqual(
    { ...kindOf(nodeAt(object)), node: 0 },
    { name: "Thing", module: "library", kind: "object", node: 0 },
  );
  assert.equal(kindOf(nodeAt(one))?.kind, "static");
  assert.equal(graph.addresses[kindOf(nodeAt(one))?.node ?? 0], type);
  assert.deepEqual(Object.keys(edgesOf(graph, nodeAt(holder))), ["+12", "+16"]);
});

test("what is no Python gets one clear error", () => {
  const bytes = new Uint8Array(1 << 16);
  const graphOfNothing = (version: string, symbols: ImageMarks["symbols"]) => {
    const marks = { kind: "pyodide", version, symbols } as ImageMarks;
    return pythonGraph(imageOf(marks, bytes), NO_BLOCKS);
  };
  const symbols = { PyType_Type: 8 };
  const older = /version is "3.11.0", expected Python 3.12/;
  assert.throws(() => graphOfNothing("3.11.0", symbols), older);
  assert.throws(() => graphOfNothing("3.14.2", {}), /no address of PyType_Type/);
});
