/** Typed fields: where they are, what they hold, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldType, TypeDefinition } from "../../src/index.js";
import { pooledHeap } from "../support/heaps.js";

const heap = pooledHeap();

/** The bytes of an object from `offset` on. */
function bytesAt(p: number, offset: number, count: number): number[] {
  return [...heap.u8.subarray(p + offset, p + offset + count)];
}

function assertRefused(definition: unknown, message: RegExp, name = "TypeError"): void {
  assert.throws(() => heap.defineType(definition as TypeDefinition), { name, message });
}

test("fields are where a C compiler puts them", () => {
  const fields = {
    a: "u8",
    b: "u16",
    c: "i8",
    d: "f64",
    e: "u8[3]",
    f: "u16[2]",
    g: "ptr",
    h: "i16",
    i: "f32",
    j: "u32",
    k: "i32",
    l: "f64[2]",
    m: "i8",
  } as const;
  const offsets = { a: 8, b: 10, c: 12, d: 16, e: 24, f: 28, g: 32, h: 36, i: 40, j: 44, k: 48 };
  const All = heap.defineType({ name: "All", fields });
  assert.deepEqual(All.offsets, { ...offsets, l: 56, m: 72 });
  assert.equal(All.basicsize, 80);
  assert.equal(All.alignment, 8);
  assert.ok(Object.isFrozen(All.offsets));
  const sized = heap.defineType({ name: "Sized", fields: { a: "u8" }, itemsize: 1 });
  assert.deepEqual([sized.offsets.a, sized.basicsize, sized.alignment], [12, 16, 4]);
});

test("basicsize and itemsize: C's sizeof by default, more where wanted", () => {
  const sizes = (definition: TypeDefinition) => {
    const { basicsize, itemsize } = heap.defineType(definition);
    return [basicsize, itemsize];
  };
  assert.deepEqual(sizes({ name: "T" }), [8, 0]);
  assert.deepEqual(sizes({ name: "T", itemsize: 0 }), [8, 0]);
  assert.deepEqual(sizes({ name: "T", itemsize: 3 }), [12, 3]);
  assert.deepEqual(sizes({ name: "T", items: "u16" }), [12, 2]);
  assert.deepEqual(sizes({ name: "T", items: "f64", itemsize: 8 }), [16, 8]);
  assert.deepEqual(sizes({ name: "T", fields: { x: "u8" }, basicsize: 13 }), [13, 0]);
  // CPython's bytes: 17 bytes with the NUL, the items begin one before.
  assert.deepEqual(
    sizes({ name: "bytes", fields: { hash: "i32" }, basicsize: 17, itemsize: 1 }),
    [17, 1],
  );
});

const scalars: [type: FieldType, value: number, bytes: number[], wrapped: [number, number]][] = [
  ["i8", -2, [254], [200, -56]],
  ["u8", 254, [254], [-1, 255]],
  ["i16", -2, [254, 255], [40000, -25536]],
  ["u16", 65534, [254, 255], [65536, 0]],
  ["i32", -2, [254, 255, 255, 255], [2 ** 31, -(2 ** 31)]],
  ["u32", 4294967294, [254, 255, 255, 255], [-1, 4294967295]],
  ["f32", 1.5, [0, 0, 192, 63], [0.1, Math.fround(0.1)]],
  ["f64", -0.1, [154, 153, 153, 153, 153, 153, 185, 191], [1e300, 1e300]],
  ["ptr", 0x01020304, [4, 3, 2, 1], [-(2 ** 31), 0x80000000]],
];

