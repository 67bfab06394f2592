/** python/proxies.ts and inspect/python/javascript.ts: what JavaScript holds of Python and Python of JavaScript. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  EdgeKind,
  edgeKind,
  edgeValue,
  type Snapshot,
  takeSnapshot,
} from "../../inspect/inspect.js";
import { javascriptMarks } from "../../inspect/python/python.js";
import { install, programOf, tracedProxies } from "../../python/python.js";
import { load, type Pyodide, VERSIONS } from "../support/pyodide.js";

interface Proxy {
  (...values: unknown[]): unknown;
  destroy(): void;
  copy(): Proxy;
}

interface Scripted extends Pyodide {
  readonly globals: { get(name: string): Proxy; set(name: string, value: unknown): void };
}

const PROGRAM = `
import js
from pyodide.ffi import create_once_callable, create_proxy
class Order: pass
class Passed: pass
class View: pass
def make(): return Order()
def call(script): script(Passed())
`;

async function started(version: string): Promise<Scripted> {
  const pyodide = (await load(version)) as Scripted;
  pyodide.runPython(PROGRAM);
  return pyodide;
}

/** The line of this file that calls. */
function line(): string {
  const place = new Error().stack?.split("\n")[2]?.match(/proxies\.test\.ts:\d+/)?.[0];
  assert.ok(place !== undefined);
  return place;
}

function wayTo(snapshot: Snapshot, type: string): string {
  const [node] = snapshot.find(type);
  assert.ok(node !== undefined, type);
  return String(snapshot.pathsTo(node, { limit: 1 })[0]);
}

const view = (pyodide: Scripted) => takeSnapshot(pyodide as never);

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

