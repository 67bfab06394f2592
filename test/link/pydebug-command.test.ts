/** `pymalloc link --with-pydebug` and `run --pyodide` as a user runs them, and what they say of wrong input. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LinkError, link } from "../../link/index.js";
import { leastLimit } from "../../link/limit.js";
import { linkedPyodide } from "../../link/vite.js";
import { assertRefused, runIn } from "../support/command.js";
import { pydebugFolder } from "../support/linked.js";
import { onlyLong } from "../support/profile.js";
import { folderOf, loadFrom } from "../support/pyodide.js";
import { snippet } from "../support/snippets.js";
import { temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();
process.chdir(folder);
const stock = folderOf("pyodide");

const MISTAKE = `
import ctypes, sys
free = ctypes.pythonapi.PyObject_Free
free.argtypes = [ctypes.c_size_t]
malloc = ctypes.pythonapi.PyObject_Malloc
malloc.restype = ctypes.c_size_t

def twice(p):
    free(p)
    free(p)

twice(malloc(24))
print("goes on", sys.getallocatedblocks() > 50_000)
`;

test("the guide's lines make an interpreter that names a mistake, with its line, and exits 134", () => {
  writeFileSync("program.py", MISTAKE);
  mkdirSync("node_modules");
  const [install, make = "", run = "", ...more] = snippet("docs/guide/corrupted-heap.md#pydebug")
    .trim()
    .split("\n");
  assert.deepEqual([install, more], ["npm install binaryen", []]);
  const pymalloc = (line: string) => {
    const words = line.split(" ").map((word) => word.replace("node_modules/pyodide", stock));
    assert.deepEqual(words.slice(0, 2), ["npx", "pymalloc"]);
    return runIn(folder, words.slice(2));
  };
  const linked = pymalloc(make);
  assert.equal(linked.status, 0, linked.stderr);
  assert.match(
    linked.stdout,
    /^pyodide-debug: Pyodide \d+\.\d+\.\d+ with pymalloc and its debug heap, \d\d,\d{3} bytes longer \(/,
  );
  const { status, stdout, stderr } = pymalloc(run);
  assert.equal(status, 134, stderr);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /^PyMemError: double-free: PyObject_Free\(0x\w+\): the block of 24 bytes at/,
  );
  const lines =
    'File "[^"]*program.py", line 10 in twice\n {2}File "[^"]*program.py", line 12 in <';
  assert.match(stderr, new RegExp(`most recent call first\\):\\n {2}${lines}`));
});

test("it goes on where it is told to, and other words choose other allocators", async () => {
  const pydebug = await pydebugFolder("pyodide");
  writeFileSync("program.py", MISTAKE);
  const run = (...args: string[]) =>
    runIn(folder, ["run", "--pyodide", pydebug, ...args, "program.py"]);
  const reported = run("--on-fault", "report");
  assert.deepEqual([reported.status, reported.stdout], [0, "goes on True\n"], reported.stderr);
  assert.match(reported.stderr, /^PyMemError: double-free: /);
  const plain = run("--malloc", "malloc_debug", "--stats");
  assert.equal(plain.status, 134, plain.stderr);
  assert.match(plain.stderr, /^PyMemError: double-free: /);
  const told = JSON.parse(run("--on-fault", "report", "--json").stdout);
  assert.deepEqual([told.status, told.faults.length, told.stats.malloc], [0, 1, "pymalloc_debug"]);
});

test("Vite's plugin puts it into what is built", async () => {
  const plugin = linkedPyodide({ pyodide: stock, withPydebug: true });
  plugin.configResolved({ root: folder, base: "/", build: { outDir: "dist" } });
  plugin.buildStart();
  await plugin.writeBundle();
  const program = (of: string) => readFileSync(join(of, "pyodide.asm.wasm"));
  assert.ok(program("dist/pyodide").equals(program(await pydebugFolder("pyodide"))));
});

test("it starts with the least limit that may be linked in", { skip: onlyLong }, async () => {
  const limitBytes = leastLimit(true) * 2 ** 20;
  const { output } = await link({ pyodide: stock, output: "least", withPydebug: true, limitBytes });
  const pyodide = await loadFrom(output);
  assert.equal(pyodide.runPython("import json; json.dumps([2])"), "[2]");
});

test("wrong input is refused in one line", async () => {
  await assertRefused(
    ["link", stock, "-o", "out", "--with-pydebug", "--without-pymalloc"],
    /link: --with-pydebug is the debug heap of pymalloc, and --without-pymalloc leaves that out/,
  );
  await assertRefused(
    ["link", stock, "-o", "out", "--with-pydebug", "--limit", "47MB"],
    /link: --limit: "47MB" is no size like 200MB, from 48MB to 4095MB/,
  );
  await assert.rejects(
    link({ pyodide: stock, output: "out", withPydebug: true, limitBytes: 48 * 2 ** 20 - 1 }),
    { message: /limitBytes is 50331647, expected a whole number of bytes from 50331648 to / },
  );
  await assertRefused(
    ["run", "--pyodide", join(folder, "nothing"), "program.py"],
    /run: --pyodide: no Pyodide in .*nothing, expected a folder that pymalloc link wrote/,
  );
  await assertRefused(
    ["run", "--linked", "--pyodide", stock, "program.py"],
    /run: --linked links one itself, so --pyodide has nothing to name/,
  );
  await assertRefused(
    ["run", "--compare", "--pyodide", stock, "program.py"],
    /run: --compare runs all allocators, so --pyodide has nothing to choose/,
  );
  await assertRefused(["run", "--stacks", "--pyodide", stock, "program.py"], /--stacks goes with /);
  await assert.rejects(
    link({ pyodide: stock, output: "out", withPymalloc: false, withPydebug: true }),
    (error: unknown) => {
      assert.ok(error instanceof LinkError);
      assert.equal(error.message, "withPydebug is for a program that pymalloc is linked into");
      return true;
    },
  );
});
