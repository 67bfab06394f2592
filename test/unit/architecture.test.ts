/** The shape of the project: imports only go down and through a folder's entry, files stay readable. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The house from the ground up: whatever stands here may import what stands before it. A folder has one entry, the file of
 * its own name, and that is all that others import; what a name ends in `.ts` stands for is a file of its own.
 */
const house = [
  // Each file of the policy may be asked for: the one that was chosen, or just that of one host.
  ...["common", "default", "linked", "policy"].map((name) => `core/policy/${name}.ts`),
  ...["core/layout.ts", "core/heap", "core/large", "core/debug", "core/objects"],
  ...[
    "core/limit",
    "core/linked",
    "core/guest",
    "core/programs",
    "base",
    "hosts",
    "src/domains.ts",
    "src/debug",
  ],
  ...["src/objects", "src/guests", "src/report", "src/heap", "src/testing.ts", "src/index.ts"],
  ...["python", "inspect/graph", "inspect/memory", "inspect/python", "inspect/questions"],
  ...["inspect/formats", "inspect", "viewer", "link", "process", "trace", "interpreter", "measure"],
  "cli",
];

/** What of it browsers and workers run as well: it knows nothing of Node. */
const anywhere = /^(core|base|hosts|src|python|inspect|viewer)\//;

function filesIn(folder: string): string[] {
  if (folder.endsWith(".ts")) return [folder];
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) return name === "generated" ? [] : filesIn(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

/** The files of the project that a file imports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const paths = [...text.matchAll(/(?:from |import |import\()"(\.[^"]+)"/g)].map(
    ([, path]) => path as string,
  );
  return paths.map((path) => {
    const target = relative(root, resolve(root, file, "..", path)).replace(/\.js$/, "");
    return target.endsWith(".ts") ? target : `${target}.ts`;
  });
}

/** Where in the house a file is; AssemblyScript beside TypeScript (`wasm/`) is a place of its own, on the same floor. */
function placeOf(file: string): { readonly floor: number; readonly part: string } {
  const floor = house.findIndex((place) => file === place || file.startsWith(`${place}/`));
  assert.notEqual(floor, -1, `${file} is in no folder of the house`);
  const wasm = file.match(/^.*\/wasm\//)?.[0];
  return { floor, part: wasm ?? (house[floor] as string) };
}

/** May others import this file? */
function isEntry(file: string): boolean {
  const { part } = placeOf(file);
  return (
    part.endsWith("wasm/") || file === part || basename(file, ".ts") === basename(dirname(file))
  );
}

const files = house.filter((place) => existsSync(join(root, place))).flatMap(filesIn);

test("imports go down the house only, and into another folder only through its entry", () => {
  assert.ok(files.length > 100);
  for (const file of files) {
    const from = placeOf(file);
    for (const imported of importsOf(file)) {
      const to = placeOf(imported);
      if (to.part === from.part) continue;
      assert.ok(to.floor <= from.floor, `${file} imports ${imported}, which stands above it`);
      assert.ok(isEntry(imported), `${file} imports ${imported}, which is not its folder's entry`);
    }
  }
});

test("no file imports itself, by whatever way round", () => {
  const done = new Set<string>();
  function walk(file: string, way: readonly string[]): void {
    assert.ok(!way.includes(file), `${[...way.slice(way.indexOf(file)), file].join(" -> ")}`);
    if (done.has(file)) return;
    for (const imported of importsOf(file))
      if (existsSync(join(root, imported))) walk(imported, [...way, file]);
    done.add(file);
  }
  for (const file of files) walk(file, []);
});

test("what runs in browsers knows nothing of Node", () => {
  for (const file of files.filter((name) => anywhere.test(name))) {
    assert.doesNotMatch(readFileSync(join(root, file), "utf8"), /from "node:/, file);
  }
});

test("nobody but base/memory.ts makes views of a memory: addresses have no sign there", () => {
  const view = /new (\w+Array|DataView)\(\s*[\w.#]*memory\.buffer/;
  const readers = files.filter((name) => anywhere.test(name) || name.startsWith("link"));
  for (const file of readers.filter((name) => name !== join("base", "memory.ts"))) {
    assert.doesNotMatch(readFileSync(join(root, file), "utf8"), view, file);
  }
});

test("files are at most 400 lines long", () => {
  for (const file of [...files, ...["test", "tools", "bench"].flatMap(filesIn)]) {
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    assert.ok(lines.length <= 400, `${file} has ${lines.length} lines`);
  }
});

test("the core is at most 8 KB of WebAssembly", () => {
  const { size } = statSync(join(root, "build/core.wasm"));
  assert.ok(size <= 8192, `build/core.wasm has ${size} bytes`);
});
