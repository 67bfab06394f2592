/** A heap that is there is taken over for what it is, or refused by name: base/root.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { mallocModes, nameOf } from "../../base/options.js";
import { MARK, ROOT_BLOCK } from "../../base/root.js";
import {
  createHeap,
  type Domain,
  type Heap,
  type HeapOptions,
  type HeapSnapshot,
  type MallocName,
} from "../../src/index.js";
import { assertFilled, fill, foreignMalloc } from "../support/heaps.js";
import { faultOf } from "../support/mistakes.js";

const words = Object.keys(mallocModes) as MallocName[];
const kinds = ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const;

/** A heap in someone else's memory, with all that it takes to find it again. */
function foreignHeap(malloc: MallocName): {
  heap: Heap;
  memory: WebAssembly.Memory;
  system: Domain;
} {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const system = foreignMalloc(memory, 1024);
  return { heap: createHeap({ malloc, memory, system }), memory, system };
}

/** Does it become a heap of that kind, or which message refuses it? */
function outcome(options: HeapOptions): string {
  try {
    return createHeap(options).stats().malloc;
  } catch (error) {
    assert.equal((error as Error).name, "TypeError");
    return (error as Error).message;
  }
}

test("each kind of heap is taken over as itself alone, by whichever word", () => {
  for (const kind of kinds) {
    const own = createHeap({ malloc: kind });
    const { heap, memory, system } = foreignHeap(kind);
    for (const [source, root] of [
      [{ from: own.snapshot() }, own.root],
      [{ from: { image: own.snapshot().image, root: own.root } }, own.root],
      [{ memory, system, root: heap.root }, heap.root],
    ] as const) {
      assert.equal(outcome(source), kind, "whatever it is");
      for (const word of words) {
        const asked = nameOf(mallocModes[word]);
        const where = `the heap at 0x${root.toString(16)}`;
        const expected =
          asked === kind
            ? kind
            : `createHeap: malloc is "${asked}", expected "${kind}" for ${where}`;
        assert.equal(outcome({ ...source, malloc: word }), expected);
      }
    }
    const said = { ...own.snapshot(), malloc: "default" as const };
    const agrees = kind === "pymalloc";
    assert.match(outcome({ from: said }), agrees ? /^pymalloc$/ : /malloc is "pymalloc", expected/);
  }
});

test("hooks of the debug mode that came later are part of what it is", () => {
  const heap = createHeap({ malloc: "pymalloc" });
  const early = heap.object.malloc(50);
  heap.setupDebugHooks();
  const p = heap.object.malloc(50);
  const snapshot = heap.snapshot();
  assert.equal(snapshot.malloc, "pymalloc_debug");
  assert.match(outcome({ from: snapshot, malloc: "pymalloc" }), /expected "pymalloc_debug"/);
  const copy = createHeap({ from: snapshot });
  assert.equal(faultOf(() => copy.mem.free(p)).kind, "wrong-family");
  copy.object.free(early);
  copy.object.free(p);
  copy.validate();
});

