/** The WebAssembly modules: what each is made of, and AssemblyScript's compiler run on those that have changed. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, normalize } from "node:path";
import type { Transform } from "assemblyscript/transform";
import { once } from "./once.js";

const require = createRequire(import.meta.url);

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
    apart: [
      "core/heap/map/writeMap",
      "core/heap/stats/add",
      "core/heap/arenas/anotherIsUsable",
      "core/heap/pools/settle",
    ],
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

/** The compiler's command line for a module. */
function flagsOf(name: string, { runtime, flags = [] }: ModuleRecipe): string[] {
  const common = ["-O3", "--noAssert", "--importMemory", "--noExportMemory"];
  return [
    ...common,
    "--runtime",
    runtime,
    ...flags,
    "-o",
    `build/${name}.wasm`,
    "-t",
    `build/${name}.wat`,
  ];
}

/** Compiles a module. The compiler is loaded here, since that takes longer than most builds. */
async function compile(name: string, recipe: ModuleRecipe): Promise<void> {
  const { default: asc } = await import("assemblyscript/asc");
  const { default: binaryen } = await import("assemblyscript/binaryen");
  /** Has the optimizer, which is the next to see the module, leave the recipe's `apart` as functions. */
  const keepApart = {
    afterCompile(module: InstanceType<typeof binaryen.Module>) {
      for (const name of recipe.apart ?? []) {
        binaryen.setPassArgument("no-inline", name);
        module.runPasses(["no-inline"]);
      }
    },
  } as unknown as Transform;
  const { error, stderr } = await asc.main([recipe.entry, ...flagsOf(name, recipe)], {
    readFile: (file) => (existsSync(file) ? sourceOf(normalize(file), recipe) : null),
    transforms: [keepApart],
  });
  process.stderr.write(stderr.toString());
  if (error !== null) throw error;
}

/** Compiles what was not compiled from just these sources. @returns what stands for each module, by its name */
export async function compileModules(): Promise<ReadonlyMap<string, string>> {
  mkdirSync("build", { recursive: true });
  const marks = new Map<string, string>();
  for (const [name, recipe] of Object.entries(recipes)) {
    const mark = moduleMark(recipe, flagsOf(name, recipe));
    marks.set(name, mark);
    await once(`build/${name}.stamp`, mark, [], () => compile(name, recipe));
  }
  return marks;
}
