/** The command line, run as a user runs it. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertRefused, quickPyodide, type RunOptions, runIn } from "../support/command.js";
import { onlyLong } from "../support/profile.js";
import { temporaryFolder } from "../support/traces.js";

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };
const folder = temporaryFolder();
process.chdir(folder);

await quickPyodide(folder);

/** Writes a program; its path from the folder in which the command runs. */
function write(path: string, text: string): string {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
  return path;
}

const pymalloc = (args: readonly string[], options?: RunOptions) => runIn(folder, args, options);

const hello = write("hello.py", "print('hello')\n");

test("a program has its files, its neighbours, its arguments, its streams and its exit status", () => {
  write("sub/helper.py", "def shout(text): return text.upper()\n");
  write("sub/data.txt", "data\n");
  const script = write(
    "sub/program.py",
    `import os, sys
import helper
from pathlib import Path
print(sys.argv, __name__, os.getcwd() == ${JSON.stringify(folder)})
print(helper.shout(sys.stdin.readline().strip()), sys.stdin.read().strip())
print((Path(__file__).parent / "data.txt").read_text().strip(), file=sys.stderr)
Path("written.txt").write_text("from Python")
print(os.environ["GREETING"], "PYTHONPATH" in os.environ)
sys.exit(7)
`,
  );
  const env = { GREETING: "moin", PYTHONPATH: "/nowhere" };
  const outcome = pymalloc(["run", script, "--json", "-x", "a b"], {
    input: "first\nsecond\n",
    env,
  });
  assert.equal(outcome.stderr, "data\n");
  assert.equal(
    outcome.stdout,
    "['sub/program.py', '--json', '-x', 'a b'] __main__ True\nFIRST second\nmoin False\n",
  );
  assert.equal(outcome.status, 7);
  assert.equal(readFileSync(join(folder, "written.txt"), "utf8"), "from Python");
});

test("it runs on pymalloc unless told otherwise", () => {
  const script = write("who.py", "import sys; print(sys.getallocatedblocks() > 0)\n");
  assert.equal(pymalloc(["run", script]).stdout, "True\n");
  assert.equal(pymalloc(["run", "--malloc", "pymalloc", script]).stdout, "True\n");
  assert.equal(pymalloc(["run", "--malloc", "malloc", script]).stdout, "False\n");
  assert.equal(pymalloc(["run", "--malloc=mimalloc", script]).stdout, "False\n");
  assert.equal(pymalloc(["run", script], { env: { PYTHONMALLOC: "malloc" } }).stdout, "False\n");
  const both = pymalloc(["run", "--malloc", "default", script], {
    env: { PYTHONMALLOC: "malloc" },
  });
  assert.equal(both.stdout, "True\n", "the option wins");
});

test("a Python exception ends with its traceback and status 1", () => {
  const script = write("broken.py", "def f(x):\n    return 1 / x\n\nf(0)\n");
  const { status, stdout, stderr } = pymalloc(["run", script]);
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /^Traceback \(most recent call last\):\n {2}File ".*broken\.py", line 4, in <mod/,
  );
  assert.match(stderr, /\nZeroDivisionError: division by zero\n$/);
  const syntax = pymalloc(["run", write("syntax.py", "x = = 1\n")]);
  assert.equal(syntax.status, 1);
  assert.match(
    syntax.stderr,
    /^ {2}File ".*syntax\.py", line 1\n[\s\S]*SyntaxError: invalid syntax\n$/,
  );
});

test("every way to end a program has CPython's exit status", () => {
  const statusOf = (code: string) => pymalloc(["run", write("end.py", code)]).status;
  assert.equal(statusOf("import sys; sys.exit()"), 0);
  assert.equal(statusOf("raise SystemExit(300)"), 300 & 255);
  assert.equal(statusOf("raise KeyboardInterrupt"), 130);
  assert.equal(statusOf("import os; os._exit(5)"), 5);
  const text = "import atexit, sys; atexit.register(print, 'bye'); sys.exit('no luck')";
  const { status, stdout, stderr } = pymalloc(["run", write("end.py", text)]);
  assert.deepEqual([status, stdout, stderr], [1, "bye\n", "no luck\n"]);
});

test("--stats prints the table on stderr", () => {
  const { status, stdout, stderr } = pymalloc(["run", "--stats", hello]);
  assert.equal(status, 0);
  assert.equal(stdout, "hello\n");
  assert.match(stderr, /^Small block threshold = 512, in 64 size classes\.\n/);
  assert.match(stderr, /\nTotal {30}= [ \d,]+\n$/);
  const plain = pymalloc(["run", "--stats", "--malloc", "malloc", hello]);
  assert.equal(plain.stderr, "malloc keeps no statistics\n");
});

test("PYTHONMALLOCSTATS prints the statistics at each new arena and at exit", () => {
  const script = write("grow.py", "x = [(n, str(n)) for n in range(20000)]\n");
  const { stderr } = pymalloc(["run", script], { env: { PYTHONMALLOCSTATS: "1" } });
  const tables = stderr.match(/^Small block threshold/gm) ?? [];
  assert.ok(tables.length > 10, `${tables.length} tables`);
});

