/** `pymalloc link` and `run --linked` as a user runs them, and what they say of wrong input. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { LinkError, link, linkProgram } from "../../link/index.js";
import { assertRefused, runIn } from "../support/command.js";
import { linkedFolder } from "../support/linked.js";
import { long, onlyLong } from "../support/profile.js";
import { folderOf, loadFrom, snapshotOf } from "../support/pyodide.js";
import { temporaryFolder } from "../support/traces.js";

/** A module that is none of a Pyodide's. */
const other = fileURLToPath(new URL("../../build/large.wasm", import.meta.url));
const folder = temporaryFolder();
process.chdir(folder);
const stock = folderOf("pyodide");
/** Of the memory at the start, as no build of Pyodide has it. */
const initialBytes = 64 * 2 ** 20 - 1;
const textOf = (path: string, name: string) => readFileSync(join(path, name), "utf8");
const contentOf = (path: string) => readFileSync(join(path, "pyodide.asm.wasm"));

const pymalloc = (args: readonly string[], env: Record<string, string> = {}) =>
  runIn(folder, args, { env });

test("a folder is linked into a new one, which is all that is written", async () => {
  const { status, stdout, stderr } = pymalloc(["link", stock, "-o", "linked"]);
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^linked: Pyodide \d+\.\d+\.\d+ with pymalloc, \d\d,\d{3} bytes longer \(\d+\.\d s\)\n$/,
  );
  assert.match(stderr, /^linking \.\.\.$/m);
  const linked = join(folder, "linked");
  assert.deepEqual(readdirSync(folder), ["linked"]);
  assert.deepEqual(readdirSync(linked), readdirSync(stock));
  assert.deepEqual(
    contentOf(linked),
    contentOf(await linkedFolder("pyodide")),
    "the same each time",
  );
  const others = readdirSync(stock).filter(
    (name) => !readFileSync(join(linked, name)).equals(readFileSync(join(stock, name))),
  );
  const program = ["pyodide.asm.mjs", "pyodide.asm.wasm"];
  assert.deepEqual(others, [...program, "pyodide.js", "pyodide.mjs", "python_stdlib.zip"]);
  const ids = ["pyodide.asm.mjs", "pyodide.js", "pyodide.mjs"].map((name) =>
    /BUILD_ID:"(\w{64})"|pymalloc_root\?"(\w{64})"/.exec(textOf(linked, name)),
  );
  assert.equal(new Set(ids.map((id) => id?.[1] ?? id?.[2])).size, 1, "one BUILD_ID in all of them");

  await assertRefused(
    ["link", stock, "-o", "linked"],
    /linked exists already; link into a folder that/,
  );
  await assertRefused(
    ["link", "linked", "-o", "again"],
    /linked: it was linked with pymalloc before/,
  );
});

test("--without-pymalloc copies; the program may be named itself; --json is data", () => {
  const program = join(stock, "pyodide.asm.wasm");
  const { status, stdout } = pymalloc([
    "link",
    "--without-pymalloc",
    program,
    "-o",
    "plain",
    "--json",
  ]);
  assert.equal(status, 0);
  const report = JSON.parse(stdout);
  assert.equal(report.withPymalloc, false);
  assert.equal(report.output, join(folder, "plain"));
  assert.equal(report.bytesAfter, report.bytesBefore);
  assert.deepEqual(contentOf(join(folder, "plain")), contentOf(stock));
});

test("what can't be linked is told in one line, and nothing is written", async () => {
  const { status, stdout, stderr } = pymalloc(["link", "nothing", "-o", "out"]);
  assert.equal(stderr, "pymalloc: link: no such file or folder: nothing\n");
  assert.deepEqual([status, stdout], [2, ""]);
  mkdirSync(join(folder, "empty"));
  await assertRefused(["link", "nothing", "-o", "out"], /no such file or folder: nothing/);
  await assertRefused(
    ["link", "empty", "-o", "out"],
    /empty: expected pyodide\.asm\.wasm or the folder/,
  );
  await assertRefused(["link", stock], /-o OUT_DIR is missing/);
  await assertRefused(["link", "-o", "out"], /the folder of a Pyodide is missing/);
  await assertRefused(["link", stock, "more", "-o", "out"], /one Pyodide at a time, not also more/);
  await assertRefused(["link", stock, "-o", join(stock, "out")], /is inside of/);
  await assertRefused(
    ["link", stock, "-o", "out", "--with-pymalloc", "--without-pymalloc"],
    /contradict/,
  );
  await assertRefused(["link", stock, "-o", "out", "--wth"], /link: Unknown option '--wth'/);
  for (const wrong of ["", "0", "-1", "1.5", "64MB", "4097"]) {
    const message =
      /link: --initial-memory: ".*" is not a whole number of megabytes from 1 to 4096/;
    await assertRefused(["link", stock, "-o", "out", `--initial-memory=${wrong}`], message);
  }
  await assertRefused(
    ["link", stock, "-o", "out", "--initial-memory", "1"],
    /initialBytes is 1048576, ex/,
  );

  const broken = join(folder, "broken");
  cpSync(stock, broken, { recursive: true });
  writeFileSync(join(broken, "pyodide.asm.wasm"), contentOf(stock).subarray(0, 1_000_000));
  await assertRefused(
    ["link", "broken", "-o", "out"],
    /broken: it is no WebAssembly that this engine takes/,
  );
  writeFileSync(join(broken, "pyodide.asm.wasm"), readFileSync(other));
  await assertRefused(
    ["link", "broken", "-o", "out"],
    /it does not export PyObject_Malloc, .*; is it a Pyodide's\?/,
  );
  rmSync(join(broken, "pyodide.asm.mjs"));
  await assertRefused(
    ["link", "broken", "-o", "out"],
    /neither pyodide\.asm\.mjs nor pyodide\.asm\.js/,
  );
});

