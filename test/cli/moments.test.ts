/** The moments of a program at which its memory can be looked at, in the newest and the oldest line of Pyodide. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { Interpreter, type Moment } from "../../interpreter/interpreter.js";
import { type Supervision, Word } from "../../process/process.js";
import { quickPyodide } from "../support/command.js";
import { skipUnlessNewest } from "../support/profile.js";
import { temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();
const folders = new Map<string, Promise<string>>();

function pyodideOf(version: string): Promise<string> {
  const made = folders.get(version) ?? quickPyodide(join(folder, version), version);
  folders.set(version, made);
  return made;
}

/** Signals as a supervisor would count them. */
function supervised(): { supervision: Supervision; signal: () => void } {
  const words = new Int32Array(new SharedArrayBuffer(4 * Object.keys(Word).length));
  const supervision = { words } as unknown as Supervision;
  return { supervision, signal: () => Atomics.add(words, Word.snapshots, 1) };
}

interface Seen {
  readonly status: number | string;
  /** What the program had printed at each look, with the kind in front. */
  readonly looks: string[];
  readonly output: string;
}

/** Runs a program, and looks at the moments. */
async function seen(version: string, program: string, moments: Moment[]): Promise<Seen> {
  const file = join(folder, "program.py");
  writeFileSync(file, program);
  const { supervision, signal } = supervised();
  let output = "";
  const looks: string[] = [];
  const decoder = new TextDecoder();
  const stdout = (bytes: Uint8Array) => {
    const text = decoder.decode(bytes);
    if (text.includes("signal me")) signal();
    output += text;
  };
  const interpreter = await Interpreter.load({
    allocator: "pymalloc",
    folder: await pyodideOf(version),
    supervision,
    script: { path: "program.py", arguments: [], file: resolve(file), cwd: folder },
    streams: { stdin: () => new Uint8Array(), stdout, stderr: stdout },
    looks: moments.map((at) => ({
      at,
      work: () => looks.push(`${at.kind}: ${output.trim().split("\n").join(" ")}`),
    })),
  });
  const status = await interpreter.run().catch((error) => String(error));
  // os._exit() means this process, too.
  process.exitCode = undefined;
  return { status, looks, output };
}

const END: Moment = { kind: "end" };
const lineOf = (file: string, line: number): Moment => ({ kind: "line", file, line });

// The oldest line has CPython 3.12. Older ones than 314 can't be told apart in one process: a global stays.
for (const version of ["pyodide", "pyodide-027"]) {
  const skip = skipUnlessNewest(version);

  test(`${version}: the end is before the globals go, however the program ends`, {
    skip,
  }, async () => {
    const global = "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'gone')\n";
    const ends = {
      "print('done')": [0, "end: done", /done\ngone/],
      "print('done'); raise SystemExit(3)": [3, "end: done", /done\ngone/],
      "print('done'); import os; print(flush=True); os._exit(4)": [4, "end: done", /^done\n\n$/],
    } as const;
    for (const [code, [status, look, output]] of Object.entries(ends)) {
      const outcome = await seen(version, global + code, [END, { kind: "crash" }]);
      assert.equal(outcome.status, status, outcome.output);
      assert.deepEqual(outcome.looks, [look]);
      assert.match(outcome.output, output);
    }
    const raised = await seen(version, `${global}print('done'); 1 / 0`, [END]);
    assert.match(raised.looks.join(), /^end: done Traceback .*ZeroDivisionError/);
  });

  test(`${version}: a line is seen when it is reached first`, { skip }, async () => {
    writeFileSync(join(folder, "part.py"), "def f():\n    x = 1\n    print('in f')\n");
    const program =
      "import part\nprint('one')\nfor i in range(3):\n    print(i)\npart.f()\npart.f()\nprint('end')\n";
    const reached = await seen(version, program, [lineOf("program.py", 4)]);
    assert.deepEqual(reached.looks, ["line: one"]);
    assert.equal(reached.output, "one\n0\n1\n2\nin f\nin f\nend\n");
    const inModule = await seen(version, program, [lineOf("part.py", 3), END]);
    assert.deepEqual(inModule.looks, ["line: one 0 1 2", "end: one 0 1 2 in f in f end"]);
    const byPath = await seen(version, program, [lineOf(join(folder, "part.py"), 2)]);
    assert.deepEqual(byPath.looks, ["line: one 0 1 2"]);
    const several = await seen(version, program, [
      lineOf("program.py", 7),
      lineOf("./part.py", 1),
      { kind: "memory-error" },
      END,
    ]);
    assert.deepEqual(several.looks, [
      "line: ",
      "line: one 0 1 2 in f in f",
      "end: one 0 1 2 in f in f end",
    ]);
    const never = await seen(version, program, [lineOf("art.py", 2)]);
    assert.deepEqual([never.looks, never.status], [[], 0]);
  });

  test(`${version}: a MemoryError is seen where it is raised`, { skip }, async () => {
    const program =
      "try:\n    1 / 0\nexcept ZeroDivisionError:\n    print('not this')\n" +
      "def f():\n    return [0] * 2**30\n" +
      "try:\n    f()\nexcept MemoryError:\n    print('caught')\ntry:\n    f()\nexcept MemoryError:\n    print('again')\n";
    const { status, looks, output } = await seen(version, program, [{ kind: "memory-error" }]);
    assert.deepEqual(looks, ["memory-error: not this"]);
    assert.deepEqual([status, output], [0, "not this\ncaught\nagain\n"]);
  });

  test(`${version}: growth by a tenth and signals are seen in the middle`, { skip }, async () => {
    const program =
      "rows = []\nfor part in range(30):\n    for n in range(10_000):\n        rows.append((n, str(n)))\n" +
      "print('signal me')\nfor n in range(1000): pass\nprint('end')\n";
    const moments: Moment[] = [{ kind: "growth" }, { kind: "signal" }];
    const { status, looks } = await seen(version, program, moments);
    assert.equal(status, 0);
    const growths = looks.filter((look) => look === "growth: ");
    assert.ok(growths.length >= 5 && growths.length < 30, `${growths.length} times`);
    assert.deepEqual(looks.slice(growths.length), ["signal: signal me"]);
    const small = await seen(version, "for n in range(1000): pass\n", moments);
    assert.deepEqual(small.looks, []);
  });

  test(`${version}: a crash is seen, and is still told`, { skip }, async () => {
    const program = "import ctypes\nprint('go')\nctypes.c_int.from_address(0xfffffff0).value = 1\n";
    const { status, looks } = await seen(version, program, [END, { kind: "crash" }]);
    assert.match(String(status), /memory access out of bounds/);
    assert.equal(looks.length, 1);
    assert.match(looks[0] as string, /^crash: go/);
  });
}
