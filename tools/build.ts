/**
 * Builds everything that is generated:
 *
 *   core/ and folders wasm/ --asc-->     build/*.wasm, build/*.wat
 *   build/*.wasm     --here-->    base/generated/modules.ts  (the bytes, and the numbers of core/layout.ts)
 *   base/ to python/  --esbuild--> dist/esm, dist/cjs; --tsc--> their .d.ts
 *   link/            --esbuild--> dist/esm/link, dist/cjs/link; --tsc--> their .d.ts
 *   cli/             --esbuild--> dist/cli
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

interface ModuleRecipe {
  readonly entry: string;
  readonly runtime: "stub" | "minimal";
  readonly flags?: readonly string[];
  /** The file of core/policy/ that it is tuned by; `default` where none is named. */
  readonly policy?: string;
}

const recipes: Record<string, ModuleRecipe> = {
  core: { entry: "core/programs/core.ts", runtime: "stub", flags: ["--initialMemory", "0"] },
  validate: { entry: "core/programs/validate.ts", runtime: "stub" },
  arenas: { entry: "hosts/wasm/arena-source.ts", runtime: "stub" },
  linked: {
    entry: "core/programs/linked.ts",
    runtime: "stub",
    flags: ["--initialMemory", "0", "--importTable", "--debug"],
    policy: "linked",
  },
  tlsf: {
    entry: "core/programs/tlsf.ts",
    runtime: "minimal",
    flags: ["--initialMemory", "1", "--use", "memory=core/large/break/break_", "--use", "abort="],
  },
  debug: { entry: "core/programs/debug.ts", runtime: "stub", flags: ["--initialMemory", "0"] },
  objects: { entry: "core/programs/objects.ts", runtime: "stub", flags: ["--initialMemory", "0"] },
  adapter: { entry: "python/wasm/adapter.ts", runtime: "stub", flags: ["--importTable"] },
  census: { entry: "measure/wasm/census.ts", runtime: "stub", flags: ["--importTable"] },
  thunks: { entry: "src/guests/wasm/thunks.ts", runtime: "stub", flags: ["--initialMemory", "0"] },
  replay: { entry: "measure/wasm/replay.ts", runtime: "stub" },
  bump: { entry: "measure/wasm/bump.ts", runtime: "stub" },
  recorder: { entry: "trace/wasm/recorder.ts", runtime: "stub", flags: ["--importTable"] },
};

/** The text of an AssemblyScript file, as a program with this policy has it. */
function sourceOf(file: string, { policy = "default" }: ModuleRecipe): string {
  const text = readFileSync(file, "utf8");
  return file === join("core", "policy", "policy.ts")
    ? text.replace("./default", `./${policy}`)
    : text;
}

/** An AssemblyScript file and all files of ours that it imports, with their texts. */
function sourcesOf(file: string, recipe: ModuleRecipe, known = new Map<string, string>()) {
  if (known.has(file)) return known;
  const text = sourceOf(file, recipe);
  known.set(file, text);
  for (const [, from] of text.matchAll(/ from "(\.[^"]*)"/g)) {
    sourcesOf(`${join(dirname(file), from as string)}.ts`, recipe, known);
  }
  return known;
}

/** Stands for all that decides what a module becomes. */
function moduleMark(recipe: ModuleRecipe, flags: readonly string[]): string {
  const { version } = require("assemblyscript/package.json") as { version: string };
  const hash = createHash("sha256").update(JSON.stringify([version, recipe, flags]));
  for (const text of sourcesOf(recipe.entry, recipe).values()) hash.update(text);
  return hash.digest("hex");
}

/** Compiles a module, unless it was compiled from just these sources. */
async function compile(name: string, recipe: ModuleRecipe): Promise<void> {
  const common = ["-O3", "--noAssert", "--importMemory", "--noExportMemory"];
  const outputs = ["-o", `build/${name}.wasm`, "-t", `build/${name}.wat`];
  const flags = [...common, "--runtime", recipe.runtime, ...(recipe.flags ?? []), ...outputs];
  const mark = moduleMark(recipe, flags);
  const stamp = `build/${name}.stamp`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === mark) return;
  rmSync(stamp, { force: true });
  const { error, stderr } = await asc.main([recipe.entry, ...flags], {
    readFile: (file) => (existsSync(file) ? sourceOf(normalize(file), recipe) : null),
  });
  process.stderr.write(stderr.toString());
  if (error !== null) throw error;
  writeFileSync(stamp, mark);
}

