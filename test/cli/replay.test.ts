/** `pymalloc replay`, run as a user runs it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TRACE = "bench/traces/classes.pmt";

function replay(...args: string[]) {
  return spawnSync(process.execPath, ["dist/cli/main.js", "replay", ...args], {
    cwd: root,
    encoding: "utf8",
  });
}

test("it compares pymalloc with the allocators that are asked for", () => {
  const { status, stdout, stderr } = replay("--against", "tlsf, thing", "--rounds", "1", TRACE);
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  assert.match(stdout, /classes\.pmt: .*classes\.py, [\d,]+ events, at most [\d,]+ live\n/);
  const rows = [
    ...stdout.matchAll(/^(\S.*?) {2,}(\d+\.\d\d) +\d+\.\d\d +\d\.\d{3} +\d+\.\d\d +/gm),
  ];
  assert.deepEqual(
    rows.map(([, name]) => name),
    ["pymalloc over dlmalloc", "dlmalloc (Emscripten's)", "TLSF (AssemblyScript's)"],
  );
  assert.match(stdout, /@thi\.ng\/malloc, called from JavaScript on the first 20,000 events/);
  assert.match(
    stdout,
    /pymalloc over dlmalloc, at the moment of the most live bytes:\n {2}asked for/,
  );
  assert.match(stdout, /\n {2}taken from the memory +[\d,]+ +100\.0 %\n/);
});

test("--json is the same as data", () => {
  const { stdout } = replay("--json", "--against", "dlmalloc", "--rounds", "2", TRACE);
  const report = JSON.parse(stdout);
  assert.deepEqual([report.base, report.rounds], ["dlmalloc", 2]);
  const names = report.results.map(({ allocator }: { allocator: string }) => allocator);
  assert.deepEqual(names, ["pymalloc", "dlmalloc"]);
  assert.equal(report.results[1].warm.ratio, 1);
  assert.equal(report.javascript, undefined);
  assert.ok(report.events > 100_000 && report.peakLiveBytes > 1e6);
});

test("what is wrong is said in one line", () => {
  const refused = (message: RegExp, ...args: string[]) => {
    const { status, stdout, stderr } = replay(...args);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^pymalloc: [^\n]+\n$/);
    assert.match(stderr, message);
  };
  refused(/the trace is missing/);
  refused(/one trace at a time, not also b\.pmt/, "a.pmt", "b.pmt");
  refused(
    /unknown allocator "jemalloc", expected some of: dlmalloc/,
    "--against",
    "jemalloc",
    TRACE,
  );
  refused(/"0" is not a whole number from 1 to/, "--rounds", "0", TRACE);
  refused(/missing\.pmt/, "missing.pmt");
  refused(/README\.md/, "README.md");
  refused(/Unknown option '--fast'/, "--fast", TRACE);
});
