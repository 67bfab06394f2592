/**
 * docs/guide/environments.md: its lines as they are printed. What has to be fetched for it (bundlers, browsers' Pythons, other
 * run times) is fetched in the longer profile only.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium, type Serving, serve } from "../../tools/chromium.js";
import { quickPyodide } from "../support/command.js";
import { linkedFolder } from "../support/linked.js";
import { onlyLong } from "../support/profile.js";
import { newProject, type Project, repository, succeed } from "../support/project.js";
import { folderOf } from "../support/pyodide.js";
import { snippet } from "../support/snippets.js";

const executable = findChromium();
const inCI = Boolean(process.env["CI"]);
const noChromium = executable === undefined && !inCI ? "there is no Chromium here" : false;
const git = spawnSync("git", ["rev-parse", "HEAD"], { cwd: repository, encoding: "utf8" });
const revision = git.stdout?.trim();
const noGit = git.status === 0 ? false : "not a clone";
const esm = join(repository, "dist/esm");

const CROSS_ORIGIN = { "access-control-allow-origin": "*" };

/** What a page or a worker does, in whose reach is nothing of this file. */
const USES = `
import { createHeap } from "/esm/index.js";
export function use() {
  for (const malloc of ["pymalloc", "debug"]) {
    const heap = createHeap({ malloc });
    const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
    heap.decref(heap.newObject(Point));
    // A guest that imports its memory, and does nothing.
    const header = [0, 97, 115, 109, 1, 0, 0, 0];
    const imports = [2, 15, 1, 3, ...new TextEncoder().encode("env"), 6, ...new TextEncoder().encode("memory"), 2, 0, 0];
    heap.instantiate(new Uint8Array([...header, ...imports]));
    heap.validate();
  }
  return "used";
}
`;

const PAGE = `
import { use } from "/uses.js";
try {
  console.log(use());
  new Worker("/worker.js", { type: "module" }).onmessage = ({ data }) => console.log(data);
} catch (error) {
  console.log(error.name, error instanceof WebAssembly.CompileError ? "" : error.stack);
}
`;

