/** What changed between two snapshots: who is the same, what grew, and who holds it. On graphs by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Difference, diff } from "../../inspect/diff.js";
import type { Drawn } from "../support/graphs.js";
import { drawSnapshot } from "../support/graphs.js";

/** A program whose global ALL is a list of these. */
function listing(items: Readonly<Record<string, Drawn>>, own = 40): Record<string, Drawn> {
  const edges = Object.fromEntries(Object.keys(items).map((name, i) => [`[${i}]`, name]));
  return {
    root: { type: "root", edges: { modules: "modules" } },
    modules: { type: "root", edges: { "module app": "app" } },
    app: { type: "module", label: "app", address: 0x100, edges: { __dict__: "globals" } },
    globals: { type: "dict", address: 0x200, edges: { "['ALL']": "all" } },
    all: { type: "list", address: 0x300, own, edges },
    ...items,
  };
}

function order(address: number, own = 100): Drawn {
  return { type: "app.Order", address, own };
}

/** Without the names of entries, which are no part of what is drawn. */
function holders({ holders: rows }: Difference) {
  const drawn = rows.filter(({ path }) => path !== "(not reachable)");
  return drawn.map(({ type, path, count, bytes }) => ({ type, path, count, bytes }));
}

const ALL = "module app > global ALL";

test("what is new is told by its type and by what holds it", () => {
  const before = drawSnapshot(listing({ a: order(0x1000) }));
  const after = drawSnapshot(listing({ a: order(0x1000), b: order(0x2000), c: order(0x3000) }, 48));
  const change = diff(before, after);
  assert.deepEqual(holders(change), [
    { type: "app.Order", path: `${ALL} > [...]`, count: 2, bytes: 200 },
    { type: "list", path: ALL, count: 0, bytes: 8 },
  ]);
  assert.deepEqual(change.types, [
    {
      type: "app.Order",
      count: 2,
      bytes: 200,
      new: { count: 2, bytes: 200 },
      gone: { count: 0, bytes: 0 },
      grown: { count: 0, bytes: 0 },
    },
    {
      type: "list",
      count: 0,
      bytes: 8,
      new: { count: 0, bytes: 0 },
      gone: { count: 0, bytes: 0 },
      grown: { count: 1, bytes: 8 },
    },
  ]);
  assert.equal(String(change.holders[0]?.example), `${ALL} > [1] > Order`);
  const text = String(change);
  assert.equal(
    text.split("\n")[0],
    "app.Order +2 (+200 bytes), held by module app > global ALL > [...]",
  );
});

test("what only a new object holds is counted to it, and named", () => {
  const b = { ...order(0x2000), edges: { ".list": "list", ".text": "text" } };
  const before = drawSnapshot(listing({}));
  const after = drawSnapshot({
    ...listing({ b }),
    list: { type: "list", address: 0x2100, own: 900, edges: { "[0]": "text" } },
    text: { type: "str", address: 0x2200, own: 50 },
  });
  const [row] = diff(before, after).holders;
  assert.deepEqual([row?.type, row?.count, row?.bytes], ["app.Order", 1, 1050]);
  assert.deepEqual(row?.with, [
    { type: "list", count: 1, bytes: 900 },
    { type: "str", count: 1, bytes: 50 },
  ]);
});

test("what is gone is told as well, and the same heap has no difference", () => {
  const before = drawSnapshot(listing({ a: order(0x1000), b: order(0x2000) }));
  const after = drawSnapshot(listing({ a: order(0x1000) }));
  assert.deepEqual(holders(diff(before, after)), [
    { type: "app.Order", path: `${ALL} > [...]`, count: -1, bytes: -100 },
  ]);
  assert.match(String(diff(before, after)), /^nothing has grown\n/);
  assert.equal(String(diff(before, before)), "nothing has changed\n");
  assert.equal(
    String(diff(after, drawSnapshot(listing({ a: order(0x1000) })))),
    "nothing has changed\n",
  );
});

