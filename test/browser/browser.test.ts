/** The built library in a real browser: on a page, in a worker, and under Pyodide. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium, type Site, serve } from "../../tools/chromium.js";

/** What the pages do. It runs in the browser, so nothing of this file is in its reach. */
const tasks = `import { createHeap, PyMemError } from "/esm/index.js";

function check(condition, message) {
  if (!condition) throw new Error(message);
}

function sum(parts) {
  return parts.reduce((total, part) => total + part, 0);
}

/** The books of a heap have to add up at any time. */
function checkBooks(heap) {
  heap.validate();
  const { arenas, blocks, bytes, classes, pools } = heap.stats();
  const { total, ...parts } = bytes;
  check(sum(Object.values(parts)) === total, "the parts of the bytes don't sum to the total");
  check(arenas.current * arenas.size === total, "the total is not that of the arenas");
  check(sum(classes.map((c) => c.pools)) === pools.inUse, "pools are missing in the classes");
  check(sum(classes.map((c) => c.blocksInUse)) === blocks.inPools, "blocks are missing");
  check(sum(classes.map((c) => c.blocksInUse * c.size)) === bytes.inUse, "bytes are missing");
  check(blocks.inPools + blocks.raw === blocks.allocated, "the blocks don't sum up");
  check(heap.getAllocatedBlocks() === blocks.allocated, "two numbers for the blocks");
  return heap.stats();
}

function fill(heap, block) {
  heap.u8.fill(block.mark, block.at, block.at + block.size);
}

function isIntact(heap, block, size = block.size) {
  return heap.u8.subarray(block.at, block.at + size).every((byte) => byte === block.mark);
}

function isDisjoint(blocks) {
  const sorted = [...blocks].sort((a, b) => a.at - b.at);
  return sorted.every((block, i) => i === 0 || sorted[i - 1].at + sorted[i - 1].size <= block.at);
}

/** One growth for each view: the first that is read afterwards may renew the others. */
function checkViews() {
  const heap = createHeap();
  for (const name of ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64"]) {
    const old = heap[name];
    check(heap.raw.malloc(heap.memory.buffer.byteLength) !== 0, "no memory");
    check(old.length === 0, "the memory did not grow");
    const { buffer, byteLength } = heap[name];
    check(buffer === heap.memory.buffer && byteLength === buffer.byteLength, name + " is stale");
  }
}

/** 10,000 blocks through a whole life. */
export function exercise() {
  checkViews();
  const heap = createHeap();
  const domainOf = (i) => (i % 2 === 0 ? heap.object : heap.mem);
  const bytesBefore = heap.memory.buffer.byteLength;
  const blocks = [];
  for (let i = 0; i < 10_000; i++) {
    const size = 1 + ((i * 7) % 600);
    const block = { at: domainOf(i).malloc(size), size, mark: 1 + (i % 251) };
    check(block.at !== 0 && block.at % 8 === 0, "malloc gave " + block.at);
    fill(heap, block);
    blocks.push(block);
  }
  check(heap.memory.buffer.byteLength > bytesBefore, "the memory did not grow");
  check(isDisjoint(blocks), "blocks overlap after malloc");
  check(blocks.every((block) => isIntact(heap, block)), "content was lost after malloc");
  const peak = checkBooks(heap);

  for (const [i, block] of blocks.entries()) {
    const size = 1 + ((block.size * 3 + i) % 600);
    block.at = domainOf(i).realloc(block.at, size);
    check(block.at !== 0, "realloc gave 0");
    check(isIntact(heap, block, Math.min(size, block.size)), "content was lost in realloc");
    block.size = size;
    fill(heap, block);
  }
  check(isDisjoint(blocks), "blocks overlap after realloc");
  check(blocks.every((block) => isIntact(heap, block)), "content was lost after realloc");
  const changed = checkBooks(heap);

  for (const [i, block] of blocks.entries()) if (i % 3 !== 0) domainOf(i).free(block.at);
  const survivors = blocks.filter((_, i) => i % 3 === 0);
  check(survivors.every((block) => isIntact(heap, block)), "free destroyed another block");
  const third = checkBooks(heap);
  for (const [i, block] of blocks.entries()) if (i % 3 === 0) domainOf(i).free(block.at);
  const end = checkBooks(heap);
  return {
    onMainThread: typeof document === "object",
    allocated: [peak, changed, third, end].map((stats) => stats.blocks.allocated),
    servedBoth: peak.blocks.inPools > 0 && peak.blocks.raw > 0,
    bytesInUseAtEnd: end.bytes.inUse,
  };
}

/** Blocks until there is no memory. */
function exhaust(heap, size) {
  const blocks = [];
  for (;;) {
    const block = { at: heap.object.malloc(size), size, mark: 1 + (blocks.length % 251) };
    if (block.at === 0) return blocks;
    fill(heap, block);
    blocks.push(block);
  }
}

export function runOut(maximumBytes) {
  const heap = createHeap({ maximumBytes });
  const first = exhaust(heap, 200);
  const reallocated = heap.object.realloc(first[0].at, maximumBytes);
  const large = heap.object.malloc(maximumBytes);
  const zeroed = heap.object.calloc(maximumBytes / 8, 8);
  check(first.every((block) => isIntact(heap, block)), "out of memory destroyed a block");
  checkBooks(heap);
  for (const block of first) heap.object.free(block.at);
  const second = exhaust(heap, 200);
  checkBooks(heap);
  for (const block of second) heap.object.free(block.at);
  checkBooks(heap);
  const { byteLength } = heap.memory.buffer;
  const failures = [reallocated, large, zeroed];
  return { first: first.length, second: second.length, failures, byteLength };
}

export function twoHeaps() {
  const heaps = [createHeap(), createHeap()];
  const lists = heaps.map(() => []);
  for (let i = 0; i < 3000; i++) {
    for (const [h, heap] of heaps.entries()) {
      const size = 1 + (i % 600);
      const block = { at: heap.object.malloc(size), size, mark: 1 + ((i + 100 * h) % 251) };
      fill(heap, block);
      lists[h].push(block);
    }
  }
  const [one, other] = heaps;
  check(one.memory !== other.memory, "two heaps in one memory");
  check(lists[0].every((block) => isIntact(one, block)), "the second heap wrote into the first");
  const samePlaces = lists[0].every((block, i) => block.at === lists[1][i].at);
  for (const block of lists[0]) one.object.free(block.at);
  check(lists[1].every((block) => isIntact(other, block)), "a free reached the other heap");
  const afterFirst = heaps.map((heap) => checkBooks(heap).blocks.allocated);
  for (const block of lists[1]) other.object.free(block.at);
  const afterBoth = heaps.map((heap) => checkBooks(heap).blocks.allocated);
  return { samePlaces, afterFirst, afterBoth };
}

function faultOf(call) {
  try {
    call();
  } catch (fault) {
    return fault;
  }
  throw new Error("no fault");
}

export function mistakes() {
  const heap = createHeap({ malloc: "debug", stacks: true });
  const { malloc, free } = heap.mem;
  const kinds = [];
  const p = malloc(24);
  kinds.push(faultOf(() => heap.object.free(p)).kind, faultOf(() => free(p + 8)).kind);
  heap.u8[p + 24] ^= 1;
  kinds.push(faultOf(() => free(p)).kind);
  heap.u8[p + 24] ^= 1;
  heap.u8[p - 1] ^= 1;
  kinds.push(faultOf(() => free(p)).kind);
  heap.u8[p - 1] ^= 1;
  free(p);
  const twice = faultOf(() => free(p));
  kinds.push(twice.kind);
  heap.u8[p] = 0;
  kinds.push(faultOf(() => heap.validate()).kind);
  return { kinds, isError: twice instanceof PyMemError, stack: twice.allocationStack };
}

export function inWorker() {
  const worker = new Worker("/worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = (event) => resolve(event.data);
    worker.onerror = (event) => reject(new Error("worker: " + event.message));
  }).finally(() => worker.terminate());
}
`;

