/**
 * How the command ends, whatever is wrong: the user's and the machine's mistakes are one line and a status, and never a
 * stack. One table for each kind.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { runVerb } from "../../cli/verbs.js";
import { endingOf } from "../../process/endings.js";
import { CorruptedHeap, ReadersGone, UsageError } from "../../process/errors.js";
import { assertRefused, cleanEnvironment, main, quickPyodide, runIn } from "../support/command.js";
import { long } from "../support/profile.js";
import { folderOf } from "../support/pyodide.js";
import { temporaryFolder, writeTrace } from "../support/traces.js";

const folder = temporaryFolder();
process.chdir(folder);
await quickPyodide(folder);
const stock = folderOf("pyodide");
const posix = process.platform !== "win32";
const skip = !posix && "a POSIX system's files";
const env = cleanEnvironment();

const LONG = "x".repeat(300);
writeFileSync(join(folder, "hello.py"), "print('hello')\n");
writeTrace(join(folder, "a.pmt"), [[["malloc", 0, 24]]]);
mkdirSync(join(folder, "sub"));
symlinkSync("nowhere", join(folder, "dangling"));
if (posix) execFileSync("mkfifo", [join(folder, "pipe")]);

const pymalloc = (args: readonly string[], cwd = folder) => runIn(cwd, args);

/** The same by a shell, which has redirections. */
function shell(script: string) {
  const words = ["-c", script.replaceAll("pymalloc", `"${process.execPath}" "${main}"`)];
  return spawnSync("bash", words, { cwd: folder, env, encoding: "utf8", input: "" });
}

