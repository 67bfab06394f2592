/**
 * Builds everything that is generated:
 *
 *   core/ and folders wasm/ --asc-->     build/*.wasm, build/*.wat
 *   build/*.wasm     --modules.ts--> base/generated/  (a file a module: its bytes, and the numbers of its layout)
 *   base/ to python/  --esbuild--> dist/esm, dist/cjs, dist/workerd; --tsc--> their .d.ts
 *   build/shipped/   --here-->     dist/wasm, for dist/workerd and createHeap({ modules })
 *   link/            --esbuild--> dist/esm/link, dist/cjs/link; --tsc--> their .d.ts
 *   cli/             --esbuild--> dist/cli
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import ascBinaryen from "assemblyscript/binaryen";
import type { Transform } from "assemblyscript/transform";
import { build, type Plugin } from "esbuild";
import { declare } from "./declarations.js";
import { generate } from "./modules.js";

const require = createRequire(import.meta.url);
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

interface ModuleRecipe {
  readonly entry: string;
  readonly runtime: "stub" | "minimal";
  readonly flags?: readonly string[];
  /** The file of core/policy/ that it is tuned by; `default` where none is named. */
  readonly policy?: string;
  /**
   * Functions that stay functions, where -O3 would write a copy of them into each caller. For those that are long or rarely
   * called: with `arenas/arenaAt` and `books`, pools come and go 15 % slower.
   */
  readonly apart?: readonly string[];
}

const recipes: Record<string, ModuleRecipe> = {
  core: {
    entry: "core/programs/core.ts",
    runtime: "stub",
    flags: ["--initialMemory", "0"],
    apart: ["core/heap/map/writeMap", "core/heap/stats/add", "core/heap/arenas/anotherIsUsable"],
  },
  validate: {
    entry: "core/programs/validate.ts",
    runtime: "stub",
    flags: ["--shrinkLevel", "1"],
  },
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

/** Has the optimizer, which is the next to see the module, leave the recipe's `apart` as functions. */
function keepApart({ apart = [] }: ModuleRecipe): Transform {
  const afterCompile = (module: ascBinaryen.Module) => {
    for (const name of apart) {
      ascBinaryen.setPassArgument("no-inline", name);
      module.runPasses(["no-inline"]);
    }
  };
  return { afterCompile } as unknown as Transform;
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
    transforms: [keepApart(recipe)],
  });
  process.stderr.write(stderr.toString());
  if (error !== null) throw error;
  writeFileSync(stamp, mark);
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

rmSync("dist", { recursive: true, force: true });
mkdirSync("build", { recursive: true });
for (const [name, recipe] of Object.entries(recipes)) await compile(name, recipe);
generate(Object.keys(recipes));
await Promise.all([bundle(), declare()]);
