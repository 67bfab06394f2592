/** `pymalloc heap`: what it prints of a snapshot, as text, as JSON and as a page, and what it refuses. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { bytesText, Terminal } from "../../cli/terminal.js";
import type { Report } from "../../viewer/report.js";
import { assertRefused, quickPyodide, runIn } from "../support/command.js";
import { HOSTILE } from "../support/report.js";
import { temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();
process.chdir(folder);
await quickPyodide(folder);
const pymalloc = (...args: string[]) => runIn(folder, args);

/** Keeps events, and names that a terminal or a page might obey. */
writeFileSync(
  join(folder, "events.py"),
  `EVENTS = []
class Event:
    def __init__(self, n):
        self.payload = {"n": n, "text": "event" * 20 + str(n)}
def fill():
    for n in range(2000):
        EVENTS.append(Event(n))
NAMES = ${JSON.stringify([...HOSTILE, "\x1b[31mred\x07"])}
Odd = type(NAMES[0], (), {})
ODD = [Odd() for _ in range(50)]
SAME = ["".join(["the", " same ", str(n % 2)]) for n in range(5000)]
fill()
fill()
`,
);

before(() => {
  const args = ["--at", "events.py:13", "--at", "end", "-o", "e.pymem", "events.py"];
  const { status, stderr } = pymalloc("snapshot", ...args);
  assert.equal(status, 0, stderr);
});

test("a snapshot is summed up in tables", () => {
  const { status, stdout, stderr } = pymalloc("heap", "e-2.pymem");
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^Taken of Python 3\.14\.\d+, 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\n/);
  assert.match(stdout, /^Memory: \d+\.\d MB on pymalloc installed$/m);
  assert.match(stdout, /^__main__\.Event +4,000 +[\d.]+ kB +[\d.]+ MB {2}█/m);
  assert.match(stdout, /^list len 4000 +global EVENTS +[\d.]+ kB +[\d.]+ MB/m);
  assert.match(stdout, /^str +the same 1 +2,500 +[\d.]+ kB/m);
  assert.ok(!stdout.includes("\x1b"), "no colours, and nothing that a terminal obeys");
  const widths = stdout.split("\n").map((line) => [...line].length);
  assert.ok(Math.max(...widths) <= 130, `${Math.max(...widths)} columns`);
  const rows = (text: string) =>
    text
      .slice(text.indexOf("\nTypes"))
      .split("\n")
      .findIndex((line) => /^and [\d,]+ more/.test(line));
  assert.equal(rows(pymalloc("heap", "--top", "3", "e-2.pymem").stdout) - rows(stdout), 3 - 15);
});

test("who holds a type, and who holds one object", () => {
  const { stdout } = pymalloc("heap", "e-2.pymem", "--holds", "__main__.Event");
  assert.match(
    stdout,
    /^__main__\.Event: 4,000 objects, [\d.]+ kB of their own\n\n +4,000 +[\d.]+ kB {2}█+\n {4}module __main__ > global EVENTS > \[\.\.\.\]\n/,
  );
  const address = /^The one at (0x[0-9a-f]+), by the shortest ways:\n {4}(.*)$/m.exec(stdout);
  assert.match(address?.[2] ?? "", /global EVENTS.* > Event$/);
  const one = pymalloc("heap", "e-2.pymem", "--holds", address?.[1] as string).stdout;
  assert.match(one, /^0x[0-9a-f]+: 1 object, \d+ B of their own\n\nThe one at 0x/);
  const json = JSON.parse(
    pymalloc("heap", "--json", "e-2.pymem", "--holds", "__main__.Event").stdout,
  );
  assert.deepEqual([json.what, json.count, json.holders.left], ["__main__.Event", 4000, 0]);
  assert.deepEqual(
    json.holders.rows.map(({ path, count }: { path: string; count: number }) => [path, count]),
    [["module __main__ > global EVENTS > [...]", 4000]],
  );
});

test("the first line of a difference names the type, and who holds it", () => {
  const { status, stdout, stderr } = pymalloc("heap", "--diff", "e-1.pymem", "e-2.pymem");
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(
    stdout,
    /^__main__\.Event \+2,000 \(\+[\d.]+ \w+, with .*\), held by module __main__ > global EVENTS > \[\.\.\.\]\n/,
  );
  assert.match(stdout, /^ +\+2,000 +\+[\d.]+ kB {2}__main__\.Event {2}2,000 new$/m);
  const { types, holders } = JSON.parse(
    pymalloc("heap", "--json", "--diff", "e-1.pymem", "e-2.pymem").stdout,
  );
  const event = types.find(({ type }: { type: string }) => type === "__main__.Event");
  assert.deepEqual([event.count, event.new.count, event.gone.count], [2000, 2000, 0]);
  assert.equal(holders[0].type, "__main__.Event");
  assert.equal(
    pymalloc("heap", "--diff", "e-1.pymem", "e-1.pymem").stdout,
    "nothing has changed\n",
  );
});

test("--json is the summary, with so many rows", () => {
  const summary = JSON.parse(pymalloc("heap", "--json", "--top", "5", "e-2.pymem").stdout);
  assert.equal(summary.types.length, 5);
  assert.ok(summary.nodes > 50_000 && summary.edges > summary.nodes);
  assert.ok(summary.memory.total > 2e7);
  assert.ok(summary.duplicates.some(({ label }: { label: string }) => /the same/.test(label)));
});

