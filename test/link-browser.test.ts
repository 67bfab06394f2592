/** A linked Pyodide on pages in Chromium: served as a folder, and by Vite's plugin. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { build, createServer } from "vite";
import { linkedPyodide } from "../link/vite.js";
import { findChromium, launchChromium, type Site, serve } from "./support/chromium.js";
import { linkedFolder } from "./support/linked.js";
import { folderOf } from "./support/pyodide.js";

const executable = findChromium();
const inCI = Boolean(process.env["CI"]);
const skip = executable === undefined && !inCI ? "there is no Chromium on this machine" : false;

/** What a page does: it loads Pyodide from below `base`, and says what Python says. */
const page = (base: string) => `<!doctype html>
<title>linked</title>
<script type="module">
  const { loadPyodide } = await import(/* @vite-ignore */ "${base}" + "pyodide.mjs");
  const pyodide = await loadPyodide();
  const text = pyodide.runPython(\`
import gc, json, sys
rows = [{"id": n, "name": str(n)} for n in range(20_000)]
assert json.loads(json.dumps(rows)) == rows
before = sys.getallocatedblocks()
del rows
gc.collect()
json.dumps([before > 60_000, sys.getallocatedblocks() < before])
\`);
  const program = await (await fetch("${base}" + "pyodide.asm.wasm")).arrayBuffer();
  document.title = JSON.stringify([...JSON.parse(text), WebAssembly.validate(program)]);
</script>`;

describe("a linked Pyodide in Chromium", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "pymalloc-vite-"));
  let browser: Browser;
  const sites: Site[] = [];

  before(async () => {
    browser = await launchChromium(executable as string);
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(folderOf("pyodide"), join(folder, "node_modules", "pyodide"), "junction");
    writeFileSync(join(folder, "index.html"), page("/pyodide/"));
  });
  after(async () => {
    await browser?.close();
    for (const site of sites) await site.close();
    rmSync(folder, { recursive: true });
  });

  async function titleOf(url: string): Promise<unknown> {
    const tab = await browser.newPage();
    const problems: string[] = [];
    tab.on("pageerror", (error) => problems.push(String(error)));
    try {
      await tab.goto(url);
      await tab.waitForFunction(() => document.title !== "linked", null, { timeout: 60_000 });
    } catch (error) {
      problems.push(String(error));
    }
    assert.deepEqual(problems, []);
    const title = await tab.title();
    await tab.close();
    return JSON.parse(title);
  }

  async function serveFolder(texts: Record<string, string>, folders: Record<string, string>) {
    const site = await serve(texts, folders);
    sites.push(site);
    return site.origin;
  }

  test("the folder is served in the place of the original", async () => {
    const linked = await linkedFolder("pyodide");
    const origin = await serveFolder({ "/index.html": page("/linked/") }, { linked });
    assert.deepEqual(await titleOf(`${origin}/index.html`), [true, true, true]);
  });

  test("Vite's plugin serves it while one develops, and puts it into what is built", async () => {
    const config = { root: folder, configFile: false, logLevel: "silent" } as const;
    const server = await createServer({
      ...config,
      plugins: [linkedPyodide()],
      server: { host: "127.0.0.1", port: 0, ws: false },
    });
    try {
      await server.listen();
      const address = server.httpServer?.address() as { port: number };
      const origin = `http://127.0.0.1:${address.port}`;
      assert.deepEqual(await titleOf(`${origin}/`), [true, true, true]);
      const missing = await fetch(`${origin}/pyodide/../package.json`);
      assert.doesNotMatch(await missing.text(), /"name": "pyodide"/);
    } finally {
      await server.close();
    }

    await build({ ...config, plugins: [linkedPyodide()] });
    const built = join(folder, "dist");
    const linked = readFileSync(join(await linkedFolder("pyodide"), "pyodide.asm.wasm"));
    assert.deepEqual(readFileSync(join(built, "pyodide", "pyodide.asm.wasm")), linked);
    const index = readFileSync(join(built, "index.html"), "utf8");
    const folders = { assets: join(built, "assets"), pyodide: join(built, "pyodide") };
    const origin = await serveFolder({ "/index.html": index }, folders);
    assert.deepEqual(await titleOf(`${origin}/index.html`), [true, true, true]);
  });
});