test("a root that is none is refused, wherever it points", () => {
  const { heap, memory, system } = foreignHeap("pymalloc");
  const { byteLength } = memory.buffer;
  const copied = system.malloc(ROOT_BLOCK);
  const u8 = new Uint8Array(memory.buffer);
  u8.copyWithin(copied, heap.root, heap.root + ROOT_BLOCK);
  const free = system.malloc(1000);
  u8.fill(0, free, free + 1000);
  for (const [root, message] of [
    [heap.root + 8, /where no heap has its root, expected the `heap.root` of a heap that is there/],
    [heap.root - 8, /where no heap has its root/],
    [copied, /where no heap has its root/],
    [free, /where no heap has its root/],
    [byteLength - 8, /beyond the memory of 131072 bytes, expected the `heap.root`/],
    [byteLength + 8, /beyond the memory/],
    [-8, /root is 0xfffffff8, beyond the memory/],
    [2 ** 32 - 8, /root is 0xfffffff8, beyond the memory/],
    [2 ** 32 + heap.root, /expected the `heap.root`/],
    [heap.root + 4, /expected the `heap.root`/],
    [heap.root + 0.5, /expected the `heap.root`/],
    [0, /root is 0, expected the `heap.root`/],
    [Number.NaN, /root is NaN, expected the `heap.root`/],
  ] as const) {
    assert.match(outcome({ memory, system, root }), message, `${root}`);
    const { image } = createHeap({ malloc: "pymalloc" }).snapshot();
    assert.match(
      outcome({ from: { image, root } }),
      /^createHeap: from\.root is .*expected the `he/,
    );
  }
  assert.equal(outcome({ memory, system, root: heap.root }), "pymalloc");
});

test("a heap of another version is refused by its name", () => {
  const snapshot = createHeap({ malloc: "pymalloc" }).snapshot();
  const image = snapshot.image.slice();
  const mark = new DataView(image.buffer, snapshot.root + MARK);
  mark.setUint32(4, mark.getUint32(4) + 1);
  const { root } = snapshot;
  const from = { ...snapshot, image, version: "0.0.9" };
  assert.match(
    outcome({ from }),
    /from\.root is 0x\w+, a heap of pymalloc 0\.0\.9, expected one th/,
  );
  assert.match(
    outcome({ from: { image, root } }),
    /a heap of another version of pymalloc, expected/,
  );
});

test("a heap in someone else's memory has no snapshot, and can't be made into one", () => {
  const { heap, memory } = foreignHeap("pymalloc");
  assert.throws(
    () => heap.snapshot(),
    /^Error: snapshot: the heap's memory is someone else's, exp/,
  );
  const image = new Uint8Array(memory.buffer).slice();
  const message = /a heap in someone else's memory, expected one that createHeap made a memory for/;
  assert.match(outcome({ from: { image, root: heap.root } }), message);
});

test("a snapshot goes to another thread, and on from there, in every mode", () => {
  for (const malloc of kinds) {
    const heap = createHeap({ malloc, maximumBytes: 1 << 22 });
    const blocks = Array.from({ length: 500 }, (_, seed) => {
      const p = heap.object.malloc(seed * 3);
      fill(heap, p, seed * 3, seed);
      return p;
    });
    for (let i = 0; i < 500; i += 5) heap.object.free(blocks[i] as number);
    const snapshot = heap.snapshot();
    assert.ok(Object.isFrozen(snapshot));
    assert.deepEqual([snapshot.root, snapshot.malloc], [heap.root, malloc]);

    const { port1, port2 } = new MessageChannel();
    port1.postMessage(snapshot);
    const { message } = receiveMessageOnPort(port2) as { message: HeapSnapshot };
    port1.close();
    let one = heap;
    for (const from of [snapshot, message, createHeap({ from: message }).snapshot()]) {
      const copy = createHeap({ from });
      assert.deepEqual(copy.stats(), heap.stats());
      assert.equal(copy.getAllocatedBlocks(), heap.getAllocatedBlocks());
      copy.validate();
      for (const [seed, p] of blocks.entries()) {
        if (seed % 5 !== 0) assertFilled(copy, p, seed * 3, seed);
      }
      one = copy;
    }
    for (const [seed, p] of blocks.entries()) if (seed % 5 !== 0) one.object.free(p);
    assert.equal(one.getAllocatedBlocks(), 0);
    one.validate();
    assertFilled(heap, blocks[499] as number, 499 * 3, 499);
    const small = createHeap({ from: snapshot, maximumBytes: snapshot.image.length });
    assert.equal(small.raw.malloc(1 << 21), 0, "its maximum is its own");
    assert.notEqual(createHeap({ from: snapshot }).raw.malloc(1 << 23), 0);
  }
});

test("a snapshot is as long as what the heap uses of its memory", () => {
  const heap = createHeap({ malloc: "pymalloc", initialBytes: 1 << 24 });
  const p = heap.raw.malloc(100_000);
  const { image } = heap.snapshot();
  assert.ok(image.length < 1 << 18, `${image.length} bytes`);
  const copy = createHeap({ from: heap.snapshot() });
  copy.raw.free(p);
  copy.validate();
});

test("debug options are of the new heap", () => {
  const heap = createHeap({ malloc: "debug" });
  const p = heap.object.malloc(10);
  const faults: string[] = [];
  const copy = createHeap({ from: heap.snapshot(), onFault: ({ kind }) => faults.push(kind) });
  copy.mem.free(p);
  assert.deepEqual(faults, ["wrong-family"]);
});

// -------------------------------------------------------------------------------- types

function heapWithTypes() {
  const heap = createHeap({ malloc: "pymalloc" });
  const died: number[] = [];
  const node = {
    name: "Node",
    fields: { value: "f64", next: "ptr", tag: "u8[4]" },
  } as const;
  const Node = heap.defineType({
    ...node,
    dealloc(p) {
      died.push(p);
      heap.deleteObject(p);
    },
  });
  const Text = heap.defineType({ name: "Text", items: "u16" });
  const p = heap.newObject(Node);
  Node.at(p).value = 2.5;
  Node.at(p).tag.set(3, 9);
  const q = heap.newVarObject(Text, 3);
  for (let i = 0; i < 3; i++) Text.at(q).items.set(i, 1000 + i);
  return { heap, node, p, q, Node };
}

test("objects of a snapshot are read by a type that is found by its name and shape", () => {
  const { heap, node, p, q, Node } = heapWithTypes();
  const copy = createHeap({ from: heap.snapshot() });
  const died: number[] = [];
  const Adopted = copy.adoptType({
    ...node,
    dealloc(object) {
      died.push(object);
      copy.deleteObject(object);
    },
  });
  assert.equal(Adopted.address, Node.address);
  assert.deepEqual(Adopted.offsets, Node.offsets);
  const it = Adopted.at(p);
  assert.deepEqual([it.value, [...it.tag][3]], [2.5, 9]);
  const Text = copy.adoptType({ name: "Text", items: "u16" });
  assert.deepEqual([...Text.at(q).items], [1000, 1001, 1002]);
  const fresh = copy.newObject(Adopted);
  copy.decref(fresh);
  copy.decref(p);
  copy.decref(q);
  assert.deepEqual(died, [fresh, p]);
  assert.equal(copy.getAllocatedBlocks(), 0);
  copy.validate();
  assert.equal(Node.at(p).value, 2.5, "the first heap knows nothing of it");
});

test("adoptType refuses whatever is not just one type of that name and shape", () => {
  const { heap, node } = heapWithTypes();
  const copy = createHeap({ from: heap.snapshot() });
  const dealloc = () => {};
  const shape = "basicsize 24, itemsize 0, fields { value: f64, next: ptr, tag: u8[4] }";
  const refused = (definition: object, message: string) =>
    assert.throws(() => copy.adoptType({ name: "Node", ...definition }), {
      name: "TypeError",
      message,
    });
  refused({ name: "Nodes" }, 'adoptType: name is "Nodes", expected one of "Text", "Node"');
  refused({ name: "type" }, 'adoptType: name is "type", expected one of "Text", "Node"');
  for (const [definition, found] of [
    [
      { fields: { value: "f64", next: "ptr" } },
      "basicsize 24, itemsize 0, fields { value: f64, next: ptr }",
    ],
    [{ ...node, basicsize: 32 }, shape.replace("24", "32")],
    [{ fields: { ...node.fields, tag: "i8[4]" } }, shape.replace("u8", "i8")],
    [{ fields: { ...node.fields, value: "f64", next: "u32" } }, shape.replace("ptr", "u32")],
    [{ ...node, itemsize: 4 }, shape.replace("itemsize 0", "itemsize 4").replace("24", "32")],
  ] as const) {
    refused(definition, `adoptType: type "Node" has ${shape}; expected ${found}`);
  }
  refused({ name: 5 }, "adoptType: name is 5, expected a name, without NUL");
  refused(
    { fields: { x: "u64" } },
    'adoptType: fields.x is "u64", expected one of i8, u8, i16, u16, i32, u32, f32, f64, ptr, or an array such as "u8[16]"',
  );
  refused(
    { name: "Text", items: "u16", dealloc },
    'adoptType: type "Text" has no dealloc, expected a definition without one',
  );
  copy.adoptType(node);
  copy.adoptType({ ...node, dealloc });
  refused(
    { ...node, dealloc },
    'adoptType: type "Node" has its dealloc already, expected a definition without one',
  );
  copy.defineType(node);
  refused(node, `adoptType: the heap has 2 types "Node" with ${shape}`);
  const empty = createHeap({ malloc: "pymalloc" });
  assert.throws(
    () => empty.adoptType({ name: "Node" }),
    /expected one of none: the heap has no ty/,
  );
});

test("without its dealloc an adopted type's objects are read, and do not die", () => {
  const { heap, node, p } = heapWithTypes();
  const copy = createHeap({ from: heap.snapshot() });
  const Node = copy.adoptType(node);
  assert.equal(Node.at(p).value, 2.5);
  assert.throws(() => copy.decref(p), /whose dealloc is not known: expected a type that this heap/);
  assert.equal(copy.refcount(p), 1);
});

test("two heap objects over one root know each other's types", () => {
  const { heap: one, memory, system } = foreignHeap("pymalloc");
  const T = one.defineType({ name: "T", fields: { x: "i32" } });
  const other = createHeap({ memory, system, root: one.root });
  const Same = other.adoptType({ name: "T", fields: { x: "i32" } });
  const p = other.newObject(Same);
  Same.at(p).x = -7;
  assert.equal(T.at(p).x, -7);
});