const mistakes: [args: string[], message: RegExp][] = [
  [["run", "dangling"], /no such file: dangling/],
  [["run", "hello.py/x"], /(can't be read: ENOTDIR|no such file)/],
  [["run", LONG], /can't be read: ENAMETOOLONG/],
  [
    ["run", "--linked", "--malloc", "nothing", "hello.py"],
    /unknown allocator "nothing".*mimalloc_debug/,
  ],
  [["record", "-o", "", "hello.py"], /the trace's name is "", expected/],
  [["record", "-o", "pipe", "hello.py"], /pipe is no regular file/],
  [["record", "--force", "-o", "/dev/null", "hello.py"], /\/dev\/null is no regular file/],
  [["record", "--force", "-o", "/dev/full", "hello.py"], /\/dev\/full is no regular file/],
  [["record", "-o", "none/x.pmt", "hello.py"], /none\/x\.pmt can't be written: ENOENT/],
  [["record", "-o", "hello.py/x.pmt", "hello.py"], /can't be written: ENOTDIR/],
  [["record", "-o", LONG, "hello.py"], /can't be written: ENAMETOOLONG/],
  [["record", "-o", "dangling", "hello.py"], /dangling exists; --force overwrites it/],
  [["record", "-o", "/proc/x.pmt", "hello.py"], /can't be written: E/],
  [["stats", "pipe"], /pipe is not a file, expected a trace/],
  [["stats", "dangling"], /no such file: dangling/],
  [["stats", "a.pmt/x"], /a\.pmt\/x can't be read: ENOTDIR/],
  [["replay", LONG], /can't be read: ENAMETOOLONG/],
  [["link", "hello.py/x", "-o", "out"], /hello\.py\/x(: | can't be read: ENOTDIR|)/],
  [["link", LONG, "-o", "out"], /can't be read: ENAMETOOLONG/],
  [["link", stock, "-o", ""], /the output is "", expected a folder's name/],
  [["link", stock, "-o", "dangling"], /dangling exists already/],
  [["link", stock, "-o", "hello.py/x"], /can't be written: ENOTDIR/],
  [["link", stock, "-o", LONG], /can't be written: ENAMETOOLONG/],
  [["link", stock, "-o", "/proc/x/y"], /\/proc\/x\/y can't be written: E/],
];

test("what can't be read or written is found first, and told in one line", { skip }, async () => {
  for (const [args, message] of mistakes) await assertRefused(args, message);
});

test("a current directory that is gone", { skip }, () => {
  for (const args of [
    ["run", main],
    ["record", "-o", "x", main],
    ["stats", "x"],
    ["link", "x", "-o", "y"],
  ]) {
    mkdirSync(join(folder, "gone"));
    const lost = ["-c", `rmdir ../gone; exec "$0" "$@"`, process.execPath, main, ...args];
    const { status, stderr } = spawnSync("sh", lost, {
      cwd: join(folder, "gone"),
      env,
      encoding: "utf8",
    });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^pymalloc: the current directory can't be read: ENOENT[^\n]+\n$/);
  }
});

test("output that nobody reads ends quietly, as by SIGPIPE; a full disk is told", { skip }, () => {
  for (const verb of ["stats a.pmt", "stats --json a.pmt", "--help", "run --help"]) {
    const { stdout, stderr } = shell(`pymalloc ${verb} | true; echo \${PIPESTATUS[0]}`);
    // The first may have been faster.
    assert.match(stdout, /^(141|0)\n$/);
    assert.equal(stderr, "");
    const full = shell(`pymalloc ${verb} > /dev/full`);
    assert.equal(full.status, 2);
    assert.match(full.stderr, /^pymalloc: standard output can't be written: ENOSPC[^\n]+\n$/);
    assert.equal(shell(`pymalloc ${verb} nothing 2> /dev/full`).stderr, "");
  }
  const gone = shell("(sleep 1; pymalloc stats a.pmt; echo $? >&2) | true");
  assert.equal(gone.stderr, "141\n");
});

test("a Python program's output fails as in CPython", { skip }, () => {
  const full = shell("pymalloc run hello.py > /dev/full");
  assert.equal(full.status, 120);
  assert.match(
    full.stderr,
    /Exception ignored while flushing sys\.stdout:\nOSError: .*No space left/,
  );
  assert.doesNotMatch(full.stderr, /^pymalloc|Error thrown in/m);
});

/** Programs after which not even an exception can be told as usual: their status, and what is on standard error. */
const programs: [program: string, status: number, stderr: RegExp][] = [
  ["import sys\nclass A:\n    def __str__(self): raise ValueError('no')\nsys.exit(A())", 1, /^$/],
  ["import os\nos.abort()", 134, /^$/],
  ["from posix import abort\nabort()", 134, /^$/],
  ["import sys\nsys.stderr = None\n1 / 0", 1, /^(Traceback|$)/],
  ["import sys\nsys.stdout.close()\nsys.stderr.close()\nsys.exit(3)", 3, /^$/],
  ["import sys\nsys.setrecursionlimit(8)\n1 / 0", 1, /RecursionError/],
  ["import gc, sys\ngc.collect = None\nsys.modules.clear()", 1, /TypeError/],
  [
    "import sys\ndef t(*a): raise ValueError('traced')\nsys.settrace(t)\nsys.setprofile(t)",
    1,
    /traced/,
  ],
  ["import signal, os\nos.kill(os.getpid(), signal.SIGTERM)", 143, /^$/],
  ["import ctypes\nctypes.CDLL(None).abort()", 134, /pymalloc: the interpreter crashed/],
];

test("a program that can't be ended as usual has a status all the same", () => {
  for (const [program, status, stderr] of programs) {
    writeFileSync(join(folder, "ends.py"), `${program}\n`);
    const outcome = pymalloc(["run", "ends.py"]);
    assert.equal(outcome.status, status, `${program}: ${outcome.stderr}`);
    assert.match(outcome.stderr, stderr);
    assert.doesNotMatch(outcome.stderr, /internal error/);
  }
});

test("a heap that a program leaves corrupted is told with what may name the mistake", () => {
  writeFileSync(
    join(folder, "corrupts.py"),
    `import ctypes
take, free = ctypes.pythonapi.PyMem_Malloc, ctypes.pythonapi.PyMem_Free
take.restype, take.argtypes, free.argtypes = ctypes.c_size_t, [ctypes.c_size_t], [ctypes.c_size_t]
some = [take(504) for _ in range(40)] # of the same pools, which some keep
for p in some[::2]: free(p)
ctypes.memset(some[0], 0x55, 4)
print("done")
`,
  );
  for (const options of [[], ["--stats"], ["--json"]]) {
    const { status, stderr } = pymalloc(["run", ...options, "corrupts.py"]);
    assert.equal(status, 134, stderr);
    assert.match(
      stderr,
      /\n?pymalloc: the program corrupted its heap: heap invariant \d+ is broken at/,
    );
    assert.match(stderr, /`pymalloc run --malloc debug` may name the mistake\.\n$/);
    assert.doesNotMatch(stderr, /internal error|^ +at /m);
  }
});

test("a program may come through a pipe", { skip }, () => {
  const program = "import sys; print(__file__, sys.argv)";
  const substituted = shell(`pymalloc run <(echo '${program}') x`);
  assert.match(substituted.stdout, /^(\/dev\/fd\/\d+) \['\1', 'x'\]\n$/, substituted.stderr);
  const piped = shell(`echo '${program}' | pymalloc run /dev/stdin`);
  assert.equal(piped.stdout, "/dev/stdin ['/dev/stdin']\n", piped.stderr);
});

test("a Pyodide that does not start is named", () => {
  const broken = join(folder, "sub");
  mkdirSync(join(broken, "node_modules/pyodide"), { recursive: true });
  writeFileSync(join(broken, "node_modules/pyodide/package.json"), '{"version": "0.99.0"}');
  const loader = join(broken, "node_modules/pyodide/pyodide.mjs");
  const args = ["run", join(folder, "hello.py")];
  for (const [text, message] of [
    ["syntax error", /does not start \(/],
    [
      "export async function loadPyodide() { throw { a: 1 }; }",
      /does not start \(\[object Object\]\)/,
    ],
    [
      "export function loadPyodide() { return new Promise(() => {}); }",
      /waits for something that never/,
    ],
    [
      "export async function loadPyodide() { await WebAssembly.compile(new Uint8Array(9)); }",
      /does not start \(W/,
    ],
  ] as const) {
    writeFileSync(loader, text);
    const { status, stderr } = pymalloc(args, broken);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^pymalloc: [^\n]+\n$/);
    assert.match(stderr, message);
  }
});

test("whatever the arguments, a mistake is the user's and says so", async () => {
  const verbs = fc.constantFrom(
    ...["stats", "replay", "link", "record", "run", "snapshot", "memory", "heap", "rum", ""],
  );
  const word = fc.oneof(
    fc.constantFrom(
      "-o",
      "--output=",
      "--json",
      "--rounds",
      "--against",
      "--",
      "-",
      "--malloc",
      "=",
    ),
    fc.string({ maxLength: 8 }).filter((text) => !/help|^-.*h|version/.test(text)),
  );
  await fc.assert(
    fc.asyncProperty(verbs, fc.array(word, { maxLength: 5 }), async (verb, words) => {
      const error = await runVerb([verb, ...words]).then(
        () => assert.fail(`${verb} ${words.join(" ")} was accepted`),
        (error: unknown) => error,
      );
      const { status, lines } = endingOf(error);
      assert.deepEqual([status, lines.length], [2, 1], String((error as Error).stack));
    }),
    { numRuns: long ? 20_000 : 500 },
  );
});

test("only what nobody foresaw is an internal error", () => {
  const system = Object.assign(new Error("EIO: i/o error, read"), { code: "EIO", syscall: "read" });
  const crash = Object.assign(new Error("memory access out of bounds\nat x"), {
    pyodide_fatal_error: true,
  });
  const expected: [unknown, number, RegExp][] = [
    [new UsageError("a\nb"), 2, /^pymalloc: a/],
    [new ReadersGone(), 141, /^$/],
    [new CorruptedHeap("x"), 134, /--malloc debug/],
    [crash, 139, /crashed: memory access out of bounds\n.*--malloc debug/],
    [system, 2, /^pymalloc: EIO: i\/o error, read$/],
    [new RangeError("Array buffer allocation failed"), 2, /^pymalloc: out of memory: Array/],
    [new TypeError("x is not a function"), 70, /^pymalloc: internal error: TypeError: x is/],
    [undefined, 70, /internal error: undefined/],
  ];
  for (const [error, status, text] of expected) {
    const ending = endingOf(error);
    assert.equal(ending.status, status);
    assert.match(ending.lines.join("\n"), text);
  }
});
