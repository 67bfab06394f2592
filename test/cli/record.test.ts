/** `pymalloc record` and `pymalloc stats`, run as a user runs them. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readTrace } from "../../trace/reader.js";
import { assertRefused, quickPyodide, runIn } from "../support/command.js";
import { readEvents, temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();
process.chdir(folder);
await quickPyodide(folder);

function write(path: string, text: string): string {
  writeFileSync(join(folder, path), text);
  return path;
}

function pymalloc(args: readonly string[], env: Record<string, string> = {}) {
  return runIn(folder, args, { input: "from stdin\n", env });
}

const elsewhere = temporaryFolder();

/** The command with the Pyodide of this package, from where there is no other. */
function installed(args: readonly string[], env: Record<string, string> = {}) {
  const files = args.map((arg) => (/\.(pmt|py)$/.test(arg) ? join(folder, arg) : arg));
  return runIn(elsewhere, files, { input: "from stdin\n", env });
}

const program = write(
  "program.py",
  `import sys
kept = [bytes(70_000 + n * 1000) for n in range(3)]
kept.pop(1)
print(sys.argv[1:], sys.stdin.read().strip(), hash("x"))
print("to stderr", file=sys.stderr)
sys.exit(7)
`,
);

test("a program has its streams, its arguments and its status, and its blocks are in the trace", async () => {
  const { status, stdout, stderr } = pymalloc(["record", "-o", "a.pmt", program, "--json", "b c"]);
  assert.match(stdout, /^\['--json', 'b c'\] from stdin -?\d+\n$/);
  const last = stderr.match(
    /^to stderr\na\.pmt: ([\d,]+) events in ([\d,]+) bytes; peak (.+); recorded until its globals had gone\n$/,
  );
  assert.ok(last, stderr);
  assert.equal(status, 7);
  const trace = await readTrace(join(folder, "a.pmt"));
  assert.deepEqual([trace.header.program, trace.header.arguments], [program, ["--json", "b c"]]);
  assert.match(trace.header.python, /^3\.\d+\.\d+ /);
  assert.equal(last[1], trace.summary.events.toLocaleString("en-US"));
  assert.equal(last[2], trace.bytes.toLocaleString("en-US"));
  assert.match(last[3] as string, /^0\.\d MB in [\d,]+ blocks$/);
  const events = await readEvents(join(folder, "a.pmt"));
  // An object of type bytes has a header of 16 bytes and a NUL at the end.
  const born = events.filter(([, , size]) => [70_017, 71_017, 72_017].includes(size ?? 0));
  assert.deepEqual(
    born.map(([op, , size]) => [op, size]),
    [70_017, 71_017, 72_017].map((size) => ["calloc", size]),
  );
  const [first, second, third] = born.map(([, block]) => block);
  const free = (block: number | undefined) =>
    events.findIndex(([op, b]) => op === "free" && b === block);
  assert.ok(free(second) > 0);
  assert.ok(free(first) > free(second) && free(third) > free(second), "they die with the program");
});

test("recorded again, it is the same file", () => {
  const twice = ["one.pmt", "two.pmt"].map((name) => {
    const { stdout } = installed(["record", "-o", name, program], { PYTHONHASHSEED: "random" });
    return [stdout, readFileSync(join(folder, name)).toString("latin1")];
  });
  assert.deepEqual(twice[0], twice[1]);
});

test("-o FILE may stand at the end, but in the middle it is the program's", async () => {
  assert.equal(pymalloc(["record", program, "x", "-o", "end.pmt"]).status, 7);
  assert.deepEqual((await readTrace(join(folder, "end.pmt"))).header.arguments, ["x"]);
  const both = pymalloc(["record", "--output=both.pmt", program, "-o", "its own"]);
  assert.match(both.stdout, /^\['-o', 'its own'\]/);
  assert.deepEqual((await readTrace(join(folder, "both.pmt"))).header.arguments, ["-o", "its own"]);
  await assertRefused(["record", program, "-o", "x.pmt", "more"], /-o FILE is missing/);
});

test("a program that fails leaves its trace all the same", async () => {
  const failing = pymalloc(["record", "-o", "fails.pmt", write("fails.py", "x = [1]\n1 / 0\n")]);
  assert.equal(failing.status, 1);
  assert.match(failing.stderr, /ZeroDivisionError: division by zero\nfails\.pmt: [\d,]+ events/);
  const exits = write("exits.py", "import os\nos._exit(5)\n");
  assert.equal(pymalloc(["record", "-o", "exits.pmt", exits]).status, 5);
  assert.ok((await readTrace(join(folder, "exits.pmt"))).summary.events > 0);
});

test("a trace that is there is overwritten only on demand", async () => {
  write("there.pmt", "precious");
  await assertRefused(
    ["record", "-o", "there.pmt", program],
    /there\.pmt exists; --force overwrites it/,
  );
  assert.equal(readFileSync(join(folder, "there.pmt"), "utf8"), "precious");
  assert.equal(pymalloc(["record", "--force", "-o", "there.pmt", program]).status, 7);
  assert.ok((await readTrace(join(folder, "there.pmt"))).summary.events > 0);
});