test("--json prints JSON alone on stdout", () => {
  const { status, stdout, stderr } = pymalloc(["run", "--json", hello, "x"]);
  assert.equal(status, 0);
  assert.equal(stderr, "hello\n");
  const report = JSON.parse(stdout);
  assert.equal(report.program, hello);
  assert.deepEqual(report.arguments, ["x"]);
  assert.equal(report.allocator, "pymalloc");
  assert.equal(report.status, 0);
  assert.ok(report.seconds > 0 && report.heapBytes > 1e6);
  assert.ok(report.stats.arenas.current > 0);
});

/** Frees twice, says so, and leaves an overwritten block behind. */
const MISTAKES = `import ctypes
take, free = ctypes.pythonapi.PyMem_Malloc, ctypes.pythonapi.PyMem_Free
take.restype, take.argtypes, free.argtypes = ctypes.c_size_t, [ctypes.c_size_t], [ctypes.c_size_t]
p = take(24)
free(p)
free(p)
print("went on")
q = take(10)
ctypes.memset(q + 10, 1, 1)
raise SystemExit(3)
`;

test("a debug mode stops at the first mistake, or reports all and passes the status on", () => {
  const script = write("mistakes.py", MISTAKES);
  for (const word of ["debug", "pymalloc_debug", "malloc_debug"]) {
    const { status, stdout, stderr } = pymalloc(["run", "--malloc", word, script]);
    assert.deepEqual([status, stdout], [134, ""]);
    assert.match(
      stderr,
      /^PyMemError: double-free: PyMem_Free\(0x[0-9a-f]+\): the block of 24 bytes/,
    );
    assert.match(
      stderr,
      /most recent call first\):\n {2}File ".*mistakes\.py", line 6 in <module>\n$/,
    );
  }
  const env = { PYTHONMALLOC: "debug" };
  const all = pymalloc(["run", "--on-fault", "report", "--stacks", script], { env });
  assert.deepEqual([all.status, all.stdout], [3, "went on\n"]);
  const kinds = [...all.stderr.matchAll(/^PyMemError: ([a-z-]+): (\w+)/gm)].map((m) => m.slice(1));
  assert.deepEqual(kinds, [
    ["double-free", "PyMem_Free"],
    ["buffer-overflow", "validate"],
  ]);
  assert.match(all.stderr, /The block was freed here:\n {2}File ".*mistakes\.py", line 5 in/);
  assert.match(all.stderr, /The block was allocated here:\n {2}File ".*mistakes\.py", line 8 in/);
});

test("a crash of the interpreter is told as such, and what may name its cause", () => {
  const script = write(
    "crash.py",
    "import ctypes\nctypes.c_int.from_address(0xfffffff0).value = 1\n",
  );
  const { status, stderr } = pymalloc(["run", script]);
  assert.equal(status, 139);
  assert.match(stderr, /\npymalloc: the interpreter crashed: memory access out of bounds\n/);
  assert.match(stderr, /`pymalloc run --malloc debug` may name the mistake\.\n$/);
});

