/** What the documentation prints is run as it is printed, in an empty project; here what needs nothing but Node. */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { transform } from "esbuild";
import { quickPyodide } from "../support/command.js";
import { onlyLong } from "../support/profile.js";
import { newProject, type Project, repository, run, succeed } from "../support/project.js";
import { allBlocks, snippet } from "../support/snippets.js";

/** Blocks that no test takes, and why. */
const NOT_RUN: Record<string, string> = {
  "docs/guide/command.md#commands":
    "the forms of all commands, with placeholders: test/cli and test/link/command.test.ts",
  "CONTRIBUTING.md#dev": "runs until it is stopped",
  "docs/guide/guests.md#zig": "no compiler for it here; the page says that it is not tested",
  "docs/upstream.md#link":
    "a line for Pyodide's own Makefile: the command is that of README.md#link",
  "docs/guide/environments.md#modules":
    "how a module is imported is up to the host: test/package/modules.test.ts does it in workerd",
  "docs/guide/environments.md#jupyter-lite.json":
    "needs a whole distribution of Pyodide and JupyterLite's build",
};

describe("what the documentation prints", () => {
  test("is run by a test, block by block, or has a reason not to be", () => {
    const tests = readdirSync(join(repository, "test"), {
      recursive: true,
      encoding: "utf8",
    }).filter((name) => name.endsWith(".test.ts"));
    const text = tests.map((name) => readFileSync(join(repository, "test", name), "utf8")).join();
    const code = allBlocks().filter(({ language }) => language !== "");
    const ids = code.map(({ id }) => id);
    const unmarked = code.filter(({ id }) => id === undefined);
    assert.deepEqual(
      unmarked.map(({ page, line }) => `${page}:${line}`),
      [],
      "no mark in front",
    );
    assert.equal(new Set(ids).size, ids.length, "two marks of one name");
    const taken = (id: string) => text.includes(`snippet("${id}")`);
    const untaken = ids.filter((id) => !taken(id as string)).sort();
    assert.deepEqual(untaken, Object.keys(NOT_RUN).sort());
  });

  test("has a language where it is to be typed", () => {
    const command = /^(\w+=\S+ )?(npm|npx|node|git|clang|cargo|deno|bun|pip|import) /m;
    const found = allBlocks().filter(({ language, text }) => language === "" && command.test(text));
    assert.deepEqual(
      found.map(({ page, line }) => `${page}:${line}`),
      [],
    );
  });
});

