/** `pymalloc replay`, run as a user runs it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertRefused, runIn } from "../support/command.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TRACE = "bench/traces/classes.pmt";

const replay = (...args: string[]) => runIn(root, ["replay", ...args]);

test("it compares pymalloc with the allocators that are asked for", () => {
  const { status, stdout, stderr } = replay("--against", "malloc, thing", "--rounds", "1", TRACE);
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  assert.match(stdout, /classes\.pmt: .*classes\.py, [\d,]+ events, at most [\d,]+ live\n/);
  const rows = [
    ...stdout.matchAll(/^(\S.*?) {2,}(\d+\.\d\d) +\d+\.\d\d +\d\.\d{3} +\d+\.\d\d +/gm),
  ];
  assert.deepEqual(
    rows.map(([, name]) => name),
    ["pymalloc over dlmalloc", "dlmalloc (Emscripten's)", "our system malloc alone"],
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

test("what is wrong is said in one line", async () => {
  process.chdir(root);
  const refused = (message: RegExp, ...args: string[]) =>
    assertRefused(["replay", ...args], message);
  await refused(/the trace is missing/);
  await refused(/one trace at a time, not also b\.pmt/, "a.pmt", "b.pmt");
  const unknown = /unknown allocator "jemalloc", expected some of: dlmalloc/;
  await refused(unknown, "--against", "jemalloc", TRACE);
  await refused(/"0" is not a whole number from 1 to/, "--rounds", "0", TRACE);
  await refused(/missing\.pmt/, "missing.pmt");
  await refused(/README\.md/, "README.md");
  await refused(/Unknown option '--fast'/, "--fast", TRACE);
  const { status, stdout, stderr } = replay("missing.pmt");
  assert.deepEqual([status, stdout, stderr], [2, "", "pymalloc: no such file: missing.pmt\n"]);
});