test("--json has the faults as data, also of a program that was stopped", () => {
  const script = write("mistakes.py", MISTAKES);
  const stopped = pymalloc(["run", "--malloc", "debug", "--json", script]);
  assert.equal(stopped.status, 134);
  const report = JSON.parse(stopped.stdout);
  assert.deepEqual([report.status, report.allocator], [134, "pymalloc_debug"]);
  const [fault] = report.faults;
  assert.equal(report.faults.length, 1);
  assert.deepEqual([fault.kind, fault.size, fault.family], ["double-free", 24, "mem"]);
  assert.match(fault.message, /^double-free: PyMem_Free\(/);
  assert.match(fault.dump, /^Debug memory block at address p=/);
  assert.ok(report.stats.debug.serial > 1000);
});

test("--compare runs the program on each allocator and reports", { skip: onlyLong }, () => {
  const script = write(
    "work.py",
    "import sys\nprint(len(sys.stdin.read()), sum(n for n, _ in [(n, n) for n in range(9999)]))\n",
  );
  const { status, stdout, stderr } = pymalloc(["run", "--compare", "--rounds", "3", script], {
    input: "12345",
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "5 49985001\n", "the program's output, once");
  assert.match(stderr, /CPython's own malloc \(dlmalloc\) +[\d.]+ ms +1\.000 /);
  assert.match(stderr, /CPython's mimalloc +[\d.]+ ms +\d\.\d{3} /);
  assert.match(
    stderr,
    /\npymalloc +[\d.]+ ms +\d\.\d{3} +\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\) +[\d.]+ MB/,
  );
  assert.match(
    stderr,
    /debug mode +\d+\.\d\d times the time of pymalloc without it, \d+\.\d\d times its heap\n/,
  );
  assert.match(stderr, /output +the same on all allocators/);
  assert.match(stderr, /requests +[\d,]+ in one run; pools served \d+\.\d % of them/);
  assert.doesNotMatch(stderr, /\r/, "no progress line where stderr is no terminal");
});

test("--compare --json is the same as data", () => {
  const { stdout, stderr } = pymalloc(["run", "--compare", "--rounds", "3", "--json", hello]);
  assert.equal(stderr, "hello\n");
  const report = JSON.parse(stdout);
  assert.deepEqual(
    report.allocators.map((a: { allocator: string }) => a.allocator),
    ["malloc", "mimalloc", "pymalloc", "linked"],
  );
  assert.equal(report.notLinked, undefined);
  assert.equal(report.debug.allocator, "pymalloc_debug");
  for (const { seconds, ratio, heapBytes } of [...report.allocators, report.debug]) {
    assert.equal(seconds.length, 3);
    assert.ok(ratio.ofMinima > 0 && ratio.lowerQuartile <= ratio.upperQuartile);
    assert.ok(heapBytes > 1e6);
  }
  assert.equal(report.sameOutput, true);
  assert.ok(report.census.requests > 0 && report.census.fromPools <= report.census.requests);
});

test("--compare goes without the linked one where that can't be made", async () => {
  const old = join(folder, "old");
  await quickPyodide(old);
  const manifest = join(old, "node_modules/pyodide/package.json");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/"314\.[\d.]+"/, '"0.26.4"'));
  const args = ["run", "--compare", "--rounds", "3", "--json", join(folder, hello)];
  const report = JSON.parse(runIn(old, args).stdout);
  assert.match(report.notLinked, /Pyodide 0\.26\.4 is not supported, expected 0\.27 or newer$/);
  assert.equal(report.allocators.length, 3);
});

test("--compare tells when the debug mode found a mistake and when the output differs, and goes on", () => {
  // One byte too far, where no other allocator has anything.
  const text = MISTAKES.replace(/free\(p\)\n[\s\S]*/, "ctypes.memset(p + 24, 1, 1)\nfree(p)\n");
  const program = text.replace("take(24)", "take(10)").replace("24", "10");
  const differs = "import sys; print(sys.getallocatedblocks() > 0)\n";
  const script = write("differs.py", program + differs);
  const { status, stderr } = pymalloc(["run", "--compare", "--rounds", "3", script]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /CPython's own malloc \(dlmalloc\) +[\d.]+ ms +1\.000 /);
  assert.match(stderr, /\npymalloc +[\d.]+ ms +\d\.\d{3} +\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\) /);
  assert.match(stderr, /requests +[\d,]+ in one run; pools served \d+\.\d % of them/);
  assert.match(stderr, /\n +it found a mistake, the first: buffer-overflow: PyMem_Free\(0x/);
  assert.match(stderr, /output +NOT the same on all allocators/);
});

test("--compare compares nothing when the program fails", { skip: onlyLong }, () => {
  const script = write("fails.py", "print(1); raise SystemExit(3)\n");
  const { status, stdout, stderr } = pymalloc(["run", "--compare", script]);
  assert.deepEqual([status, stdout], [3, "1\n"]);
  assert.match(stderr, /fails\.py ended with status 3: nothing to compare/);
});

test("what is wrong on the command line is said in one line", async () => {
  await assertRefused([], /a command is missing, expected one of: run/);
  await assertRefused(["rum"], /unknown command "rum", expected one of: run/);
  await assertRefused(["run"], /the script is missing/);
  await assertRefused(["run", "missing.py"], /no such file: missing\.py/);
  await assertRefused(["run", "sub"], /sub is a directory, expected a Python file/);
  await assertRefused(["run", "--bogus", hello], /Unknown option '--bogus'/);
  await assertRefused(["run", "--malloc"], /--malloc/);
  const words =
    /unknown allocator "jemalloc", expected one of: default, pymalloc, malloc, debug, .*mimalloc/;
  await assertRefused(["run", "--malloc", "jemalloc", hello], words);
  await assertRefused(["run", hello], words, { PYTHONMALLOC: "jemalloc" });
  for (const option of ["--stacks", "--on-fault=report"]) {
    await assertRefused(["run", option, hello], /goes with a debug mode, as in --malloc debug/);
  }
  await assertRefused(
    ["run", "--malloc", "debug", "--on-fault", "ignore", hello],
    /--on-fault: "ignore" is neither stop nor report/,
  );
  await assertRefused(["run", "--rounds", "5", hello], /--rounds goes with --compare/);
  await assertRefused(
    ["run", "--compare", "--rounds", "2.5", hello],
    /"2\.5" is not a whole number from 3 to/,
  );
  await assertRefused(
    ["run", "--compare", "--malloc", "malloc", hello],
    /--malloc has nothing to choose/,
  );
  const { status, stdout, stderr } = pymalloc(["run", "missing.py"]);
  assert.deepEqual([status, stdout, stderr], [2, "", "pymalloc: no such file: missing.py\n"]);
});

test("help and version", () => {
  assert.match(pymalloc(["--help"]).stdout, /^Usage: pymalloc <command> \[options\]\n/);
  assert.match(pymalloc(["run", "--help"]).stdout, /^Usage: pymalloc run \[options\] SCRIPT/);
  assert.equal(pymalloc(["--version"]).stdout, `${version}\n`);
});
