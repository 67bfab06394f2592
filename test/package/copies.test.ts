/**
 * A program may load the package as an ES module and as a CommonJS one, and each entry of the latter is a bundle of its own.
 * So there are several copies of each class, and `instanceof` has to take the errors of all of them.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

type Exports = Readonly<Record<string, unknown>>;
type Errors = new (...of: unknown[]) => Error;

const dist = new URL("../../dist/", import.meta.url);
const require = createRequire(import.meta.url);

/** What the two formats of an entry export. */
async function copies(entry: string): Promise<[Exports, Exports]> {
  const esm = await import(new URL(`esm/${entry}.js`, dist).href);
  return [esm, require(fileURLToPath(new URL(`cjs/${entry}.js`, dist)))];
}

/** An error that a heap of a copy throws. */
function thrownBy(index: Exports): Error {
  type Freeing = { mem: { malloc(n: number): number }; object: { free(p: number): void } };
  const createHeap = index["createHeap"] as (options: object) => Freeing;
  const heap = createHeap({ malloc: "debug" });
  try {
    heap.object.free(heap.mem.malloc(1));
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

test("an error of any format is a PyMemError of every entry and format", async () => {
  const both = await copies("index");
  const classes = [...both, ...(await copies("install"))].map(({ PyMemError }) => PyMemError);
  assert.equal(new Set(classes).size, 3, "the ES modules share one");
  for (const PyMemError of classes) {
    for (const other of both) {
      const error = thrownBy(other);
      assert.ok(error instanceof (PyMemError as Errors));
      assert.ok(error instanceof Error);
    }
    assert.ok(!(new Error("another") instanceof (PyMemError as Errors)));
    assert.ok(!((null as unknown) instanceof (PyMemError as Errors)));
  }
});

test("what is derived of it takes its own errors only", async () => {
  const [esm, cjs] = await copies("index");
  class Special extends (esm["PyMemError"] as Errors) {}
  assert.ok(!(thrownBy(esm) instanceof Special));
  const special = new Special("double-free", "twice", {});
  assert.ok(special instanceof Special);
  assert.ok(special instanceof (cjs["PyMemError"] as Errors));
});

test("an error of either format of pymalloc/link is a LinkError of the other", async () => {
  const both = await copies("link/index");
  for (const { LinkError } of both) {
    for (const { link } of both) {
      const linking = (link as (options: object) => Promise<unknown>)({
        pyodide: "nowhere",
        output: "nothing",
      });
      await assert.rejects(linking, (error) => error instanceof (LinkError as Errors));
    }
  }
});