describe("docs/guide/environments.md, on a page", { skip: noChromium }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium(executable as string);
  });
  after(async () => await browser?.close());

  /** The first lines that a page, with its workers and Python, writes on the console. */
  async function printed(
    html: string,
    texts: Readonly<Record<string, string>>,
    folders: Readonly<Record<string, string>>,
    { count = 1, ...serving }: Serving & { readonly count?: number } = {},
  ): Promise<string[]> {
    const page = `<!doctype html><title>page</title>${html}`;
    const site = await serve(
      { "/index.html": page, "/favicon.ico": "", ...texts },
      folders,
      serving,
    );
    const tab = await browser.newPage();
    // What PyScript takes from far away is here as well.
    await tab.route(/\/pyodide\/v[^/]+\/full\//, (route) => {
      const name = route.request().url().split("/").at(-1) ?? "";
      return route.fulfill({ path: join(folderOf("pyodide"), name), headers: CROSS_ORIGIN });
    });
    const lines: string[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        tab.on("pageerror", reject);
        tab.on("console", (message) => {
          if (message.type() === "error") reject(new Error(message.text()));
          if (message.type() === "log") lines.push(message.text());
          if (lines.length >= count) resolve();
        });
        setTimeout(() => reject(new Error(`only ${lines.join()}`)), 120_000).unref();
        tab.goto(`${site.origin}/index.html`).catch(reject);
      });
    } finally {
      await tab.close();
      await site.close();
    }
    return lines;
  }

  test("a content security policy with wasm-unsafe-eval is enough", async () => {
    const [name = "", value = ""] = snippet("docs/guide/environments.md#csp").trim().split(": ");
    const worker = 'import { use } from "/uses.js"; postMessage(use() + " in a worker");';
    const texts = { "/main.js": PAGE, "/uses.js": USES, "/worker.js": worker };
    const html = '<script type="module" src="/main.js"></script>';
    const lines = await printed(html, texts, { esm }, { headers: { [name]: value }, count: 2 });
    assert.deepEqual(lines, ["used", "used in a worker"]);
    const without = { [name]: value.replace(" 'wasm-unsafe-eval'", "") };
    assert.notEqual(without[name], value);
    assert.deepEqual(await printed(html, texts, { esm }, { headers: without }), ["CompileError "]);
  });

  test("a content security policy is enough for Pyodide, too", async () => {
    const [name = "", value = ""] = snippet("docs/guide/environments.md#csp").trim().split(": ");
    const main = snippet("README.md#in-pyodide")
      .replace('"pyodide"', '"/pyodide/pyodide.mjs"')
      .replace('"pymalloc/pyodide"', '"/esm/install.js"');
    const html = '<script type="module" src="/main.js"></script>';
    const folders = { esm, pyodide: folderOf("pyodide") };
    const [blocks] = await printed(html, { "/main.js": main }, folders, {
      headers: { [name]: value },
    });
    assert.ok(Number(blocks) > 60_000);
  });

  describe("with what is fetched", { skip: onlyLong }, () => {
    let project: Project;
    before(async () => {
      project = await newProject(snippet("README.md#install"));
      await quickPyodide(project.folder);
    });
    after(() => project?.close());

    /** Runs a line with the project's commands in reach, and npm's registry; its output. */
    function inProject(line: string): Promise<string> {
      const bin = join(project.folder, "node_modules/.bin");
      const PATH = `${bin}${delimiter}${process.env["PATH"]}`;
      return succeed(project.folder, line, [], { PATH }, true);
    }

    test("webpack", async () => {
      project.write("webpack.config.cjs", snippet("docs/guide/environments.md#webpack.config.cjs"));
      project.write("src/index.js", snippet("docs/guide/environments.md#webpack-index.js"));
      for (const line of snippet("docs/guide/environments.md#webpack").trim().split("\n")) {
        await inProject(line);
      }
      const dist = join(project.folder, "dist");
      const folders = { dist, pyodide: join(dist, "pyodide") };
      const [blocks] = await printed('<script src="/dist/main.js"></script>', {}, folders);
      assert.ok(Number(blocks) > 60_000, blocks);
    });

    test("PyScript", async () => {
      await inProject("npm install @pyscript/core");
      const pyscript = join(project.folder, "node_modules/@pyscript/core/dist");
      const pyodide = await linkedFolder("pyodide");
      const [linked] = await printed(
        snippet("docs/guide/environments.md#pyscript-linked.html"),
        {},
        { pyscript, pyodide },
      );
      assert.ok(Number(linked) > 60_000, linked);
      for (const html of [
        snippet("docs/guide/environments.md#pyscript-page.html"),
        snippet("docs/guide/environments.md#pyscript-worker.html"),
        snippet("docs/guide/environments.md#pyscript-modules.html"),
      ]) {
        const [blocks] = await printed(html, {}, { pyscript, pymalloc: esm });
        assert.ok(Number(blocks) > 60_000, blocks);
      }
    });

    test("Deno and Bun", async () => {
      project.write("heap.mjs", snippet("README.md#library"));
      project.write("pyodide.mjs", snippet("README.md#in-pyodide"));
      project.write("program.py", "print('ran')\n");
      await inProject("npm install deno bun");
      for (const lines of [
        snippet("docs/guide/environments.md#deno"),
        snippet("docs/guide/environments.md#bun"),
      ]) {
        const [heap, python, command] = lines.trim().split("\n") as [string, string, string];
        assert.match(await inProject(heap), /total: \d+/);
        assert.match(await inProject(python), /Small block threshold = 512/);
        assert.equal(await inProject(command), "ran\n");
      }
    });
  });
});

test("npm builds the package from the repository's address", {
  skip: onlyLong || noGit,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "pymalloc-address-"));
  try {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
    const address = `git+${pathToFileURL(repository).href}#${revision}`;
    await succeed(folder, "npm", ["install", address], {});
    writeFileSync(join(folder, "heap.mjs"), snippet("README.md#library"));
    assert.match(await succeed(folder, process.execPath, ["heap.mjs"], {}), /total: \d+/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
