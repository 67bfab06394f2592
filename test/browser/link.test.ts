/** A linked Pyodide on pages in Chromium, with the lines that docs/guide/pyodide.md and README.md print: as a folder, and with Vite. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { build, createServer, type PluginOption } from "vite";
import { linkedPyodide } from "../../link/vite.js";
import { findChromium, launchChromium, type Site, serve } from "../../tools/chromium.js";
import { quickPyodide } from "../support/command.js";
import { linkedFolder, pydebugFolder } from "../support/linked.js";
import { long, onlyLong } from "../support/profile.js";
import { newProject, type Project } from "../support/project.js";
import { mistakes, programWith } from "../support/python-mistakes.js";
import { snippet } from "../support/snippets.js";

const executable = findChromium();
const inCI = Boolean(process.env["CI"]);
const skip = executable === undefined && !inCI ? "there is no Chromium on this machine" : false;

const INDEX = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>`;

/** Behind a snippet that makes `pyodide`: is it a whole one, and counted? */
const LOOK = `
const text = pyodide.runPython(\`
import gc, json, sys
rows = [{"id": n, "name": str(n)} for n in range(20_000)]
assert json.loads(json.dumps(rows)) == rows
before = sys.getallocatedblocks()
del rows
gc.collect()
json.dumps([before > 60_000, sys.getallocatedblocks() < before])
\`);
console.log(text);
`;

/** Starts a worker, as Vite wants it said. */
const WORKER = `
new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
`;