for (const [type, value, bytes, [written, read]] of scalars) {
  test(`${type}: what is written is read, alone and in arrays`, () => {
    const fields = { before: "u8", it: type, list: `${type}[3]` as FieldType, after: "u8" };
    const T = heap.defineType({ name: "T", fields: fields as Record<string, FieldType> });
    const p = heap.newObject(T);
    const view = T.at(p) as unknown as Record<string, number>;
    const list = (T.at(p) as unknown as Record<string, { set(i: number, v: number): void }>)[
      "list"
    ];
    const offset = (name: string) => T.offsets[name] as number;
    heap.u8.fill(170, p + 8, p + T.basicsize);
    view["it"] = value;
    assert.equal(view["it"], value);
    assert.deepEqual(bytesAt(p, offset("it"), bytes.length), bytes);
    list?.set(1, value);
    assert.deepEqual([...(list as unknown as Iterable<number>)][1], value);
    const size = bytes.length;
    assert.deepEqual(bytesAt(p, offset("list") + size, size), bytes);
    for (const [from, to] of [
      [8, offset("it")],
      [offset("it") + size, offset("list") + size],
      [offset("list") + 2 * size, T.basicsize],
    ] as const) {
      assert.ok(heap.u8.subarray(p + from, p + to).every((byte) => byte === 170));
    }
    view["it"] = written;
    assert.equal(view["it"], read);
    heap.deleteObject(p);
  });
}

test("at gives a view that stays, cursor moves the type's one", () => {
  const Point = heap.defineType({ name: "Point", fields: { x: "f64", y: "f64", tag: "u8[4]" } });
  const [p, q] = [heap.newObject(Point), heap.newObject(Point)];
  const cursor = Point.cursor(p);
  const { tag } = cursor;
  cursor.x = 1;
  tag.set(0, 11);
  assert.equal(cursor.address, p);
  assert.equal(Point.cursor(q), cursor, "the same object");
  assert.equal(Point.cursor(q).tag, tag, "the same array");
  cursor.x = 2;
  tag.set(0, 22);
  const [one, other] = [Point.at(p), Point.at(q)];
  assert.notEqual(one, other);
  assert.equal(one.tag, one.tag);
  assert.deepEqual([one.x, other.x, one.tag.get(0), other.tag.get(0)], [1, 2, 11, 22]);
  one.x = 3;
  assert.deepEqual([Point.at(p).x, Point.view(p).x, cursor.x], [3, 3, 2]);
  assert.deepEqual(Object.keys(one), ["address"]);
});

test("fields survive growth of the memory between at and the access", () => {
  const T = heap.defineType({ name: "T", fields: { x: "f64", list: "i16[2]" }, items: "u8" });
  const p = heap.newVarObject(T, 2);
  const view = T.at(p);
  view.x = 1.25;
  const { list, items } = view;
  list.set(1, -7);
  heap.memory.grow(1);
  assert.deepEqual([view.x, list.get(1), items.length], [1.25, -7, 2]);
  heap.memory.grow(1);
  view.x = 2.5;
  heap.memory.grow(1);
  items.set(1, 9);
  assert.deepEqual([T.at(p).x, heap.u8[p + T.basicsize + 1]], [2.5, 9]);
});

test("arrays know their length and refuse every other index", () => {
  const T = heap.defineType({ name: "T", fields: { list: "u16[3]" }, items: "f64" });
  const p = heap.newVarObject(T, 2);
  const empty = heap.newVarObject(T, 0);
  const { list, items } = T.at(p);
  for (let i = 0; i < 3; i++) list.set(i, i * 1000);
  for (let i = 0; i < 2; i++) items.set(i, i / 2);
  assert.deepEqual([...list], [0, 1000, 2000]);
  assert.deepEqual([...items], [0, 0.5]);
  assert.deepEqual(
    [...heap.f64.subarray((p + T.basicsize) / 8, (p + T.basicsize) / 8 + 2)],
    [0, 0.5],
  );
  assert.deepEqual([list.length, items.length, T.at(empty).items.length], [3, 2, 0]);
  for (const i of [-1, 3, 1.5, Number.NaN, 2 ** 32, "0" as unknown as number]) {
    const name = "RangeError";
    assert.throws(() => list.get(i), { name, message: /index is .*, expected 0 to 2/ });
    assert.throws(() => list.set(i, 1), { name, message: /index is .*, expected 0 to 2/ });
  }
  assert.throws(() => items.get(2), { name: "RangeError", message: "index is 2, expected 0 to 1" });
  const message = "index is 0, expected none: the array is empty";
  assert.throws(() => T.at(empty).items.get(0), { name: "RangeError", message });
});

