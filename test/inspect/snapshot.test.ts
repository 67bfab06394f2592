/** A snapshot of a Python, from end to end: what it says, that no Python runs for it, and that it can be saved. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  captureImage,
  diff,
  memory,
  openSnapshot,
  type Snapshot,
  takeSnapshot,
} from "../../inspect/inspect.js";
import { load } from "../support/pyodide.js";

const PROGRAM = `
class Order:
    def __init__(self, i):
        self.id = i
        self.items = [i, "item %d" % i]

CACHE = {"k%d" % i: Order(i) for i in range(500)}
twins = [bytes(b"twin" * 1000) + bytes([0]) for _ in range(20)]
address = id(CACHE["k7"])
`;

const pyodide = await load("pyodide");
pyodide.runPython(PROGRAM);
const address = pyodide.runPython("address") as number;

/** What a snapshot of the program has to say. */
function check(snapshot: Snapshot): void {
  const order = snapshot.types().find(({ type }) => type === "__main__.Order");
  assert.equal(order?.count, 500);
  assert.equal(snapshot.find("Order").length, 500);
  assert.deepEqual(snapshot.find("__main__.Order"), snapshot.find("Order"));
  const [row, ...others] = snapshot.holders("__main__.Order");
  assert.deepEqual([row?.path, row?.count], ["module __main__ > global CACHE > [...]", 500]);
  assert.deepEqual(others, []);
  const [path] = snapshot.pathsTo(`0x${address.toString(16)}`);
  assert.equal(String(path), "module __main__ > global CACHE > ['k7'] > Order");
  const [item] = snapshot.pathsTo("str:'item 7'");
  const way = "module __main__ > global CACHE > ['k7'] > Order.items[1]";
  assert.equal(String(item), `${way} > str 'item 7'`);
  const twin = snapshot.duplicates(5).find(({ label }) => label.startsWith("twintwin"));
  assert.deepEqual([twin?.type, twin?.count], ["bytes", 20]);
  const { parts, total } = snapshot.memory();
  const sum = (value: unknown): number => {
    if (typeof value === "number") return value;
    return Object.values(value as object).reduce((all: number, part) => all + sum(part), 0);
  };
  assert.equal(sum(parts), total);
}

const snapshot = takeSnapshot(pyodide);

test("a snapshot says what is there, and who holds it", () => {
  check(snapshot);
  assert.match(snapshot.version, /^3\.14\./);
  assert.equal(snapshot.note, "");
  assert.ok(Math.abs(Date.now() - snapshot.time) < 600_000);
});

test("dominators are a tree whose sizes are right", () => {
  const node = snapshot.nodeAt(address);
  const { own, retained, type } = snapshot.describe(node);
  assert.equal(type, "__main__.Order");
  assert.equal(snapshot.retained(node), retained);
  assert.ok(retained > own);
  const below = snapshot.children(node).reduce((sum, child) => sum + snapshot.retained(child), 0);
  assert.equal(own + below, retained);
  const cache = snapshot.idom(node);
  assert.ok(cache !== undefined && snapshot.children(cache).includes(node));
  assert.equal(snapshot.describe(cache).path, "module __main__ > global CACHE");
  const sizes = snapshot.children(cache).map((child) => snapshot.retained(child));
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );
  assert.equal(snapshot.idom(0), undefined);
  const rows = snapshot.dominators(200);
  assert.ok(rows.some(({ path }) => path === "module __main__ > global CACHE"));
});

test("it is JSON, with as many rows as wanted", () => {
  const summary = JSON.parse(JSON.stringify(snapshot));
  assert.deepEqual(summary, JSON.parse(JSON.stringify(snapshot.summary())));
  assert.equal(summary.types.length, 20);
  assert.equal(summary.nodes, snapshot.graph.nodes);
  assert.equal(snapshot.summary(3).dominators.length, 3);
});

test("nothing in the memory changes by it, and no Python runs", () => {
  const before = captureImage(pyodide, { copy: true });
  check(takeSnapshot(pyodide, { copy: false }));
  assert.deepEqual(Buffer.from(captureImage(pyodide).u8).equals(Buffer.from(before.u8)), true);
});

test("what was saved says the same when it is opened", async () => {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of snapshot.save()) pieces.push(piece as Uint8Array<ArrayBuffer>);
  const opened = await openSnapshot(new Blob(pieces));
  check(opened);
  assert.deepEqual(opened.types(), snapshot.types());
  assert.equal(opened.time, snapshot.time);
  assert.deepEqual(diff(snapshot, opened).holders, []);
});

test("it is written as V8's .heapsnapshot", async () => {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of snapshot.toHeapSnapshot())
    text += decoder.decode(piece, { stream: true });
  const { snapshot: head, strings } = JSON.parse(text);
  assert.ok(head.node_count >= snapshot.graph.nodes);
  assert.ok(strings.includes("item 7"));
});

test("an image of its own does as well as an interpreter", () => {
  check(takeSnapshot(captureImage(pyodide, { copy: true })));
});

test("the memory of one taken in place may grow: then it says so", async () => {
  const other = await load("pyodide");
  const inPlace = takeSnapshot(other, { copy: false });
  const copy = takeSnapshot(other);
  other.runPython("grown = bytearray(64 << 20)");
  assert.throws(() => inPlace.find("dict"), /the memory has grown since .* taken in place/);
  assert.throws(() => inPlace.memory(), /the memory has grown/);
  assert.ok(copy.find("dict").length > 100);
  const [first] = diff(copy, takeSnapshot(other)).holders;
  assert.deepEqual([first?.type, first?.path], ["bytearray", "module __main__ > global grown"]);
});

test("what is no interpreter, no node, no query is refused", () => {
  const wrong = (value: unknown) => () => takeSnapshot(value as never);
  assert.throws(
    wrong(undefined),
    /takeSnapshot: expected a Pyodide, a heap or an image, got undef/,
  );
  assert.throws(wrong({}), TypeError);
  for (const node of [-1, 0.5, snapshot.graph.nodes, Number.NaN, "0x10" as never]) {
    assert.throws(
      () => snapshot.retained(node),
      /retained: node is .*, expected a node, from 0 to /,
    );
  }
  assert.throws(() => snapshot.dominators(-1), /dominators: limit is -1, expected a whole number/);
  assert.throws(() => snapshot.find(7 as never), /find: query is 7, expected a text/);
  assert.throws(() => snapshot.holders(null as never), /holders: type is null/);
  assert.deepEqual(snapshot.pathsTo("NoSuchType"), []);
});

test("the budget is had without a snapshot", () => {
  const budget = memory(pyodide);
  assert.equal(budget.total, captureImage(pyodide).u8.length);
});