test("what is wrong on the command line is said in one line, and nothing is left behind", async () => {
  mkdirSync(join(folder, "sub"), { recursive: true });
  await assertRefused(["record"], /record: the script is missing/);
  await assertRefused(["record", "-o", "x.pmt"], /record: the script is missing/);
  await assertRefused(["record", "-o", "x.pmt", "missing.py"], /no such file: missing\.py/);
  await assertRefused(
    ["record", "-o", "x.pmt", "sub"],
    /sub is a directory, expected a Python file/,
  );
  await assertRefused(["record", program], /record: -o FILE is missing, the trace's name/);
  await assertRefused(["record", "--malloc", "x", program], /record: Unknown option '--malloc'/);
  await assertRefused(
    ["record", "-o", "none/x.pmt", program],
    /none\/x\.pmt can't be written: ENOENT/,
  );
  await assertRefused(
    ["record", "--force", "-o", "sub", program],
    /sub is a directory, expected a file/,
  );
  await assertRefused(["stats"], /stats: the trace is missing/);
  await assertRefused(["stats", "none.pmt"], /no such file: none\.pmt/);
  await assertRefused(["stats", "sub"], /sub is not a file, expected a trace/);
  await assertRefused(
    ["stats", program],
    /program\.py: at byte 0: this is not a trace of pymalloc/,
  );
  await assertRefused(["stats", "--bogus", "a.pmt"], /stats: Unknown option '--bogus'/);
  await assertRefused(
    ["stats", "a.pmt", "b.pmt"],
    /stats: one trace at a time, not b\.pmt as well/,
  );
});

test("stats tells what is in a trace, and where a damaged one is damaged", async () => {
  const { status, stdout, stderr } = pymalloc(["stats", "a.pmt"]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(
    stdout,
    /^program {5}program\.py --json b c\nrecorded {4}in Python 3\.\d+\.\d+, Pyodide/,
  );
  assert.match(stdout, /\nRequests by size, in bytes\n[\s\S]+\nBlocks by lifetime, in allocations/);
  const widths = stdout.split("\n").map((line) => line.length);
  assert.equal(Math.max(...widths), 80, "what a terminal has that tells nothing");
  const whole = readFileSync(join(folder, "a.pmt"));
  writeFileSync(join(folder, "cut.pmt"), whole.subarray(0, whole.length - 9));
  await assertRefused(["stats", "cut.pmt"], /cut\.pmt: at byte \d+: the trace is truncated: /);
  whole[whole.length >> 1] = (whole[whole.length >> 1] as number) ^ 4;
  writeFileSync(join(folder, "flip.pmt"), whole);
  await assertRefused(["stats", "flip.pmt"], /flip\.pmt: at byte \d+: the chunk EVTS is damaged: /);
});

test("stats --json is the same as data", async () => {
  const { stdout, stderr } = pymalloc(["stats", "--json", "a.pmt"]);
  assert.equal(stderr, "");
  const report = JSON.parse(stdout);
  const { header, summary, bytes } = await readTrace(join(folder, "a.pmt"));
  assert.deepEqual([report.file, report.bytes, report.header], ["a.pmt", bytes, header]);
  const { peakLiveBytes, peakLiveBlocks, ...events } = summary;
  assert.deepEqual(report.events, events);
  assert.deepEqual(report.peak, { bytes: peakLiveBytes, blocks: peakLiveBlocks });
  const { classes, lifetimes, neverFreed, sizes, small, lifo } = report;
  const requests = events.events - events.frees;
  const sum = (rows: { count: number }[]) => rows.reduce((n, row) => n + row.count, 0);
  assert.deepEqual([sum(classes), sum(lifetimes)], [requests, events.frees]);
  assert.equal(neverFreed, events.mallocs + events.callocs - events.frees);
  assert.ok(sizes.some((size: { bytes: number }) => size.bytes === 70_017));
  assert.ok(small.requests > 0.5 && small.requests < 1 && small.bytes < small.requests);
  assert.ok(lifo.share > 0 && lifo.share < 1);
});

test("a spawned command says it on standard error, and nothing else", () => {
  const { status, stdout, stderr } = pymalloc(["stats", "none.pmt"]);
  assert.deepEqual([status, stdout, stderr], [2, "", "pymalloc: no such file: none.pmt\n"]);
  const record = pymalloc(["record", "-o", "x.pmt", "missing.py"]);
  assert.deepEqual(
    [record.status, record.stdout, record.stderr],
    [2, "", "pymalloc: no such file: missing.py\n"],
  );
});

test("help", () => {
  assert.match(pymalloc(["--help"]).stdout, / {2}record {4}.+\n {2}stats {5}.+\n/);
  assert.match(
    pymalloc(["record", "--help"]).stdout,
    /^Usage: pymalloc record \[options\] -o FILE/,
  );
  assert.match(
    pymalloc(["stats", "--help"]).stdout,
    /^Usage: pymalloc stats \[options\] FILE\.pmt\n/,
  );
});
