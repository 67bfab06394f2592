/** What gets published: packed, installed somewhere else, and used in every way it promises. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { textOf } from "../../base/binary-text.js";
import {
  pack,
  type Result,
  repository,
  run as runIn,
  succeed as succeedIn,
} from "../support/project.js";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "pymalloc-package-")));
const project = join(folder, "project");
const installed = join(project, "node_modules", "pymalloc");
let tarball = "";

// A cache of its own shows that the installation needs nothing out of one.
const own = { npm_config_cache: join(folder, "cache") };
const run = (cwd: string, file: string, args: readonly string[]) => runIn(cwd, file, args, own);
const succeed = (cwd: string, file: string, args: readonly string[]) =>
  succeedIn(cwd, file, args, own);

/** Writes a program into the project and runs it; its output. */
async function runProgram(name: string, text: string): Promise<string> {
  writeFileSync(join(project, name), text);
  return await succeed(project, process.execPath, [name]);
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8"));
}

function installedFiles(): string[] {
  return readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(installed, join(entry.parentPath, entry.name)))
    .map((path) => path.split(sep).join("/"));
}

/** The command that npm made. */
function pymalloc(cwd: string, args: readonly string[]): Promise<Result> {
  return run(cwd, join(project, "node_modules", ".bin", "pymalloc"), args);
}

const usesHeap = `
const heap = createHeap();
const p = heap.object.malloc(100);
heap.u8.fill(7, p, p + 100);
const q = heap.object.realloc(p, 200);
const kept = heap.u8.subarray(q, q + 100).every((byte) => byte === 7);
heap.validate();
const allocated = heap.getAllocatedBlocks();
heap.object.free(q);
let refusal;
try {
  install({});
} catch (error) {
  refusal = error.name;
}
const failing = failAllocations(heap);
const failed = heap.object.malloc(1);
failing.remove();
const debug = createHeap({ malloc: "debug" });
let fault;
try {
  debug.object.free(debug.mem.malloc(10));
} catch (error) {
  fault = error instanceof PyMemError && error.kind;
}
console.log(JSON.stringify([kept, allocated, heap.getAllocatedBlocks(), refusal, failed, fault]));
`;
const asExpected = `${JSON.stringify([true, 1, 0, "TypeError", 0, "wrong-family"])}\n`;

const imports = `import { createHeap, PyMemError } from "pymalloc";
import { install } from "pymalloc/pyodide";
import { failAllocations } from "pymalloc/testing";
`;
const requires = `const { createHeap, PyMemError } = require("pymalloc");
const { install } = require("pymalloc/pyodide");
const { failAllocations } = require("pymalloc/testing");
`;

/** Types that were lost would make errors vanish: each expected one is needed. */
const usesTypes = `
const heap: Heap = createHeap({ malloc: "pymalloc", maximumBytes: 1 << 20 });
const address: Address = heap.object.malloc(16);
const total: number = heap.stats().bytes.total + address;
// @ts-expect-error: sizes are numbers
heap.object.malloc("16");
// @ts-expect-error: no such allocator
createHeap({ malloc: "jemalloc" });
// @ts-expect-error: no such option
createHeap({ maximum: 1 });
const handle: InstalledPymalloc = install({ runPython: () => undefined }, { malloc: "default" });
handle.validate();
// @ts-expect-error: not a Pyodide
install({});
const Point = heap.defineType({ name: "Point", fields: { x: "f64", tag: "u8[4]" } });
const point = heap.newObject(Point);
const tag: number = Point.at(point).tag.get(0);
// @ts-expect-error: no such field
Point.at(point).z = 1;
failAllocations(heap, { start: 2 }).remove();
createHeap({ memory: heap.memory, system: heap.raw });
const watched = createHeap({ malloc: "debug", onFault: (fault: PyMemError) => fault.serial });
// @ts-expect-error: what shall become of faults
createHeap({ onFault: "ignore" });
export const numbers: number[] = [total, tag, watched.root, handle.getAllocatedBlocks(), heap.stats().blocks.raw];
`;
const typeImports = `import { type Address, createHeap, type Heap, type PyMemError } from "pymalloc";
import { type InstalledPymalloc, install } from "pymalloc/pyodide";
import { failAllocations } from "pymalloc/testing";
`;

/** Needs each line to be an error where there is a type, so none of them is any. */
const usesOwnTypes = `
import { link } from "pymalloc/link";
import { linkedPyodide } from "pymalloc/vite";
const pages: number = heap.memory.grow(0) + heap.memory.buffer.byteLength;
// @ts-expect-error: pages are a number
heap.memory.grow("1");
const guest = heap.instantiate(new Uint8Array(8), { env: { memory: heap.memory } });
// @ts-expect-error: not known to be a function
guest.exports["main"]();
// @ts-expect-error: bytes are not a text
heap.instantiate("bytes");
// @ts-expect-error: the name is a text
export const others: [number, number, Promise<unknown>] = [pages, linkedPyodide().name, link({ pyodide: "", output: "" })];
`;