test("the functions for build scripts refuse the same", async () => {
  const linked = await linkedFolder("pyodide");
  await assert.rejects(link({ pyodide: stock, output: linked }), LinkError);
  const glue = readFileSync(join(stock, "pyodide.asm.mjs"), "utf8");
  await assert.rejects(linkProgram(contentOf(linked), glue), {
    name: "LinkError",
    message: "it was linked with pymalloc before",
  });

  for (const wrong of [0, -1, 1.5, Number.NaN, 31_457_279, 2 ** 32 + 1]) {
    await assert.rejects(link({ pyodide: stock, output: "out", initialBytes: wrong }), {
      name: "LinkError",
      message: `${stock}: initialBytes is ${wrong}, expected a whole number of bytes from 31457280 to 4294967296`,
    });
  }
  const older = { pyodide: folderOf("pyodide-029"), output: "out", initialBytes };
  await assert.rejects(link(older), /initialBytes is 67108863, expected nothing: before Pyodide/);
  const plain = { pyodide: stock, output: "out", initialBytes, withPymalloc: false };
  await assert.rejects(link(plain), /initialBytes is for a program that pymalloc is linked into/);

  // A line before 314 says in its JavaScript where its heap begins.
  await assert.rejects(linkProgram(contentOf(folderOf("pyodide-029")), "nothing"), {
    name: "LinkError",
    message: "its JavaScript does not say where the heap begins",
  });
});

test("a script links a program with more memory at the start", { skip: onlyLong }, async () => {
  const steps: string[] = [];
  const output = join(folder, "by-function");
  const onProgress = (step: string) => steps.push(step);
  const report = await link({ pyodide: stock, output, initialBytes, onProgress });
  assert.ok(steps.length >= 3, steps.join());
  assert.equal(report.bytesAfter, contentOf(output).length);
  // With 30 MB of memory at the start, "offset is out of bounds".
  const grown = await loadFrom(output, undefined, { _makeSnapshot: true });
  grown.runPython("kept = bytearray(40_000_000)");
  const _loadSnapshot = snapshotOf(grown);
  assert.ok(Math.abs(_loadSnapshot.length - initialBytes) < 1e6, `${_loadSnapshot.length}`);
  const restored = await loadFrom(output, undefined, { _loadSnapshot });
  assert.equal(restored.runPython("len(kept)"), 40_000_000);
});

test("a Pyodide that is not supported is refused by its version, a damaged one as such", async () => {
  const broken = join(folder, "old");
  cpSync(stock, broken, { recursive: true });
  writeFileSync(join(broken, "package.json"), '{"name": "pyodide", "version": "0.26.4"}');
  const message = /old: Pyodide 0\.26\.4 is not supported, expected 0\.27 or newer/;
  await assertRefused(["link", "old", "-o", "out"], message);

  // Its code is nonsense from some function on, at the length that it had.
  const program = contentOf(stock);
  program.fill(0, program.length >> 2, (program.length >> 2) + 64);
  writeFileSync(join(broken, "pyodide.asm.wasm"), program);
  writeFileSync(join(broken, "package.json"), "{}");
  await assert.rejects(link({ pyodide: broken, output: join(folder, "out") }), LinkError);
});

test("a custom build may have a smaller memory", { skip: onlyLong }, async () => {
  const older = folderOf("pyodide-029");
  const program = contentOf(older);
  // Where it imports its memory: kind 2, with a maximum (flag 1) of 65,536 pages, which becomes half of it.
  const name = program.indexOf("memory\x02\x01", "latin1");
  const maximum = program.indexOf(Buffer.of(0x80, 0x80, 0x04), name);
  assert.ok(name > 0 && maximum - name < 12);
  program[maximum + 2] = 2;
  const linked = await linkProgram(program, readFileSync(join(older, "pyodide.asm.js"), "utf8"));
  assert.ok(linked.length > program.length);
});

test("run --linked links once, and PYTHONMALLOC chooses as in CPython", async () => {
  // The shorter profile has a cache in which it is linked already.
  if (!long) await linkedFolder("pyodide");
  const home = long ? join(folder, "cache") : (process.env["XDG_CACHE_HOME"] as string);
  const env = { XDG_CACHE_HOME: home };
  writeFileSync(join(folder, "count.py"), "import sys; print(sys.getallocatedblocks() > 0)\n");
  const first = pymalloc(["run", "--linked", "--stats", "count.py"], env);
  assert.equal(first.stdout, "True\n", first.stderr);
  assert.match(first.stderr, /^Small block threshold = 512/m);
  const cached = readdirSync(join(home, "pymalloc"));
  if (long) {
    assert.equal(cached.length, 1);
    assert.match(cached[0] as string, /^pyodide-\d+\.\d+\.\d+-[0-9a-f]{16}$/);
  }
  for (const [word, there] of [
    ["mimalloc_debug", "True"],
    ...(long ? [["malloc", "False"]] : []),
  ]) {
    const run = pymalloc(["run", "--linked", "--malloc", word as string, "count.py"], env);
    assert.equal(run.stdout, `${there}\n`, `${word}: ${run.stderr}`);
  }
  const json = pymalloc(["run", "--linked", "--json", "count.py"], env);
  const { allocator, stats, status } = JSON.parse(json.stdout);
  assert.deepEqual([allocator, stats.malloc, status], ["linked", "pymalloc", 0]);
  assert.deepEqual(readdirSync(join(home, "pymalloc")), cached, "linked once");
  await assertRefused(
    ["run", "--linked", "--stacks", "count.py"],
    /--stacks goes with our debug mode/,
  );
  await assertRefused(["run", "--linked", "--compare", "count.py"], /--linked chooses nothing/);
});
