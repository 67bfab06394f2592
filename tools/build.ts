/**
 * Builds everything that is generated:
 *
 *   core/, folders wasm/  --compile.ts--> build/*.wasm, build/*.wat
 *   build/*.wasm     --modules.ts--> base/generated/  (a file a module: its bytes, and the numbers of its layout)
 *   base/ to python/  --esbuild--> dist/esm, dist/cjs, dist/workerd; --tsc--> their .d.ts
 *   build/shipped/   --here-->     dist/wasm, for dist/workerd and createHeap({ modules })
 *   link/            --esbuild--> dist/esm/link, dist/cjs/link; --tsc--> their .d.ts
 *   viewer/          --esbuild--> dist/viewer/report.html, a page without its report
 *   cli/             --esbuild--> dist/cli
 */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { compileModules } from "./compile.js";
import { declare } from "./declarations.js";
import { once } from "./once.js";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

/** Writes base/generated, unless that was made of just these modules. Binaryen is loaded only then: it takes a second. */
async function generateOnce(modules: ReadonlyMap<string, string>): Promise<void> {
  const sources = [
    "tools/modules.ts",
    "base/binary-text.ts",
    "package.json",
    ...readdirSync("link").map((name) => join("link", name)),
  ];
  const hash = createHash("sha256").update(JSON.stringify([...modules]));
  for (const file of sources) hash.update(readFileSync(file));
  await once("base/generated/.stamp", hash.digest("hex"), ["build/shipped"], async () => {
    const { generate } = await import("./modules.js");
    generate([...modules.keys()]);
  });
}

/** Has a bundle import the modules from dist/wasm, instead of having their bytes in it. */
const asFiles: Plugin = {
  name: "modules as files",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm\.js$/ }, ({ path }) => ({
      path: `../wasm/${basename(path, ".js")}`,
      external: true,
    }));
  },
};

async function bundle(): Promise<void> {
  const library = {
    index: "src/index.ts",
    // Not "pyodide": @pyodide/webpack-plugin takes each file that ends in pyodide.js or .mjs for Pyodide's own.
    install: "python/install.ts",
    testing: "src/testing.ts",
    inspect: "inspect/inspect.ts",
  };
  const common = {
    bundle: true,
    target: "es2022",
    logLevel: "warning",
    legalComments: "none",
    sourcemap: true,
  } as const;
  await build({
    ...common,
    entryPoints: library,
    format: "esm",
    platform: "neutral",
    outdir: "dist/esm",
    splitting: true,
    chunkNames: "shared-[hash]",
  });
  await build({
    ...common,
    entryPoints: library,
    format: "cjs",
    platform: "neutral",
    outdir: "dist/cjs",
  });
  const { metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: library,
    format: "esm",
    platform: "neutral",
    outdir: "dist/workerd",
    splitting: true,
    chunkNames: "shared-[hash]",
    plugins: [asFiles],
  });
  for (const { path, external } of Object.values(metafile.outputs).flatMap((one) => one.imports)) {
    if (external) cpSync(`build/shipped/${basename(path)}`, `dist/wasm/${basename(path)}`);
  }
  writeFileSync("dist/cjs/package.json", `${JSON.stringify({ type: "commonjs" })}\n`);
  const node = { ...common, platform: "node", packages: "external" } as const;
  for (const format of ["esm", "cjs"] as const) {
    await build({
      ...common,
      platform: "node",
      format,
      // The rest, which serves files, goes into the bundle, so that nothing else has to be installed (docs/licenses.md).
      external: ["binaryen"],
      entryPoints: { index: "link/index.ts", vite: "link/vite.ts", esbuild: "link/esbuild.ts" },
      outdir: `dist/${format}/link`,
      splitting: format === "esm",
      chunkNames: "shared-[hash]",
    });
  }
  await build({
    ...node,
    format: "esm",
    entryPoints: { main: "cli/main.ts" },
    outdir: "dist/cli",
    define: { PYMALLOC_VERSION: JSON.stringify(version) },
  });
}

/** The licenses of what the page contains: it is given to others, so it has them in itself. */
function licenses(): string {
  const files = ["echarts/NOTICE", "echarts/LICENSE", "echarts/licenses/LICENSE-d3"];
  const all = [...files, "zrender/LICENSE", "tslib/LICENSE.txt"];
  return all.map((file) => readFileSync(`node_modules/${file}`, "utf8").trim()).join("\n\n");
}

/** The page of a report: one file, with its script, its style and what it contains of others. */
async function bundlePage(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: { page: "viewer/page.ts", style: "viewer/page.css" },
    bundle: true,
    minify: true,
    write: false,
    outdir: "dist/viewer",
    format: "iife",
    target: "es2022",
    logLevel: "warning",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const textOf = (ending: string) =>
    (outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "").trimEnd();
  // By a function: a `$` in what is put in has no meaning.
  const page = readFileSync("viewer/page.html", "utf8")
    .replace("/* STYLE */", () => textOf(".css"))
    .replace("LICENSES", licenses)
    .replace("/* SCRIPT */", () => textOf(".js"));
  mkdirSync("dist/viewer", { recursive: true });
  writeFileSync("dist/viewer/report.html", page);
}

rmSync("dist", { recursive: true, force: true });
await generateOnce(await compileModules());
await Promise.all([bundle(), bundlePage(), declare()]);