for (const version of VERSIONS) {
  describe(version, async () => {
    const stock = await started(version);
    const traced = await started(version);
    install(traced, { traceProxies: true });
    const program = programOf(traced, "test");
    /** The stacks of the proxies of objects of a type. */
    const stacksOf = (type: string) => {
      const snapshot = view(traced);
      const addresses = new Set(snapshot.find(type).map((node) => snapshot.graph.addresses[node]));
      return tracedProxies(program)
        .filter(({ object }) => addresses.has(object))
        .map(({ stack }) => stack);
    };

    test("a PyProxy that nobody noted holds from outside", () => {
      const make = stock.globals.get("make");
      const order = make() as Proxy;
      assert.match(wayTo(view(stock), "__main__.Order"), /^JavaScript or C > Order$/);
      order.destroy();
      make.destroy();
      assert.deepEqual(view(stock).find("__main__.Order"), []);
    });

    test("one that was noted names the line that made it, until it is destroyed", () => {
      const make = traced.globals.get("make");
      const [order, here] = [make() as Proxy, line()];
      const way = wayTo(view(traced), "__main__.Order");
      assert.equal(way, `PyProxy (made at ${here}) > Order`);
      const copy = order.copy();
      order.destroy();
      assert.match(wayTo(view(traced), "__main__.Order"), /^PyProxy \(made at proxies\.test\.ts:/);
      copy.destroy();
      make.destroy();
      assert.deepEqual(view(traced).find("__main__.Order"), []);
    });

    test("Python's line is named where Python makes one", () => {
      traced.runPython("\n\nheld = create_proxy(View())");
      assert.equal(stacksOf("__main__.View").length, 1);
      assert.match(stacksOf("__main__.View")[0] as string, /^File "<exec>", line 3 in <module>$/m);
      traced.runPython("held.destroy()\ndel held");
      assert.deepEqual(stacksOf("__main__.View"), []);
    });

    test("a callable for one call is noted, and gone after it", () => {
      traced.runPython("js.globalThis.once = create_once_callable(lambda: None)");
      const lambdas = () => stacksOf("function:<lambda>").length;
      assert.equal(lambdas(), 1);
      (globalThis as unknown as { once?: () => void }).once?.();
      delete (globalThis as { once?: unknown }).once;
      assert.equal(lambdas(), 0);
    });

    test("what JavaScript gets for the time of a call is noted while that lasts", () => {
      let during = 0;
      const call = traced.globals.get("call");
      call((passed: Proxy) => {
        assert.ok(passed !== undefined);
        during = stacksOf("__main__.Passed").length;
      });
      call.destroy();
      assert.equal(during, 1);
      assert.deepEqual(view(traced).find("__main__.Passed"), []);
    });

    test("those that JavaScript has collected are gone", async () => {
      const make = traced.globals.get("make");
      const before = tracedProxies(program).length;
      (() => {
        for (let count = 0; count < 50; count++) make();
      })();
      assert.ok(tracedProxies(program).length >= before + 50);
      for (let tries = 0; tries < 20 && tracedProxies(program).length > before; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        collect();
      }
      assert.ok(tracedProxies(program).length <= before);
      make.destroy();
    });

    test("values of JavaScript's are nodes with a text", () => {
      traced.runPython(`
values = [js.eval("[1, 2, 3]"), js.eval("(function onClick(event) {})"), js.eval("new Map([[1, 2]])"),
  js.eval("new (class Button {})()"), js.eval("new Uint8Array(12)")]
`);
      const { graph } = view(traced);
      const texts = Array.from({ length: graph.nodes }, (_, node) => node)
        .filter((node) => graph.types[graph.typeOf[node] as number]?.kind === "javascript")
        .map((node) => graph.label(node));
      for (const text of [
        "Array(3)",
        "function onClick",
        "Map(1)",
        "Button",
        "Uint8Array(12 bytes)",
      ]) {
        assert.ok(texts.includes(text), `${text} of ${texts}`);
      }
    });

    test("a ring over the border can be seen", () => {
      traced.runPython(`
class Ring: pass
ring = Ring()
ring.button = js.eval("({ handlers: [] })")
ring.button.handlers.push(create_proxy(ring))
del ring
`);
      const snapshot = view(traced);
      const { graph } = snapshot;
      const [ring] = snapshot.find("__main__.Ring");
      const names: string[] = [];
      for (let node = 1; node < graph.nodes; node++) {
        if (graph.types[graph.typeOf[node] as number]?.kind !== "javascript") continue;
        const end = graph.first[node + 1] as number;
        for (let edge = graph.first[node] as number; edge < end; edge++) {
          const name = graph.names[edge] as number;
          if (graph.to[edge] !== ring || edgeKind(name) !== EdgeKind.internal) continue;
          names.push(graph.texts[edgeValue(name)] as string);
        }
      }
      assert.deepEqual(names, [".handlers[0] (PyProxy)"]);
      assert.match(wayTo(snapshot, "__main__.Ring"), /^PyProxy \(made at .* > Ring$/);
    });

    test("no Python runs for it, and nothing of a program's own", () => {
      traced.runPython(`
asked = 0
class Curious:
    def __getattr__(self, name):
        global asked
        asked += 1
        raise AttributeError(name)
    def __len__(self):
        global asked
        asked += 1
        return 0
curious = create_proxy(Curious())
js.globalThis.tricky = js.eval("({ get trap() { throw new Error('asked') }, fine: 1 })")
tricky = [js.tricky, js.eval("new Proxy({}, { ownKeys() { throw new Error('asked') }, get() { throw new Error('asked') } })")]
`);
      const before = traced.runPython("asked");
      javascriptMarks(traced);
      view(traced);
      assert.equal(traced.runPython("asked"), before);
      traced.runPython("del curious, tricky, js.globalThis.tricky");
    });
  });
}

test("the option is checked, and a second call may switch it on", async () => {
  const pyodide = await started("pyodide");
  const wrong = { traceProxies: 1 } as never;
  assert.throws(() => install(pyodide, wrong), {
    name: "TypeError",
    message: "install: traceProxies is 1, expected true or false",
  });
  const first = install(pyodide);
  const order = () => tracedProxies(programOf(pyodide, "test")).length;
  assert.equal(order(), 0);
  assert.equal(install(pyodide, { traceProxies: true }), first);
  const make = pyodide.globals.get("make");
  assert.ok(order() > 0);
  make.destroy();
});
