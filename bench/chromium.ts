/** Chromium as an engine: a function of ours is bundled, and called in a page of a browser of its own. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin, transform } from "esbuild";
import { linkedPyodideFolder, pyodideFile, pyodideFolder } from "../interpreter/interpreter.js";
import { UsageError } from "../process/process.js";
import { findChromium, launchChromium, serve } from "../tools/chromium.js";
import type { Engine } from "./engines.js";
import { ON_STOCK, programsIn } from "./interpreters.js";
import { sectionsOf } from "./stock.js";

/** A page may read a clock of microseconds only where nothing of other origins is near. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

const FOLDERS = ["programs", "pure", "memory", "inspect"];

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** What is another in a page. */
const inPage: Plugin = {
  name: "in a page",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/interpreters\.js$/ }, () => ({
      path: pathOf("page/interpreters.ts"),
    }));
  },
};

/** The file with all that it uses. What is for Node only is of no use there, and falls out. */
async function bundle(file: string): Promise<string> {
  const { outputFiles: [bundled] = [] } = await build({
    entryPoints: [fileURLToPath(file)],
    ...{ bundle: true, write: false, format: "esm", platform: "browser", target: "es2022" },
    external: ["node:*"],
    plugins: [inPage],
  });
  return bundled?.text ?? "";
}

/** The stock program once for each of its allocators. */
function stockPrograms(): Record<string, Uint8Array> {
  const program = readFileSync(pyodideFile("pyodide.asm.wasm"));
  return Object.fromEntries(
    ON_STOCK.map((allocator, at) => [
      `/${allocator}/pyodide.asm.wasm`,
      Buffer.concat([program, sectionsOf(at)]),
    ]),
  );
}

async function siteFor(file: string) {
  const loop = await transform(readFileSync(pathOf("loop.ts"), "utf8"), { loader: "ts" });
  const contents: Record<string, string | Uint8Array> = {
    "/index.html": "<!doctype html>",
    "/measure.js": await bundle(file),
    "/loop.ts": loop.code,
    ...stockPrograms(),
  };
  for (const name of FOLDERS) contents[`/${name}.json`] = JSON.stringify(await programsIn(name));
  const folders = {
    ...Object.fromEntries(FOLDERS.map((name) => [name, pathOf(name)])),
    ...Object.fromEntries(ON_STOCK.map((allocator) => [allocator, pyodideFolder()])),
    linked: await linkedPyodideFolder(),
  };
  return await serve(contents, folders, { headers: ISOLATED });
}

async function versionOf(executable: string): Promise<string> {
  const browser = await launchChromium(executable);
  await browser.close();
  return browser.version();
}

/** @throws UsageError where there is none */
export async function chromium(): Promise<Engine> {
  const executable = findChromium();
  if (executable === undefined) {
    throw new UsageError("there is no Chromium here; the variable CHROMIUM can say where it is");
  }
  return {
    name: "chromium",
    title: `Chromium ${await versionOf(executable)}`,
    async run(file, measure, ...args) {
      const site = await siteFor(file);
      const browser = await launchChromium(executable);
      try {
        const page = await browser.newPage();
        await page.goto(`${site.origin}/index.html`);
        return await page.evaluate(
          async ([name, values]) => {
            const module = await import(`${location.origin}/measure.js`);
            return await module[name](...values);
          },
          [measure.name, args] as const,
        );
      } finally {
        await browser.close();
        await site.close();
      }
    },
  };
}