describe("a linked Pyodide in Chromium", { skip }, () => {
  let browser: Browser;
  let project: Project;

  before(async () => {
    browser = await launchChromium(executable as string);
    project = await newProject(snippet("README.md#install"));
    // The shorter profile has no Binaryen in the project, and takes what was linked of the stock one.
    if (long) await quickPyodide(project.folder);
    project.write("index.html", INDEX);
  });
  after(async () => {
    await browser?.close();
    project?.close();
  });

  /**
   * The first lines that a page and its workers write on the console.
   *
   * @param told gets what else is written there, where errors are meant to be
   */
  async function printedOn(url: string, count: number, told?: string[]): Promise<string[]> {
    const tab = await browser.newPage();
    const lines: string[] = [];
    const problems: string[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        tab.on("pageerror", reject);
        tab.on("console", (message) => {
          if (message.type() === "log") lines.push(message.text());
          else if (told !== undefined) told.push(message.text());
          else if (message.type() === "error") reject(new Error(message.text()));
          if (lines.length >= count) resolve();
        });
        setTimeout(() => reject(new Error(`only ${lines.length} lines`)), 60_000).unref();
        tab.goto(url).catch(reject);
      });
    } catch (error) {
      problems.push(String(error));
    }
    await tab.close();
    assert.deepEqual(problems, []);
    return lines;
  }

  async function printedFrom(
    site: Site,
    path: string,
    count: number,
    told?: string[],
  ): Promise<string[]> {
    try {
      return await printedOn(site.origin + path, count, told);
    } finally {
      await site.close();
    }
  }

  /** What the app prints while one develops, and once it is built. */
  async function printedByVite(
    count: number,
    base = "/",
    plugins: () => PluginOption[] = () => [],
  ): Promise<string[][]> {
    const config = { root: project.folder, base, logLevel: "silent" } as const;
    const server = await createServer({
      ...config,
      plugins: plugins(),
      server: { host: "127.0.0.1", port: 0 },
    });
    await server.listen();
    const address = server.httpServer?.address() as { port: number };
    const site = {
      origin: `http://127.0.0.1:${address.port}`,
      close: () => server.close(),
    };
    const below = base === "./" ? "/" : base;
    const developing = await printedFrom(site, below, count);
    await build({ ...config, plugins: plugins() });
    const dist = join(project.folder, "dist");
    const index = readFileSync(join(dist, "index.html"), "utf8");
    const folders = { assets: join(dist, "assets"), pyodide: join(dist, "pyodide") };
    const built = await serve({ "/index.html": index }, folders, { base: below });
    return [developing, await printedFrom(built, `${below}index.html`, count)];
  }

  function assertCounted(lines: readonly (readonly string[])[]): void {
    for (const [first = "", second] of lines) {
      assert.ok(Number(first) > 60_000, first);
      assert.equal(second, "[true, true]");
    }
  }

  test("the folder is served in the place of the original", async () => {
    assert.equal(snippet("README.md#link"), snippet("docs/guide/pyodide.md#link"));
    // The shorter profile links by test/link/command.test.ts, and serves what is linked for all tests.
    if (long) await project.shell(snippet("README.md#link"));
    const main = snippet("docs/guide/pyodide.md#load") + LOOK;
    const pyodide = long ? join(project.folder, "public/pyodide") : await linkedFolder("pyodide");
    const site = await serve({ "/index.html": INDEX, "/main.js": main }, { pyodide });
    assertCounted([await printedFrom(site, "/index.html", 2)]);
  });

  test("with the debug heap mistakes are told, on a page and in a worker", async () => {
    const programs = Object.entries(mistakes).map(([kind, [code]]) => [kind, programWith(code)]);
    const load = `
import { loadPyodide } from "/pyodide/pyodide.mjs";
const programs = ${JSON.stringify(programs)};
const pyodide = await loadPyodide();`;
    const main = `${WORKER}${load}
const { log } = console;
console.log = () => {}; // Pyodide tells there where Python was.
try {
  pyodide.runPython(programs[0][1]);
} catch (error) {
  log(String(error));
}
`;
    const worker = `${load}
import { install } from "/esm/install.js";
const kinds = [];
install(pyodide, { onFault: (fault) => kinds.push(fault.kind) });
for (const [, program] of programs) pyodide.runPython(program);
console.log(kinds.join());
`;
    const pyodide = await pydebugFolder("pyodide");
    const esm = fileURLToPath(new URL("../../dist/esm", import.meta.url));
    const files = { "/index.html": INDEX, "/main.js": main, "/worker.js": worker };
    const told: string[] = [];
    const lines = await printedFrom(await serve(files, { pyodide, esm }), "/index.html", 2, told);
    const kinds = Object.keys(mistakes).join();
    assert.deepEqual(lines.sort(), ["RuntimeError: unreachable", kinds]);
    assert.match(
      told.join("\n"),
      /^PyMemError: buffer-overflow: .* at offset 31\nDebug memory block at [\s\S]*\nFatal Python error: PyMem_Free: buffer-overflow\n[\s\S]*\n {2}File "<exec>", line 16 in mistake\n/,
    );
  });

  test("Vite leaves the folder to the browser", { skip: onlyLong }, async () => {
    project.write("main.js", snippet("docs/guide/pyodide.md#load") + LOOK);
    assertCounted(await printedByVite(2));
  });

  test("in an app of Vite's, Pyodide gets its allocator at run time", async () => {
    rmSync(join(project.folder, "public"), { recursive: true, force: true });
    await project.shell(snippet("docs/guide/pyodide.md#vite-copy"));
    project.write("main.js", snippet("docs/guide/pyodide.md#vite-install.js") + LOOK);
    assertCounted(await printedByVite(2));
    rmSync(join(project.folder, "public"), { recursive: true });
  });

  test("Vite's plugin gives the linked one for the package", { skip: onlyLong }, async () => {
    project.write("vite.config.js", snippet("docs/guide/pyodide.md#vite.config.js"));
    project.write("main.js", snippet("docs/guide/pyodide.md#vite-main.js") + LOOK);
    assertCounted(await printedByVite(2));
  });

  test("the plugin serves workers as well, and below a base", async () => {
    project.write("vite.config.js", snippet("docs/guide/pyodide.md#vite-worker.config.js"));
    project.write("worker.js", snippet("docs/guide/pyodide.md#vite-main.js"));
    project.write("main.js", `${snippet("README.md#in-pyodide")}${WORKER}`);
    for (const [blocks = "", report = "", inWorker = ""] of await printedByVite(3, "/app/")) {
      assert.ok(Number(blocks) > 60_000, blocks);
      assert.match(report, /^Small block threshold = 512/);
      assert.ok(Number(inWorker) > 60_000, inWorker);
    }
    const linked = readFileSync(join(await linkedFolder("pyodide"), "pyodide.asm.wasm"));
    const built = readFileSync(join(project.folder, "dist/pyodide/pyodide.asm.wasm"));
    assert.deepEqual(built, linked);
    assert.equal(WebAssembly.validate(built), true);
  });

  test("the plugin answers for the folder's file, too", { skip: onlyLong }, async () => {
    rmSync(join(project.folder, "vite.config.js"));
    const [, , ...rest] = snippet("docs/guide/pyodide.md#load").split("\n");
    const main = ['const { loadPyodide } = await import("/pyodide/pyodide.mjs");', ...rest];
    project.write("main.js", main.join("\n") + LOOK);
    assertCounted(await printedByVite(2, "./", () => [linkedPyodide()]));
  });
});
