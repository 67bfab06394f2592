/** The WebAssembly modules: what each is made of, and AssemblyScript's compiler run on those that have changed. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, normalize } from "node:path";
import type { Transform } from "assemblyscript/transform";
import { once } from "./once.js";

const require = createRequire(import.meta.url);

/** What a module is tuned by. */
export interface Policy {
  /** The file of core/policy/; `default` where none is named. */
  readonly policy?: string;
  /** Other values than that file's, and than those of `common`, by the names of the constants. */
  readonly numbers?: Readonly<Record<string, number>>;
}

interface ModuleRecipe extends Policy {
  readonly entry: string;
  readonly flags?: readonly string[];
  /**
   * Functions that stay functions, where -O3 would write a copy of them into each caller. For those that are long or rarely
   * called: with `arenas/arenaAt` and `books`, pools come and go 15 % slower.
   */
  readonly apart?: readonly string[];
}

/** What has to be done about a limit is rare. */
const partsOfLimit = ["settle", "freeRow", "takeRow"].map((name) => `core/limit/limit/${name}`);

/** The large malloc but for its fast paths. What changes the maps is copied all the same: that is most of what a block costs. */
const partsOfLarge = Object.entries({
  bins: ["bestFit", "fullFrom", "binOf", "lastFit", "take"],
  blocks: ["cut", "layFree", "lengthen", "release", "shorten"],
  break: [
    "extend",
    "grow",
    "layUsed",
    "mapBytes",
    "moveMaps",
    "reachInHole",
    "start",
    "use",
    "writeEnd",
  ],
  find: ["find"],
  large: ["free", "growsInPlace", "malloc", "mallocSlowly"],
  sweep: ["drop", "join", "settle", "sweep"],
  validate: [
    "behind",
    "broken",
    "checkBins",
    "checkBlocks",
    "checkState",
    "checkWaiting",
    "isBlock",
    "startFrom",
  ],
}).flatMap(([file, names]) => names.map((name) => `core/large/${file}/${name}`));

const recipes: Record<string, ModuleRecipe> = {
  core: {
    entry: "core/programs/core.ts",
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
    flags: ["--shrinkLevel", "1"],
  },
  arenas: { entry: "hosts/wasm/arena-source.ts" },
  linked: {
    entry: "core/programs/linked.ts",
    flags: ["--initialMemory", "0", "--importTable", "--debug"],
    policy: "linked",
    apart: partsOfLimit,
  },
  pydebug: {
    entry: "core/programs/pydebug.ts",
    flags: ["--initialMemory", "0", "--importTable", "--debug"],
    policy: "linked",
    apart: partsOfLimit,
  },
  guest: {
    entry: "core/programs/guest.ts",
    // It is optimized when it is linked, for what the guest needs of it.
    flags: ["--initialMemory", "0", "--importTable", "--debug", "--optimizeLevel", "0"],
  },
  large: {
    entry: "core/programs/large.ts",
    flags: ["--initialMemory", "0"],
    apart: partsOfLarge,
  },
  debug: { entry: "core/programs/debug.ts", flags: ["--initialMemory", "0"] },
  objects: { entry: "core/programs/objects.ts", flags: ["--initialMemory", "0"] },
  adapter: { entry: "python/wasm/adapter.ts", flags: ["--importTable"] },
  limit: {
    entry: "python/wasm/limit.ts",
    flags: ["--importTable", "--shrinkLevel", "2"],
    apart: partsOfLimit,
  },
  census: { entry: "measure/wasm/census.ts", flags: ["--importTable"] },
  thunks: { entry: "src/guests/wasm/thunks.ts", flags: ["--initialMemory", "0"] },
  replay: { entry: "measure/wasm/replay.ts" },
  bump: { entry: "measure/wasm/bump.ts" },
  recorder: { entry: "trace/wasm/recorder.ts", flags: ["--importTable"] },
};

/** Modules that only tests want. */
const forTests: Record<string, ModuleRecipe> = {
  report: { entry: "core/programs/report.ts", flags: ["--initialMemory", "0"] },
};

const POLICIES = join("core", "policy");

/** The text of an AssemblyScript file, as a program with this policy has it. */
function sourceOf(file: string, { policy = "default", numbers = {} }: Policy): string {
  const text = readFileSync(file, "utf8");
  if (dirname(file) !== POLICIES) return text;
  if (file === join(POLICIES, "policy.ts")) return text.replace("./default", `./${policy}`);
  return text.replace(/^(export const (\w+): \w+ = )(.*);$/gm, (line, head, name) =>
    name in numbers ? `${head}${numbers[name]};` : line,
  );
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
function flagsOf(name: string, { flags = [] }: ModuleRecipe): string[] {
  const common = ["-O3", "--noAssert", "--importMemory", "--noExportMemory"];
  return [
    ...common,
    "--runtime",
    "stub",
    ...flags,
    "-o",
    `build/${name}.wasm`,
    "-t",
    `build/${name}.wat`,
  ];
}

type WriteFile = (file: string, content: Uint8Array | string) => void;

/**
 * Compiles a module, and writes it where its flags say unless `writeFile` does. The compiler is loaded here, since that takes
 * longer than most builds.
 */
async function compile(name: string, recipe: ModuleRecipe, writeFile?: WriteFile): Promise<void> {
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
    ...(writeFile === undefined ? {} : { writeFile }),
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

/**
 * A module of ours as another policy makes it, or one for tests: what stands for it, and the compiler.
 *
 * @throws TypeError where the policies have no such number
 */
export function moduleWith(name: string, policy: Policy) {
  const recipe = { ...((recipes[name] ?? forTests[name]) as ModuleRecipe), ...policy };
  const texts = [...sourcesOf(recipe.entry, recipe).values()];
  for (const number of Object.keys(policy.numbers ?? {})) {
    if (!texts.some((text) => text.includes(`export const ${number}: `))) {
      throw new TypeError(`number ${number}, expected one of ${POLICIES}`);
    }
  }
  return {
    mark: moduleMark(recipe, flagsOf(name, recipe)),
    async compile(): Promise<Uint8Array> {
      let binary: Uint8Array | undefined;
      await compile(name, recipe, (_file, content) => {
        if (typeof content !== "string") binary = content;
      });
      return binary as Uint8Array;
    },
  };
}