const pythonTask = `import { loadPyodide } from "/pyodide/pyodide.mjs";
import { install } from "/esm/install.js";

export async function mistakes() {
  const pyodide = await loadPyodide({ indexURL: "/pyodide/" });
  const faults = [];
  const heap = install(pyodide, { malloc: "debug", onFault: (fault) => faults.push(fault) });
  pyodide.runPython(\`
import ctypes
take, free = ctypes.pythonapi.PyMem_Malloc, ctypes.pythonapi.PyMem_Free
take.restype, take.argtypes, free.argtypes = ctypes.c_size_t, [ctypes.c_size_t], [ctypes.c_size_t]
p = take(24)
free(p)
free(p)
\`);
  heap.validate();
  return faults.map(({ kind, pythonStack }) => [kind, pythonStack.split("\\n")[0]]);
}

export async function python() {
  const pyodide = await loadPyodide({ indexURL: "/pyodide/" });
  const before = pyodide.runPython("[str(i) * 3 for i in range(20_000)]");
  const heap = install(pyodide);
  const answer = pyodide.runPython(\`
import json, sys
import pymalloc

blocks = sys.getallocatedblocks()
objects = [{"i": i, "text": str(i) * (1 + i % 50)} for i in range(20_000)]
more = sys.getallocatedblocks() - blocks
same = json.loads(json.dumps(objects)) == objects
pymalloc.validate()
in_pools = pymalloc.stats()["blocks"]["inPools"]
del objects
json.dumps({"same": same, "blocks": blocks, "more": more, "inPools": in_pools})
\`);
  heap.validate();
  const old = before.get(19_999);
  before.destroy();
  pyodide.runPython("import gc; gc.collect(); pymalloc.validate()");
  heap.validate();
  return { ...JSON.parse(answer), old };
}
`;