test("the page has everything in it, and its books balance", () => {
  const { status, stdout, stderr } = pymalloc("heap", "e-2.pymem", "--html", "e.html");
  assert.deepEqual([status, stdout], [0, ""]);
  assert.match(stderr, /^e\.html: \d\.\d MB; open it in a browser\n$/);
  const page = readFileSync(join(folder, "e.html"), "utf8");
  const loads = page.match(/<(script|link|img|iframe)\b[^>]*?\b(src|href)=[^>]*/g);
  assert.deepEqual(loads, ['<link rel="icon" href="data:,"'], "nothing is loaded");
  const json =
    /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page)?.[1] ?? "";
  const { title, subject, types, tree, memory, sheets } = JSON.parse(json) as Report;
  assert.match(`${title} ${subject}`, /^e-2\.pymem Python 3\.14\.\d+$/);
  const event = types.find(({ name }) => name === "__main__.Event");
  assert.deepEqual([event?.count, event?.holders?.[0]?.count], [4000, 4000]);
  assert.ok(
    types.some(({ name }) => name.includes(HOSTILE[0])),
    "a name is as it is",
  );
  assert.equal(
    memory.parts.reduce((sum, { bytes }) => sum + bytes, 0),
    memory.total,
  );
  assert.ok(sheets.some((sheet) => sheet.title === "Duplicates"));
  // Each node retains its own bytes and what its children retain; what is not shown is small.
  const shown = tree.parents.map((_, node) => tree.own[node] as number);
  for (let node = tree.parents.length - 1; node > 0; node--) {
    const parent = tree.parents[node] as number;
    assert.ok(parent < node);
    shown[parent] = (shown[parent] as number) + (tree.retained[node] as number);
  }
  for (const [node, bytes] of shown.entries()) {
    assert.ok(bytes <= (tree.retained[node] as number), `node ${node}`);
  }
  assert.equal(shown[0], tree.retained[0]);
  const list = tree.held.indexOf("global EVENTS");
  assert.equal(tree.labels[list], "len 4000");
  const group = tree.parents.findIndex(
    (parent, node) => parent === list && (tree.counts[node] as number) > 1,
  );
  assert.equal(tree.names[tree.types[group] as number], "__main__.Event");
  assert.match(pymalloc("heap", "e-2.pymem", "--html", "e.html").stderr, /e\.html exists; --force/);
});

test("what is wrong is said in one line", async () => {
  await assertRefused(["heap"], /heap: the snapshot is missing/);
  await assertRefused(
    ["heap", "a.pymem", "b.pymem"],
    /one snapshot at a time, not b\.pymem as well/,
  );
  await assertRefused(
    ["heap", "--diff", "a.pymem"],
    /--diff compares two snapshots, and there is one/,
  );
  await assertRefused(["heap", "--diff", "a", "b", "c"], /two snapshots at a time, not c as well/);
  await assertRefused(["heap", "none.pymem"], /no such file: none\.pymem/);
  mkdirSync(join(folder, "sub"));
  await assertRefused(["heap", "sub"], /sub is not a file, expected a snapshot/);
  for (const top of ["0", "-1", "1.5", "x", ""]) {
    await assertRefused(
      ["heap", `--top=${top}`, "e-2.pymem"],
      /--top: ".*" is not a whole number from 1/,
    );
  }
  await assertRefused(
    ["heap", "--html", "x.html", "--json", "e-2.pymem"],
    /writes a page, and no JSON/,
  );
  await assertRefused(
    ["heap", "--holds", "A", "--diff", "a", "b"],
    /--holds and --diff are different/,
  );
  await assertRefused(["heap", "--html", "none/x.html", "e-2.pymem"], /can't be written: ENOENT/);
  await assertRefused(
    ["heap", "--holds", "Nobody", "e-2.pymem"],
    /there is no "Nobody"; expected a type/,
  );
  writeFileSync(join(folder, "v8.heapsnapshot"), '{"snapshot":{}}');
  await assertRefused(
    ["heap", "v8.heapsnapshot"],
    /that is for the Memory panel of a browser's DevTools/,
  );
});

test("a damaged file is told with the byte at which it is", async () => {
  const whole = readFileSync(join(folder, "e-2.pymem"));
  const damages: [name: string, bytes: Uint8Array, message: RegExp][] = [
    ["empty", new Uint8Array(), /empty is no whole snapshot: at byte 0: /],
    ["text", Buffer.from("hello, I am a text file, and longer than any head"), /at byte 0: /],
    ["cut", whole.subarray(0, whole.length >> 1), /cut is no whole snapshot: at byte \d{5,}: /],
    ["longer", Buffer.concat([whole, Buffer.from("x")]), /at byte \d{5,}: /],
    [
      "flipped",
      Uint8Array.from(whole, (byte, n) => (n === 100_000 ? byte ^ 8 : byte)),
      /at byte \d+: /,
    ],
  ];
  for (const [name, bytes, message] of damages) {
    writeFileSync(join(folder, name), bytes);
    await assertRefused(["heap", name], message);
  }
});

test("bytes have the unit that reads best, and a bar its length", () => {
  assert.deepEqual([0, 999, 1000, 999_949, 999_950, 12_345_678, 2 ** 32].map(bytesText), [
    "0 B",
    "999 B",
    "1.0 kB",
    "999.9 kB",
    "1.0 MB",
    "12.3 MB",
    "4.29 GB",
  ]);
  const terminal = new Terminal(1);
  assert.deepEqual(
    [0, 0.5, 1, 7].map((share) => terminal.bar(share, 4)),
    ["", "██", "████", "████"],
  );
  assert.equal(terminal.bar(0.3, 1), "▎");
});