const usesTypesOfPages = `
const memory: WebAssembly.Memory = heap.memory;
const imports: WebAssembly.Imports = heap.imports();
export const instance: WebAssembly.Instance = heap.instantiate(new Uint8Array(8), { ...imports, env: { memory } });
`;

function compileTypes(compilerOptions: object, files: readonly string[]): Promise<string> {
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const tsc = join(repository, "node_modules/typescript/bin/tsc");
  return succeed(project, process.execPath, [tsc, "-p", "."]);
}

describe("the package", { timeout: 300_000 }, () => {
  before(async () => {
    tarball = await pack(folder, own);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true }));
    const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--offline"];
    await succeed(project, "npm", ["install", ...quiet, tarball]);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test("it holds what is used and read, and nothing else", () => {
    const files = installedFiles();
    const code = /^dist\/(esm|cjs|workerd|cli)\/(.+\/)?[\w.-]+(\.d\.ts|\.js|\.js\.map)$/;
    const modules = /^dist\/wasm\/\w+\.wasm$/;
    const reading = /^docs\/(.+\/)?[\w-]+\.(md|svg|png|json)$/;
    const headers = /^include\/(pymalloc|pymemcompat|guest)\w*\.(h|c|ts|flags)$/;
    const crate = /^include\/rust\/(Cargo\.toml|README\.md|src\/\w+\.rs)$/;
    const rest = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "dist/cjs/package.json"];
    // Of what is bundled.
    rest.push("dist/viewer/report.html");
    const strangers = files.filter(
      (file) =>
        ![code, modules, reading, headers, crate].some((kind) => kind.test(file)) &&
        !rest.includes(file),
    );
    assert.deepEqual(strangers, []);
    const includes = readdirSync(join(repository, "include"), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.\w+$/.test(name))
      .map((name) => `include/${name}`);
    const built = ["dist/esm/index.js", "dist/cjs/index.js", "dist/cli/main.js"];
    built.push("dist/viewer/report.html");
    for (const needed of [...built, ...includes]) {
      assert.ok(files.includes(needed), needed);
    }
    const chunks = files.filter((file) => /^dist\/esm\/[^/]+\.js$/.test(file));
    const entries = ["index", "install", "inspect", "testing"];
    const reached = new Set(entries.map((name) => `dist/esm/${name}.js`));
    for (const file of reached) {
      const text = readFileSync(join(installed, file), "utf8");
      for (const [, name] of text.matchAll(/(?:from |import |import\()"\.\/([\w-]+\.js)"/g)) {
        reached.add(`dist/esm/${name}`);
      }
    }
    assert.deepEqual(chunks.sort(), [...reached].sort(), "leftovers of another build");
    // @pyodide/webpack-plugin takes what is named so for Pyodide's own file, and rewrites it.
    const confusing = files.filter((file) => /pyodide\.m?js$/.test(file));
    assert.deepEqual(confusing, []);
    for (const file of files.filter((name) => name.endsWith(".js"))) {
      const text = readFileSync(join(installed, file), "utf8");
      assert.ok(!text.includes(repository), `${file} names a folder of this machine`);
      const map = readJson(join(installed, `${file}.map`)) as { sources: string[] };
      const contents = map["sourcesContent" as keyof typeof map] as (string | null)[];
      assert.ok(
        contents.every((content) => content !== null),
        `${file}: a map with sources`,
      );
      assert.ok(
        map.sources.every((name) => !name.startsWith("/")),
        `${file}: ${map.sources}`,
      );
    }
  });

  test("its declarations carry no WebAssembly", () => {
    const beginning = textOf(new TextEncoder().encode("\0asm"));
    const carriers = installedFiles()
      .filter((file) => file.endsWith(".d.ts"))
      .filter((file) => readFileSync(join(installed, file), "utf8").includes(beginning));
    assert.deepEqual(carriers, []);
  });

  test("it depends on nothing, and Pyodide and Binaryen are optional", () => {
    const { dependencies, optionalDependencies, bundleDependencies, ...manifest } = readJson(
      join(installed, "package.json"),
    );
    assert.deepEqual(dependencies ?? {}, {});
    assert.deepEqual(optionalDependencies ?? {}, {});
    assert.deepEqual(bundleDependencies ?? [], []);
    const optional = { optional: true };
    assert.deepEqual(Object.keys(manifest["peerDependencies"] ?? {}), ["binaryen", "pyodide"]);
    assert.deepEqual(manifest["peerDependenciesMeta"], { binaryen: optional, pyodide: optional });
    const others = readdirSync(join(project, "node_modules")).filter((name) => name[0] !== ".");
    assert.deepEqual(others, ["pymalloc"]);
  });

  test("an ES module imports it", async () => {
    assert.equal(await runProgram("esm.mjs", imports + usesHeap), asExpected);
  });

  test("a CommonJS module requires it", async () => {
    assert.equal(await runProgram("cjs.cjs", requires + usesHeap), asExpected);
  });

  test("a bundle for browsers has all of it inside", async () => {
    writeFileSync(join(project, "entry.js"), imports + usesHeap);
    const elsewhere = join(folder, "elsewhere");
    const outfile = join(elsewhere, "bundle.mjs");
    const { warnings } = await build({
      absWorkingDir: project,
      entryPoints: ["entry.js"],
      bundle: true,
      platform: "browser",
      format: "esm",
      minify: true,
      logLevel: "silent",
      outfile,
    });
    assert.deepEqual(warnings, []);
    assert.equal(await succeed(elsewhere, process.execPath, [outfile]), asExpected);
  });

  test("its declarations serve a strict compiler, in both module systems", async () => {
    writeFileSync(join(project, "types.mts"), typeImports + usesTypes);
    writeFileSync(join(project, "types.cts"), typeImports + usesTypes);
    const compilerOptions = {
      target: "es2022",
      module: "nodenext",
      moduleResolution: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: [],
      noEmit: true,
    };
    writeFileSync(join(project, "page.mts"), typeImports + usesTypes + usesTypesOfPages);
    const files = ["types.mts", "types.cts"];
    await compileTypes(compilerOptions, [...files, "page.mts"]);
    // Without the library for pages and without Node, the types of WebAssembly are our own.
    writeFileSync(join(project, "bare.mts"), typeImports + usesTypes + usesOwnTypes);
    await compileTypes({ ...compilerOptions, lib: ["es2022"] }, [...files, "bare.mts"]);
  });

  test("its functions for linking say what to install where there is no Binaryen", async () => {
    const program = (imports: string) => `${imports}
(async () => {
  const refusals = [];
  const options = { pyodide: ${JSON.stringify(join(repository, "node_modules/pyodide"))}, output: "linked" };
  for (const wanted of [options, { ...options, pyodide: "nothing" }]) {
    await link(wanted).catch((error) => refusals.push(error instanceof LinkError && error.message));
  }
  console.log(JSON.stringify([...refusals, linkedPyodide().name]));
})();`;
    const esm = `import { LinkError, link } from "pymalloc/link";
import { linkedPyodide } from "pymalloc/vite";`;
    const cjs = `const { LinkError, link } = require("pymalloc/link");
const { linkedPyodide } = require("pymalloc/vite");`;
    for (const [name, imports] of [
      ["link.mjs", esm],
      ["link.cjs", cjs],
    ] as const) {
      const [binaryen, nothing, plugin] = JSON.parse(await runProgram(name, program(imports)));
      assert.match(binaryen, /linking needs Binaryen; install it with: npm install binaryen$/);
      assert.equal(nothing, "no such file or folder: nothing");
      assert.equal(plugin, "pymalloc:linked-pyodide");
    }
    assert.ok(!existsSync(join(project, "linked")));
  });

  test("its command tells its version", async () => {
    const version = readJson(join(repository, "package.json"))["version"];
    const result = await pymalloc(project, ["--version"]);
    assert.deepEqual(result, { status: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("its command names the package that is missing where there is no Pyodide", async () => {
    writeFileSync(join(project, "x.py"), "print(1)\n");
    const { status, stdout, stderr } = await pymalloc(project, ["run", "x.py"]);
    assert.match(stderr, /^pymalloc: [^\n]*npm install pyodide[^\n]*\n$/);
    assert.equal(stdout, "");
    assert.equal(status, 2);
  });

  test("its command runs a program where there is a Pyodide", async () => {
    const directory = join(folder, "with-pyodide");
    mkdirSync(join(directory, "node_modules"), { recursive: true });
    const ours = join(repository, "node_modules/pyodide");
    symlinkSync(ours, join(directory, "node_modules/pyodide"), "junction");
    const text = "import pymalloc, sys\npymalloc.validate()\nprint(len(sys.argv))\nsys.exit(3)\n";
    writeFileSync(join(directory, "x.py"), text);
    const result = await pymalloc(directory, ["run", "x.py", "one", "two"]);
    assert.deepEqual(result, { status: 3, stdout: "3\n", stderr: "" });
  });

  test("publint has nothing against it", async () => {
    const { buffer, byteOffset, byteLength } = readFileSync(tarball);
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball: bytes }, level: "warning" });
    assert.equal(pkg["name"], "pymalloc");
    const findings = messages.map((message) => formatMessage(message, pkg, { color: false }));
    assert.deepEqual(findings, []);
  });

  test("arethetypeswrong has nothing against it", async () => {
    const attw = join(repository, "node_modules/@arethetypeswrong/cli/dist/index.js");
    // Without looking for types on DefinitelyTyped, it asks nobody.
    const flags = ["--format", "json", "--no-definitely-typed"];
    const { status, stdout } = await run(folder, process.execPath, [attw, tarball, ...flags]);
    const { analysis } = JSON.parse(stdout) as {
      analysis: { entrypoints: object; problems: object[] };
    };
    assert.deepEqual(Object.keys(analysis.entrypoints).slice(0, 4), [
      ".",
      "./pyodide",
      "./inspect",
      "./testing",
    ]);
    assert.deepEqual(analysis.problems, []);
    assert.equal(status, 0);
  });
});
