/**
 * Runs the tests: each file in a process of its own, as many at once as there are processors. It says what runs and what
 * has ended, and shows what a file printed only where it failed.
 *
 *     node --import tsx test/run.ts [--all] [FOLDER or FILE ...]     (folders and files below test/)
 *
 * Exit status 1 when a test or a file fails, or when no test was run.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = fileURLToPath(new URL(".", import.meta.url));
const urlOf = (name: string) => pathToFileURL(join(folder, name)).href;

/** The order of folders, and of single files: what takes long comes first, so that all processors are busy to the end. */
const ORDER = [
  "link",
  "browser",
  "cli",
  "inspect",
  "python",
  "package",
  "docs",
  "guests",
  "trace",
  "unit/call-outs.test.ts",
  "unit/mistakes.test.ts",
  "unit/wild-writes.test.ts",
  "unit",
];

/** Silence of so many milliseconds ends with a line that says what runs. */
const SILENCE = 10_000;

/** A file that takes so many milliseconds hangs. */
const PATIENCE = 600_000;

/** A line of the reporter. */
interface Result {
  readonly name: string;
  readonly suite: boolean;
  readonly milliseconds: number;
  readonly passed: boolean;
  /** The reason, or true. */
  readonly skipped?: string | boolean;
  readonly failure?: string;
}

interface Outcome {
  readonly file: string;
  readonly seconds: number;
  readonly tests: readonly Result[];
  readonly failures: readonly string[];
  /** What it printed. */
  readonly output: string;
}

/** The test files of a folder or of a file's name. */
function filesOf(name: string): string[] {
  const candidates = [resolve(folder, name), resolve(name)];
  for (const path of candidates) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile()) return [path];
    if (!found?.isDirectory()) continue;
    const below = readdirSync(path, { recursive: true, encoding: "utf8" });
    const files = below.filter((file) => file.endsWith(".test.ts"));
    if (files.length > 0) return files.map((file) => join(path, file));
  }
  console.error(`${name}: expected a test file, or a folder that has some, such as unit`);
  process.exit(2);
}

function inOrder(files: readonly string[]): string[] {
  const rank = (file: string) => {
    const name = relative(folder, file).split(sep).join("/");
    return ORDER.findIndex((first) => name === first || name.startsWith(`${first}/`));
  };
  const size = (file: string) => statSync(file).size;
  return [...new Set(files)].sort((a, b) => rank(a) - rank(b) || size(b) - size(a));
}

const shown = (file: string) => relative(root, file).split(sep).join("/");
const secondsSince = (start: number) => (performance.now() - start) / 1000;

/** Runs a file to its end. */
function run(file: string, temporary: string): Promise<Outcome> {
  const start = performance.now();
  const destination = join(temporary, `${relative(folder, file).replaceAll(sep, "-")}.jsonl`);
  const loaders = ["--import", "tsx", "--import", urlOf("../tools/untransformed.mjs")];
  const reports = ["--test-reporter", urlOf("reporter.mjs")];
  const child = spawn(
    process.execPath,
    [...loaders, ...reports, "--test-reporter-destination", destination, file],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE, killSignal: "SIGKILL" },
  );
  let output = "";
  child.stdout.on("data", (bytes) => (output += bytes));
  child.stderr.on("data", (bytes) => (output += bytes));
  return new Promise((done) => {
    child.on("close", (status, signal) => {
      const seconds = secondsSince(start);
      const lines = readFileSync(destination, { encoding: "utf8", flag: "a+" });
      const results = lines.trim().split("\n").filter(Boolean);
      const all = results.map((line) => JSON.parse(line) as Result);
      // A suite that is skipped is all that is told of its tests.
      const tests = all.filter(({ suite, skipped }) => !suite || skipped !== undefined);
      const failures = all.flatMap(({ name, failure }) =>
        failure === undefined ? [] : [`${name}\n${failure}`],
      );
      if (signal !== null) failures.push(`it was ended by ${signal} after ${seconds.toFixed(0)} s`);
      else if (status !== 0 && failures.length === 0) failures.push(`it ended with ${status}`);
      else if (tests.length === 0 && failures.length === 0) failures.push("it has no test");
      done({ file, seconds, tests, failures, output });
    });
  });
}

const indented = (text: string) => text.trimEnd().replaceAll("\n", "\n    ");

/** A file's line, and what is to be known where it failed. */
function linesOf({ file, seconds, tests, failures, output }: Outcome): string {
  const counts = `${tests.length} tests, ${seconds.toFixed(1)} s`;
  if (failures.length === 0) return `ok ${shown(file)} (${counts})`;
  return [
    `FAILED ${shown(file)} (${counts})`,
    ...failures.map((failure) => `    ${indented(failure)}`),
    ...(output === "" ? [] : [`    what it printed:\n    ${indented(output)}`]),
  ].join("\n");
}

function summaryOf(outcomes: readonly Outcome[], seconds: number): string {
  const tests = outcomes.flatMap((outcome) => outcome.tests);
  const skipped = tests.filter(({ skipped }) => skipped !== undefined);
  const failed = tests.filter(({ passed, skipped }) => !passed && skipped === undefined);
  const reasons = new Map<string, number>();
  for (const { skipped: reason } of skipped) {
    reasons.set(String(reason), (reasons.get(String(reason)) ?? 0) + 1);
  }
  const broken = outcomes.filter(({ failures }) => failures.length > 0);
  return [
    "",
    ...broken.map(({ file }) => `FAILED ${shown(file)}`),
    ...[...reasons].map(([reason, count]) => `skipped ${count}: ${reason}`),
    `${outcomes.length} files, ${tests.length} tests: ` +
      `${tests.length - skipped.length - failed.length} passed, ${failed.length} failed, ` +
      `${skipped.length} skipped (${seconds.toFixed(0)} s)`,
  ].join("\n");
}

const { values, positionals } = parseArgs({
  options: { all: { type: "boolean", default: false } },
  allowPositionals: true,
});
if (values.all) process.env["PYMALLOC_LONG"] = "1";
// Whatever a test starts inherits it.
const tiering = fileURLToPath(new URL("../tools/late-tiering.cjs", import.meta.url));
process.env["NODE_OPTIONS"] =
  `${process.env["NODE_OPTIONS"] ?? ""} --require ${JSON.stringify(tiering)}`;

const files = inOrder((positionals.length > 0 ? positionals : ["."]).flatMap(filesOf));
const temporary = mkdtempSync(join(tmpdir(), "pymalloc-tests-"));
const start = performance.now();
const running = new Map<string, number>();
const outcomes: Outcome[] = [];

let last = performance.now();
function say(text: string): void {
  last = performance.now();
  console.log(`[${outcomes.length}/${files.length}] ${text}`);
}
const heartbeat = setInterval(() => {
  if (performance.now() - last < SILENCE) return;
  const now = [...running].map(
    ([file, since]) => `${shown(file)} ${secondsSince(since).toFixed(0)} s`,
  );
  say(`running: ${now.join(", ")}`);
}, 1000);

const waiting = [...files];
async function work(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    running.set(file, performance.now());
    const outcome = await run(file, temporary);
    running.delete(file);
    outcomes.push(outcome);
    say(linesOf(outcome));
  }
}
await Promise.all(Array.from({ length: Math.min(availableParallelism(), files.length) }, work));
clearInterval(heartbeat);
rmSync(temporary, { recursive: true });

console.log(summaryOf(outcomes, secondsSince(start)));
const good = outcomes.every(({ failures }) => failures.length === 0);
const count = outcomes.reduce((sum, { tests }) => sum + tests.length, 0);
process.exitCode = good && count > 0 ? 0 : 1;