describe("in an empty project", () => {
  let project: Project;
  before(async () => {
    project = await newProject(snippet("README.md#install"));
    project.write("program.py", "import sys\nprint(sys.getallocatedblocks() > 60_000)\n");
  });
  after(() => project?.close());

  test("Pyodide gets its allocator", async () => {
    const printed = await project.program("pyodide.mjs", snippet("README.md#in-pyodide"));
    assert.match(printed, /^\d{5,}\nSmall block threshold = 512/);
  });

  test("a heap is made and used", async () => {
    const printed = await project.program("heap.mjs", snippet("README.md#library"));
    assert.match(printed, /\btotal: \d+/);
  });

  test("pymalloc is installed, and Python can look at it", async () => {
    // From here on, the interpreter starts quickly.
    await quickPyodide(project.folder);
    const printed = await project.program("install.mjs", snippet("docs/guide/pyodide.md#install"));
    assert.match(printed, /^\d{5,}\n\{\n {2}inUse: \d+,/);
    const limit = snippet("docs/guide/pyodide.md#limit");
    assert.equal(await project.program("limit.mjs", limit), "caught\n");
  });

  test("a program's memory is kept, and who holds what is told", async () => {
    const program = "class Order: pass\nCACHE = [Order() for _ in range(3000)]\n";
    project.write("app.py", program);
    const printed = await project.shell(snippet("README.md#snapshot"));
    assert.match(printed, /^Order: 3,000 objects[\s\S]* global CACHE > /);
  });

  test("the debug modes are switched on", async () => {
    const code = snippet("docs/guide/corrupted-heap.md#pyodide");
    assert.equal(await project.program("debug.mjs", code), "45\n");
    const shows = "\nconsole.log(heap.stats().malloc);\n";
    assert.equal(
      await project.program("debug.mjs", snippet("docs/guide/corrupted-heap.md#heap") + shows),
      "pymalloc_debug\n",
    );
    const fault = await project.program("fault.mjs", snippet("docs/guide/corrupted-heap.md#fault"));
    assert.equal(fault, "double-free 24\n");
  });

  test("the command runs a program in a debug mode", async () => {
    const lines = snippet("docs/guide/corrupted-heap.md#command");
    assert.equal(await project.shell(lines), "True\nTrue\n");
  });

  test("the lines that allocate are told, and a whole life is recorded", async () => {
    project.write("growth.py", snippet("docs/guide/memory-grows.md#growth.py"));
    assert.match(await project.shell("npx pymalloc run growth.py"), /growth\.py:5: size=\d+/);
    const printed = await project.shell(snippet("docs/guide/memory-grows.md#growth"));
    assert.match(printed, /never freed/);
  });

  test("the library's page: a snapshot, a hook, an allocation that fails", async () => {
    const printed = {
      snapshot: await project.program("a.mjs", snippet("docs/guide/library.md#snapshot")),
      hooks: await project.program("b.mjs", snippet("docs/guide/library.md#hooks")),
      testing: await project.program("c.mjs", snippet("docs/guide/library.md#testing")),
    };
    assert.deepEqual(printed, {
      snapshot: "42 1\n",
      hooks: "1\n",
      testing: "[ true, false, true ]\n",
    });
  });

  test("the program of docs/guide/objects.md prints what is printed there", async () => {
    const program = snippet("docs/guide/objects.md#objects");
    assert.equal(
      await project.program("objects.mjs", program),
      snippet("docs/guide/objects.md#output"),
    );
  });

  test("objects of a snapshot are read", async () => {
    const printed = await project.program("adopt.mjs", snippet("docs/guide/objects.md#adopt"));
    assert.equal(printed, "1.5\n");
  });

  test("a reference is given back at the end of a block", async () => {
    // What TypeScript makes of `using`, which Node 20 does not know.
    const loader = { loader: "ts", target: "node20" } as const;
    const { code } = await transform(snippet("docs/guide/objects.md#own"), loader);
    assert.equal(await project.program("own.mjs", code), "0\n");
  });

  test("an interpreter is linked by a script", { skip: onlyLong }, async () => {
    await project.shell("npm install binaryen");
    const printed = await project.program("script.mjs", snippet("docs/guide/pyodide.md#script"));
    assert.match(printed, /^\d{7,}\n$/);
    assert.ok(existsSync(join(project.folder, "public/pyodide/pyodide.asm.wasm")));
  });
});

test("the package is packed in a clone that was never built", { skip: onlyLong }, async () => {
  const clone = mkdtempSync(join(tmpdir(), "pymalloc-clone-"));
  try {
    // The packages and the compiled modules are there: a minute less. What is built of them is not.
    const left = [".git", "node_modules", "dist", "build/cache"];
    const filter = (path: string) =>
      !left.includes(relative(repository, path)) && !path.endsWith(".tgz");
    cpSync(repository, clone, { recursive: true, filter });
    const packages = join(clone, "node_modules");
    mkdirSync(packages);
    for (const name of readdirSync(join(repository, "node_modules"))) {
      symlinkSync(join(repository, "node_modules", name), join(packages, name), "junction");
    }
    await succeed(clone, snippet("README.md#pack").trim(), [], {}, true);
    assert.ok(existsSync(join(clone, "pymalloc-0.1.0.tgz")));
    assert.ok(existsSync(join(clone, "dist/esm/install.js")));

    // Behind an installation npm prepares as well: it takes the packages as made, and installs nothing by itself.
    const stamp = join(packages, ".pymalloc-setup");
    rmSync(stamp);
    const npm = { npm_lifecycle_event: "prepare", npm_command: "ci" };
    const prepare = ["tools/setup.mjs"];
    const prepared = await run(clone, process.execPath, prepare, { ...npm, PATH: "" });
    assert.deepEqual(prepared, { status: 0, stdout: "", stderr: "" });
    assert.ok(existsSync(stamp));
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});
