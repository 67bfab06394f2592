/** Errors have codes: each that is thrown on purpose is made in base/errors.ts. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { debugLayout, PyMemError, type PyMemErrorKind } from "../../base/base.js";
import { constantName } from "../../base/errors.js";
import { createHeap, type ErrorCode } from "../../src/index.js";
import { failAllocations } from "../../src/testing.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("each code is met where the table of base/errors.ts says", () => {
  const heap = createHeap({ malloc: "debug" });
  const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
  const Blob = heap.defineType({ name: "Blob", items: "u8" });
  const Zombie = heap.defineType({ name: "Zombie", dealloc: (p) => heap.incref(p) });
  const p = heap.object.malloc(8);
  heap.object.free(p);
  const { memory, raw: system } = createHeap({ malloc: "malloc" });
  const foreign = createHeap({ malloc: "pymalloc", memory, system });
  const disposed = createHeap();
  disposed[Symbol.dispose]();
  const noMalloc = { ...system, calloc: () => 0 };
  const cases: [ErrorCode, new (...args: never[]) => Error, () => unknown][] = [
    ["PYMALLOC_DOUBLE_FREE", PyMemError, () => heap.object.free(p)],
    ["PYMALLOC_INVALID_POINTER", PyMemError, () => heap.object.free(8)],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => createHeap({ malloc: "fast" as "malloc" })],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => createHeap({ quick: true } as object)],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => heap.checked.mem.malloc(-1)],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => heap.defineType({ name: "" })],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => heap.incref(0)],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => Point.at(0)],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => heap.getAllocator(3 as 2)],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => heap.instantiate("" as never)],
    ["PYMALLOC_INVALID_ARGUMENT", TypeError, () => failAllocations(heap, { start: 0 })],
    ["PYMALLOC_INVALID_ARGUMENT", RangeError, () => heap.newVarObject(Blob, -1)],
    ["PYMALLOC_INVALID_ARGUMENT", RangeError, () => heap.initObject(12, Point)],
    ["PYMALLOC_DEAD_OBJECT", RangeError, () => heap.decref(heap.newObject(Zombie))],
    ["PYMALLOC_OUT_OF_MEMORY", RangeError, () => createHeap({ memory, system: noMalloc })],
    ["PYMALLOC_CONFLICT", Error, () => foreign.snapshot()],
    ["PYMALLOC_DISPOSED", Error, () => disposed.stats()],
  ];
  for (const [code, type, call] of cases) {
    assert.throws(
      call,
      (error) => error instanceof type && (error as { code?: string }).code === code,
      `${code}: ${call}`,
    );
  }
});

test("a PyMemError's code is its kind, and its number in the core has the same name", () => {
  const numbers: Partial<Record<PyMemErrorKind, number>> = {
    "buffer-overflow": debugLayout.BUFFER_OVERFLOW,
    "use-after-free-write": debugLayout.USE_AFTER_FREE_WRITE,
    "broken-invariant": debugLayout.BROKEN_INVARIANT,
  };
  for (const [kind, number] of Object.entries(numbers) as [PyMemErrorKind, number][]) {
    assert.equal(debugLayout[constantName(kind)], number);
    const { code } = new PyMemError(kind, "", { address: 0 });
    assert.equal(code, `PYMALLOC_${kind.toUpperCase().replaceAll("-", "_")}`);
  }
});

test("no other file of the library makes an error of JavaScript's", () => {
  const files = ["base", "hosts", "src", "python"].flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`),
  );
  // A stack is taken of an Error that nobody throws.
  const makers = new Set(["base/errors.ts", "src/debug/stacks.ts", "python/proxies.ts"]);
  assert.ok(files.length > 50);
  for (const file of files.filter((name) => !makers.has(name))) {
    const text = readFileSync(join(root, file), "utf8");
    assert.doesNotMatch(text, /new (Type|Range)?Error\(/, file);
  }
});