function pageOf(script: string): string {
  // A page without an icon has Chromium ask for one, which would be an error 404.
  return `<!doctype html><title>pymalloc</title><link rel="icon" href="data:,">
<script type="module">import * as tasks from "${script}"; globalThis.tasks = tasks;</script>`;
}

const texts = {
  "/index.html": pageOf("/tasks.js"),
  "/tasks.js": tasks,
  "/worker.js": `import { exercise } from "/tasks.js"; postMessage(exercise());`,
  "/python.html": pageOf("/python.js"),
  "/python.js": pythonTask,
};

const folders = {
  esm: fileURLToPath(new URL("../../dist/esm", import.meta.url)),
  pyodide: fileURLToPath(new URL("../../node_modules/pyodide", import.meta.url)),
};

const executable = findChromium();
const reason = "no Chromium found: install one, or set CHROMIUM to its path";
// A developer may lack a browser; a CI without one would be green for nothing.
const skip = executable === undefined && !process.env["CI"] ? reason : false;

describe("the library in Chromium", { skip, timeout: 300_000 }, () => {
  let browser: Browser | undefined;
  let site: Site | undefined;

  before(async () => {
    assert.ok(executable !== undefined, reason);
    site = await serve(texts, folders);
    browser = await launchChromium(executable);
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  /** Opens a page of ours, lets it do a task and expects that nothing went wrong on the way. */
  async function perform(path: string, task: string): Promise<unknown> {
    assert.ok(browser !== undefined && site !== undefined);
    const { origin } = site;
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => {
      const { protocol } = new URL(request.url());
      const isOurs = request.url().startsWith(`${origin}/`) || protocol === "data:";
      if (!isOurs) problems.push(`request to ${request.url()}`);
    });
    try {
      await page.goto(origin + path);
      assert.deepEqual(problems, []);
      const result: unknown = await page.evaluate(`tasks.${task}`);
      assert.deepEqual(problems, []);
      return result;
    } finally {
      await page.close();
    }
  }

  const allocated = [10_000, 10_000, 3334, 0];
  const wholeLife = { allocated, servedBoth: true, bytesInUseAtEnd: 0 };

  test("10,000 blocks live and die on a page's main thread", async () => {
    const result = await perform("/index.html", "exercise()");
    assert.deepEqual(result, { ...wholeLife, onMainThread: true });
  });

  test("10,000 blocks live and die in a module worker", async () => {
    const result = await perform("/index.html", "inWorker()");
    assert.deepEqual(result, { ...wholeLife, onMainThread: false });
  });

  test("a full memory makes malloc return 0, and what is freed can be had again", async () => {
    const maximum = 4 * 1024 * 1024;
    const result = await perform("/index.html", `runOut(${maximum})`);
    const { failures, ...numbers } = result as Record<string, number> & { failures: number[] };
    const { first = 0, second = 0, byteLength = 0 } = numbers;
    assert.deepEqual(failures, [0, 0, 0]);
    assert.ok(byteLength <= maximum, `${byteLength} bytes of memory, at most ${maximum} allowed`);
    assert.ok(first * 200 > maximum / 2, `out of memory after ${first} blocks`);
    assert.ok(second >= first * 0.9, `${first} blocks at first, ${second} after freeing them`);
  });

  test("two heaps on one page know nothing of each other", async () => {
    const result = await perform("/index.html", "twoHeaps()");
    assert.deepEqual(result, { samePlaces: true, afterFirst: [0, 3000], afterBoth: [0, 0] });
  });

  test("a debug heap on a page names each mistake", async () => {
    const { kinds, isError, stack } = (await perform("/index.html", "mistakes()")) as {
      kinds: string[];
      isError: boolean;
      stack: string;
    };
    assert.deepEqual(kinds, [
      "wrong-family",
      "invalid-pointer",
      "buffer-overflow",
      "buffer-underflow",
      "double-free",
      "use-after-free-write",
    ]);
    assert.equal(isError, true);
    assert.match(stack, /^ +at (Module\.)?mistakes \(http/);
  });

  test("Pyodide on a page names a mistake of Python's, with the line", async () => {
    const faults = await perform("/python.html", "mistakes()");
    assert.deepEqual(faults, [["double-free", '  File "<exec>", line 7 in <module>']]);
  });

  test("Pyodide on a page runs Python on it", async () => {
    const result = await perform("/python.html", "python()");
    const { same, blocks, more, inPools, old } = result as Record<string, unknown>;
    assert.equal(same, true);
    assert.equal(old, "199991999919999");
    assert.ok(typeof blocks === "number" && blocks > 20_000, `${blocks} blocks at first`);
    // A dict and a text in each object at least.
    assert.ok(typeof more === "number" && more > 40_000, `${more} more blocks`);
    assert.ok(typeof inPools === "number" && inPools > 40_000, `${inPools} blocks in pools`);
  });
});
