/** The formats in Chromium: on a page, in a worker, as a download. What is written there is read here, and the other way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Download, Page } from "playwright-core";
import { readPymem, saveInPage, writePymem } from "../../inspect/formats/formats.js";
import { type ImageMarks, imageOf } from "../../inspect/memory/memory.js";
import { findChromium, launchChromium, type Site, serve } from "../../tools/chromium.js";

const executable = findChromium();
const skip = executable === undefined && !process.env["CI"] ? "there is no Chromium here" : false;

const marks: ImageMarks = {
  kind: "heap",
  allocator: "pymalloc",
  version: "0.1.0",
  time: 0,
  symbols: {},
  chunks: { from: 0, to: 0 },
  stack: { from: 0, to: 0 },
  maximumBytes: 0,
  limitBytes: 0,
  heap: { root: 1024, how: "own", ledger: 0, pools: true },
  types: {},
  proxies: [],
  jsValues: {},
};

function memory(): Uint8Array {
  const bytes = new Uint8Array(5 * 2 ** 20 + 4096);
  for (let at = 0; at < bytes.length; at += 12345) bytes[at] = at % 251;
  return bytes;
}

/** What the page does; nothing of this file is in its reach. */
const TASKS = `
import { readPymem, saveInPage, writeHeapSnapshot, writePymem } from "/formats.js";
import { EdgeKind, edgeName, GraphBuilder, imageOf } from "/inspect.js";

export async function roundTrip(marks) {
  const bytes = new Uint8Array(5 * 2 ** 20 + 4096);
  for (let at = 0; at < bytes.length; at += 12345) bytes[at] = at % 251;
  const pieces = [];
  for await (const piece of writePymem(imageOf(marks, bytes))) pieces.push(piece);
  const blob = new Blob(pieces);
  const results = [];
  for (const source of [blob, blob.stream(), await blob.arrayBuffer()]) {
    const { u8 } = await readPymem(source);
    results.push(u8.length === bytes.length && u8.every((byte, i) => byte === bytes[i]));
  }
  const broken = new Uint8Array(await blob.arrayBuffer());
  broken[broken.length - 5] ^= 1;
  for (const source of [broken, broken.subarray(0, 1000), new Blob(["text"])]) {
    results.push(await readPymem(source).then(() => "read", (error) => error.message));
  }
  return results;
}

export async function savePymem(marks) {
  const bytes = new Uint8Array(5 * 2 ** 20 + 4096);
  for (let at = 0; at < bytes.length; at += 12345) bytes[at] = at % 251;
  await saveInPage(writePymem(imageOf(marks, bytes)), "page.pymem");
}

export async function saveHeapSnapshot() {
  const builder = new GraphBuilder(4);
  builder.node(0, 0, 0, 0);
  builder.node(4096, 1, 32, 1);
  builder.begin();
  builder.edge(1, edgeName(EdgeKind.internal, builder.text("held")));
  const types = [
    { name: "root", module: "", kind: "root", node: 0 },
    { name: "Order", module: "app", kind: "object", node: 0 },
  ];
  await saveInPage(writeHeapSnapshot({ graph: builder.graph(types, () => "") }), "page.heapsnapshot");
}
`;

const WORKER = `
import * as tasks from "/tasks.js";
onmessage = async ({ data: [name, marks] }) => {
  postMessage(await tasks[name](marks).catch((error) => error.message));
};
`;

async function bundle(contents: string): Promise<string> {
  const resolveDir = fileURLToPath(new URL("../..", import.meta.url));
  const stdin = { contents, resolveDir };
  const { outputFiles } = await build({ stdin, bundle: true, format: "esm", write: false });
  return outputFiles[0]?.text ?? "";
}

describe("the formats in a browser", { skip }, () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  before(async () => {
    browser = await launchChromium(executable as string);
    const files = {
      "/index.html": "<!doctype html><title>formats</title>",
      "/formats.js": await bundle('export * from "./inspect/formats/formats.ts"'),
      "/inspect.js": await bundle(
        'export * from "./inspect/graph/graph.ts"; export { imageOf } from "./inspect/memory/memory.ts"',
      ),
      "/tasks.js": TASKS,
      "/worker.js": WORKER,
    };
    site = await serve(files, {});
    page = await browser.newPage({ acceptDownloads: true });
    await page.goto(`${site.origin}/index.html`);
  });
  after(async () => {
    await browser.close();
    await site.close();
  });

  /** Runs a task of the page's. */
  function run(name: string, ...args: unknown[]): Promise<unknown> {
    const address = `${site.origin}/tasks.js`;
    return page.evaluate(
      async ([from, task, given]) =>
        (await import(from as string))[task as string](...(given as [])),
      [address, name, args] as const,
    );
  }

  function inWorker(...message: unknown[]): Promise<unknown> {
    return page.evaluate(async (data) => {
      const worker = new Worker("/worker.js", { type: "module" });
      return await new Promise((resolve) => {
        worker.onmessage = (event) => resolve(event.data);
        worker.onerror = (event) => resolve(event.message);
        worker.postMessage(data);
      });
    }, message);
  }

  async function downloadOf(name: string, ...args: unknown[]): Promise<Download> {
    const [download] = await Promise.all([page.waitForEvent("download"), run(name, ...args)]);
    return download;
  }

  const expected = [true, true, true, /chunk DONE is damaged/, /truncated/, /this is no \.pymem/];
  const fits = (results: unknown): void => {
    assert.ok(Array.isArray(results), String(results));
    assert.equal(results.length, expected.length);
    for (const [i, found] of results.entries()) {
      const wanted = expected[i];
      if (wanted instanceof RegExp) assert.match(String(found), wanted);
      else assert.equal(found, wanted);
    }
  };

  test("a .pymem is written and read on a page and in a worker", async () => {
    fits(await run("roundTrip", marks));
    fits(await inWorker("roundTrip", marks));
  });

  test("a .pymem that a page saves is read here", async () => {
    const download = await downloadOf("savePymem", marks);
    assert.equal(download.suggestedFilename(), "page.pymem");
    const image = await readPymem(readFileSync(await download.path()));
    assert.equal(Buffer.compare(image.u8, memory()), 0);
    assert.deepEqual(image.marks, marks);
  });

  test("a .pymem of this Node is read by the page", async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of writePymem(imageOf(marks, memory()))) pieces.push(piece);
    const file = Buffer.concat(pieces).toString("base64");
    const length = await page.evaluate(
      async ([address, text]) => {
        const { readPymem: read } = await import(address as string);
        const { u8 } = await read(await (await fetch(`data:;base64,${text}`)).blob());
        return u8.length;
      },
      [`${site.origin}/formats.js`, file] as const,
    );
    assert.equal(length, memory().length);
  });

  test("a .heapsnapshot is saved under its name", async () => {
    const download = await downloadOf("saveHeapSnapshot");
    assert.equal(download.suggestedFilename(), "page.heapsnapshot");
    const { snapshot, strings } = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.equal(snapshot.node_count, 2);
    assert.ok(strings.includes("app.Order"));
  });

  test("where there is no page, saving says so", async () => {
    const refused = /^page\.\w+ can't be downloaded here: expected a page, found no document$/;
    assert.match(String(await inWorker("saveHeapSnapshot")), refused);
    await assert.rejects(saveInPage([], "page.pymem"), { message: refused });
  });
});