/** Numbers that a module exports: read from it, so that nobody retypes them. */
function readLayout(name: string): [string, number][] {
  const module = new WebAssembly.Module(new Uint8Array(readFileSync(`build/${name}.wasm`)));
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name: what, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][what] =
      kind === "memory"
        ? new WebAssembly.Memory({ initial: 0 })
        : kind === "table"
          ? new WebAssembly.Table({ initial: 1, element: "anyfunc" })
          : kind === "global"
            ? 0
            : () => 0;
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  return Object.entries(exports).flatMap(([name, value]) =>
    value instanceof WebAssembly.Global ? [[name, value.value as number]] : [],
  );
}

/** A hash of the sources of link/. */
function linkerMark(): string {
  const hash = createHash("sha256");
  for (const file of readdirSync("link").sort()) hash.update(readFileSync(join("link", file)));
  return hash.digest("hex").slice(0, 16);
}

function generate(): void {
  const bytes = Object.keys(recipes).map((name) => {
    const base64 = readFileSync(`build/${name}.wasm`).toString("base64");
    return `  ${name}: "${base64}",`;
  });
  const layouts = {
    layout: "core",
    linkedLayout: "linked",
    debugLayout: "debug",
    objectsLayout: "objects",
    replayLayout: "replay",
  };
  const text = [
    "// Generated by tools/build.ts from core/ and the folders wasm/; not in version control.",
    "",
    "/** The WebAssembly modules, in base64. */",
    "export const modules = {",
    ...bytes,
    "};",
    "",
    "/** The package's. */",
    `export const packageVersion = ${JSON.stringify(version)};`,
    "",
    "/** Stands for the sources of link/: another linker may link otherwise. */",
    `export const linkerMark = "${linkerMark()}";`,
    "",
    ...Object.entries(layouts).flatMap(([constant, name]) => [
      `/** The numbers of the module ${name}, read from it. */`,
      `export const ${constant} = {`,
      ...readLayout(name).map(([key, value]) => `  ${key}: ${value},`),
      "} as const;",
      "",
    ]),
  ];
  mkdirSync("base/generated", { recursive: true });
  writeFileSync("base/generated/modules.ts", text.join("\n"));
}

async function bundle(): Promise<void> {
  const library = {
    index: "src/index.ts",
    // Not "pyodide": @pyodide/webpack-plugin takes each file that ends in pyodide.js or .mjs for Pyodide's own.
    install: "python/install.ts",
    testing: "src/testing.ts",
  };
  const common = {
    bundle: true,
    target: "es2022",
    logLevel: "warning",
    legalComments: "none",
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
  writeFileSync("dist/cjs/package.json", `${JSON.stringify({ type: "commonjs" })}\n`);
  const node = { ...common, platform: "node", packages: "external" } as const;
  for (const format of ["esm", "cjs"] as const) {
    await build({
      ...common,
      platform: "node",
      format,
      // The rest, which serves files, goes into the bundle, so that nothing else has to be installed (docs/licenses.md).
      external: ["binaryen"],
      entryPoints: { index: "link/index.ts", vite: "link/vite.ts" },
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

/** Has declarations mean base/webassembly.ts, and not a library that a project may lack. */
function withoutDom(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts") || name === join("base", "webassembly.d.ts")) continue;
    const file = join(folder, name);
    const text = readFileSync(file, "utf8");
    const from = `${"../".repeat(name.split(sep).length - 1) || "./"}base/webassembly.js`;
    const imports = [
      ...(/\bWebAssembly\.\w/.test(text) ? [`import type * as WebAssembly from "${from}";\n`] : []),
      ...(/\bBufferSource\b/.test(text) ? [`import type { BufferSource } from "${from}";\n`] : []),
    ];
    writeFileSync(file, imports.join("") + text);
  }
}

function declare(): void {
  const tsc = require.resolve("typescript/bin/tsc");
  for (const folder of ["build/types", "build/link-types"])
    rmSync(folder, { recursive: true, force: true });
  for (const project of ["tsconfig.build.json", "tsconfig.link.json"]) {
    execFileSync(process.execPath, [tsc, "-p", project], { stdio: "inherit" });
  }
  for (const format of ["esm", "cjs"]) {
    cpSync("build/types", `dist/${format}/types`, { recursive: true });
    withoutDom(`dist/${format}/types`);
    // What its two entries declare, and no more.
    for (const name of ["index", "vite", "link-folder", "link-program", "errors"]) {
      cpSync(`build/link-types/link/${name}.d.ts`, `dist/${format}/link/${name}.d.ts`);
    }
  }
}

rmSync("dist", { recursive: true, force: true });
mkdirSync("build", { recursive: true });
for (const [name, recipe] of Object.entries(recipes)) await compile(name, recipe);
generate();
await bundle();
declare();