test("at and cursor want an object of that very type", () => {
  const One = heap.defineType({ name: "One" });
  const Other = heap.defineType({ name: "Other" });
  const p = heap.newObject(One);
  const beyond = heap.memory.buffer.byteLength;
  for (const wrong of [0, p + 1, p + 4, beyond, beyond - 4, -8, Other.address]) {
    const message = `at: p is 0x${(wrong >>> 0).toString(16)}, expected an object of type One`;
    assert.throws(() => One.at(wrong), { name: "TypeError", message });
  }
  assert.throws(() => Other.cursor(p), { message: /^cursor: .* of type Other$/ });
  assert.throws(() => One.at("x" as never), { name: "TypeError", message: /^at: p is "x", / });
});

test("definitions that can't be are refused by option and value", () => {
  assertRefused(undefined, /^defineType: expected an object, got undefined$/);
  assertRefused({ name: "T", size: 8 }, /unknown option "size", expected one of name, fields, /);
  assertRefused({}, /: name is undefined, expected a name/);
  assertRefused({ name: "" }, /: name is "", expected a name/);
  assertRefused({ name: "a\0b" }, /: name is "a\\u0000b", expected a name, without NUL/);
  assertRefused({ name: "T", dealloc: 1 }, /: dealloc is 1, expected a function/);
  assertRefused({ name: "T", fields: "x" }, /: fields is "x", expected an object/);
  for (const type of [
    "u64",
    "u8[0]",
    "u8[-1]",
    "u8[1.5]",
    "u8[]",
    "ptr [1]",
    "toString",
    8,
    null,
  ]) {
    const found = typeof type === "string" ? JSON.stringify(type) : String(type);
    const message = `defineType: fields.x is ${found}, expected one of i8, u8, `;
    assert.throws(
      () => heap.defineType({ name: "T", fields: { x: type as FieldType } }),
      (error) => {
        return error instanceof TypeError && error.message.startsWith(message);
      },
    );
  }
  for (const name of ["address", "items", "constructor", "toString", "hasOwnProperty"]) {
    const message = new RegExp(`: field "${name}" is a member of every view`);
    assertRefused({ name: "T", fields: { [name]: "u8" } }, message);
  }
  for (const name of ["", "0", "a b", "ä", "a.b"]) {
    assertRefused({ name: "T", fields: { [name]: "u8" } }, /: field ".*", expected a name as in C/);
  }
  assertRefused({ name: "T", items: "u64" }, /: items is "u64", expected one of i8, /);
  assertRefused({ name: "T", items: "u8[2]" }, /: items is "u8\[2\]", expected one of i8, /);
  assertRefused({ name: "T", items: "u16", itemsize: 1 }, /: itemsize is 1, expected 2 or nothing/);
  assertRefused({ name: "T", itemsize: 1.5 }, /: itemsize is 1.5, expected a whole number/);
  assertRefused(
    { name: "T", itemsize: -1 },
    /: itemsize is -1, expected .* from 0 to/,
    "RangeError",
  );
  const fields = { x: "f64" };
  assertRefused(
    { name: "T", fields, basicsize: "8" },
    /: basicsize is "8", expected a whole number/,
  );
  const tooSmall = /: basicsize is 16, expected a whole number of bytes from 24 to 2147483644/;
  assertRefused(
    { name: "T", fields: { y: "u8", x: "f64" }, basicsize: 16 },
    tooSmall,
    "RangeError",
  );
  assertRefused({ name: "T", basicsize: 2 ** 31 }, /: basicsize is 2147483648, /, "RangeError");
  const huge = { x: "f64[300000000]" };
  assertRefused(
    { name: "T", fields: huge },
    /: fields take 2400000008 bytes, expected at most/,
    "RangeError",
  );
  const odd = /: basicsize is 13, expected a multiple of 2: there the items begin/;
  assertRefused({ name: "T", items: "u16", basicsize: 13 }, odd);
});
