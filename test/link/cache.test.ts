/** The cache of linked Pyodides, and the plugin for Vite that serves one. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import { cachedLink, MANIFEST } from "../../link/cache.js";
import { linkedPyodide } from "../../link/vite.js";
import { linkedFolder } from "../support/linked.js";
import { onlyLong } from "../support/profile.js";
import { folderOf } from "../support/pyodide.js";
import { temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();
const stock = folderOf("pyodide");

/** A cache of our own, with a copy of what is linked for all tests. */
const cache = join(folder, "pymalloc");
const shared = await linkedFolder("pyodide");
const copy = join(cache, basename(shared));
cpSync(shared, copy, { recursive: true });

/** What is linked of the stock Pyodide in this cache: its folder, and what was told on the way. */
async function linkedHere(): Promise<{ found: string; steps: string }> {
  const before = process.env["XDG_CACHE_HOME"];
  process.env["XDG_CACHE_HOME"] = folder;
  const steps: string[] = [];
  try {
    const found = await cachedLink(stock, { onProgress: (step) => steps.push(step) });
    return { found, steps: steps.join() };
  } finally {
    process.env["XDG_CACHE_HOME"] = before;
  }
}

test("a copy is used while it is whole", async () => {
  assert.deepEqual(await linkedHere(), { found: copy, steps: "" });
});

test("a damaged copy is made anew, and old ones go", { skip: onlyLong }, async () => {
  const program = join(copy, "pyodide.asm.wasm");
  const untouched = readFileSync(program);
  // Of the same Pyodide by another version, of another Pyodide, and the halves of copies, new and old.
  const [old, older] = [0, 1].map((n) => copy.replace(/.{16}$/, String(n).repeat(16)));
  cpSync(shared, old as string, { recursive: true });
  mkdirSync(older as string);
  const other = join(cache, "pyodide-0.29.4-0123456789abcdef");
  const [fresh, abandoned] = ["00000000", "11111111"].map((id) =>
    join(cache, `.pymalloc-${id}.partial`),
  );
  for (const path of [other, fresh, abandoned]) mkdirSync(path as string);
  utimesSync(abandoned as string, 0, 0);

  const flipped = Buffer.from(untouched);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] as number) ^ 1;
  writeFileSync(program, flipped);
  const { found, steps } = await linkedHere();
  assert.equal(found, copy);
  assert.match(steps, /the copy in .* is damaged: making it anew/);
  assert.deepEqual(readFileSync(program), untouched);
  assert.deepEqual(readdirSync(cache), [
    basename(fresh as string),
    basename(other),
    basename(copy),
  ]);
});

test("the plugin serves the copy as Vite serves files, and copies it once", async () => {
  const plugin = linkedPyodide({ pyodide: stock });
  const outDir = join(folder, "dist");
  plugin.configResolved({ root: folder, base: "/", build: { outDir } });
  type Use = Parameters<Parameters<typeof plugin.configureServer>[0]["middlewares"]["use"]>;
  const handlers: Use[1][] = [];
  await plugin.configureServer({ middlewares: { use: (_path, given) => handlers.push(given) } });
  const server = createServer((request, response) => {
    // The declared types name nothing of Node's.
    handlers[0]?.(request as never, response as never, () => response.writeHead(404).end("next"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const program = await fetch(`${origin}/pyodide.asm.wasm`);
  assert.equal(program.headers.get("content-type"), "application/wasm");
  const etag = program.headers.get("etag") as string;
  assert.ok(etag);
  await program.arrayBuffer();
  const again = await fetch(`${origin}/pyodide.asm.wasm`, { headers: { "if-none-match": etag } });
  assert.equal(again.status, 304);
  for (const [file, type] of [
    ["pyodide.mjs", "text/javascript"],
    ["pyodide-lock.json", "application/json"],
  ]) {
    assert.match(
      (await fetch(`${origin}/${file}`)).headers.get("content-type") ?? "",
      new RegExp(`^${type}`),
    );
  }
  const neighbour = basename(dirname(await linkedFolder("pyodide")));
  for (const path of [
    "/%",
    "/%E0%A4%A",
    "/..%5c..%5cx",
    `/..%2f..%2f${neighbour}`,
    "/%2e%2e/",
    "/missing.js",
    `/${MANIFEST}/x`,
    "/%00",
  ]) {
    assert.equal((await fetch(origin + path)).status, 404, path);
  }

  const own = join(outDir, "pyodide", "pyodide.asm.wasm");
  plugin.buildStart();
  await Promise.all([plugin.writeBundle(), plugin.writeBundle()]);
  assert.deepEqual(readdirSync(join(outDir, "pyodide")).sort(), readdirSync(stock).sort());
  writeFileSync(own, "changed");
  await plugin.writeBundle();
  assert.equal(readFileSync(own, "utf8"), "changed", "once a build");
  plugin.buildStart();
  await plugin.writeBundle();
  assert.notEqual(readFileSync(own, "utf8").length, 7, "and again in the next");
});