test("an address that another type, or another text, has got is no survivor", () => {
  const text = (label: string, hash: number): Drawn => {
    return { type: "str", address: 0x2000, own: 30, label, content: { kind: "str", hash } };
  };
  const before = drawSnapshot(listing({ a: order(0x1000), b: text("one", 1) }));
  const after = drawSnapshot(
    listing({ a: { type: "app.Item", address: 0x1000, own: 100 }, b: text("two", 2) }),
  );
  const change = diff(before, after);
  const counts = (type: string) => {
    const row = change.types.find((found) => found.type === type);
    return [row?.new.count, row?.gone.count];
  };
  assert.deepEqual(counts("app.Order"), [0, 1]);
  assert.deepEqual(counts("app.Item"), [1, 0]);
  assert.deepEqual(counts("str"), [1, 1]);
});

test("a new object at the address of one that was held elsewhere counts to its own holder", () => {
  // The local `tmp` was freed, its address is the new order's, and a new `tmp` is somewhere else.
  const frame = (): Drawn => ({ type: "root", edges: { "local tmp of f": "tmp" } });
  const root: Drawn = { type: "root", edges: { modules: "modules", frames: "frames" } };
  const before = drawSnapshot({
    ...listing({ a: order(0x1000) }),
    root,
    frames: frame(),
    tmp: order(0x5000),
  });
  const after = drawSnapshot({
    ...listing({ a: order(0x1000), b: order(0x5000) }),
    root,
    frames: frame(),
    tmp: order(0x6000),
  });
  const [first] = diff(before, after).holders;
  assert.deepEqual([first?.type, first?.path, first?.count], ["app.Order", `${ALL} > [...]`, 1]);
});

test("what only has another holder is no growth, however large it is", () => {
  const before = drawSnapshot(listing({ a: order(0x1000, 5000) }));
  const after = drawSnapshot({
    ...listing({}),
    globals: {
      type: "dict",
      address: 0x200,
      edges: { "['ALL']": "all", "['X']": "a", "['Y']": "y" },
    },
    a: order(0x1000, 5000),
    b: order(0x7000, 1),
    y: { type: "str", address: 0x8000, own: 30 },
    all: { type: "list", address: 0x300, own: 40, edges: { "[0]": "b" } },
  });
  const change = diff(before, after);
  const [first, ...rest] = holders(change);
  assert.deepEqual(first, { type: "str", path: "module app > global Y", count: 1, bytes: 30 });
  assert.deepEqual(rest, [
    { type: "app.Order", path: "module app > global X", count: 1, bytes: 5000 },
    { type: "app.Order", path: `${ALL} > [...]`, count: 0, bytes: -4999 },
  ]);
  assert.deepEqual(change.holders[1]?.moved, { count: 1, bytes: 5000 });
});

test("what waits in a free list is nothing that grows", () => {
  const free = (address: number): Drawn => ({ type: "memory free tuple", address, own: 40 });
  const change = diff(
    drawSnapshot({ ...listing({}), a: free(0x1000) }),
    drawSnapshot({ ...listing({}), a: free(0x1000), b: free(0x2000) }),
  );
  assert.deepEqual(change.types, []);
});

test("of two snapshots in place of one memory the first has no content any more: refused", () => {
  const bytes = new Uint8Array(64);
  const before = drawSnapshot(listing({}), bytes);
  assert.throws(() => diff(before, drawSnapshot(listing({}), bytes)), /taken in place.*copies/);
  assert.throws(
    () => diff(before, {} as never),
    /after is an object \(Object\), expected a snapshot/,
  );
});

test("types that take as much are told by their names, wherever their objects lie", () => {
  const kept = (first: string, second: string) => {
    const one: Drawn = { ...order(0x400), edges: { ".a": "a", ".b": "b" } };
    const a: Drawn = { type: first, address: 0x500, own: 32 };
    const b: Drawn = { type: second, address: 0x600, own: 32 };
    const growth = diff(drawSnapshot(listing({})), drawSnapshot({ ...listing({ one }), a, b }));
    return growth.holders.find(({ type }) => type === "app.Order")?.with.map(({ type }) => type);
  };
  assert.deepEqual(kept("tuple", "str"), ["str", "tuple"]);
  assert.deepEqual(kept("str", "tuple"), ["str", "tuple"]);
});
