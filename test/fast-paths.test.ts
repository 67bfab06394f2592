/**
 * What the fast paths cost, in instructions: a change of test/fast-paths.json shows in review. Bring it up
 * to date with UPDATE_FAST_PATHS=1 when a change is meant.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

const golden = new URL("fast-paths.json", import.meta.url);
const text = readFileSync(new URL("../build/core.wat", import.meta.url), "utf8");

/** The instructions of an exported function, counted by opcode. */
function countOpcodes(name: string): Record<string, number> {
  const internal = text.match(new RegExp(`\\(export "${name}" \\(func (\\S+)\\)\\)`))?.[1];
  assert.ok(internal, `${name} is exported`);
  const start = text.indexOf(`\n (func ${internal} `);
  assert.ok(start >= 0);
  const end = text.indexOf("\n )", start);
  const counts: Record<string, number> = {};
  for (const line of text
    .slice(start + 1, end)
    .split("\n")
    .slice(1)) {
    const opcode = line.trim().split(" ")[0] as string;
    if (/^[a-z]/.test(opcode) && opcode !== "end") counts[opcode] = (counts[opcode] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const names = ["malloc", "free", "pyMalloc", "pyFree"];

test("the fast paths have the instructions that test/fast-paths.json says", () => {
  const now = Object.fromEntries(names.map((name) => [name, countOpcodes(name)]));
  if (process.env["UPDATE_FAST_PATHS"]) writeFileSync(golden, `${JSON.stringify(now, null, 2)}\n`);
  assert.deepEqual(now, JSON.parse(readFileSync(golden, "utf8")));
});

test("what CPython calls is the fast path itself, like what JavaScript calls", () => {
  for (const [python, plain] of [
    ["pyMalloc", "malloc"],
    ["pyFree", "free"],
  ] as const) {
    const [a, b] = [countOpcodes(python), countOpcodes(plain)];
    for (const opcode of ["call", "i32.load", "i32.store", "i32.load16_u", "i32.store16"]) {
      assert.equal(a[opcode] ?? 0, b[opcode] ?? 0, `${opcode} in ${python}`);
    }
  }
});

test("malloc loads three times and stores once; free loads five times and stores twice", () => {
  const loads = (counts: Record<string, number>, kind: RegExp) =>
    Object.entries(counts).reduce((sum, [name, n]) => sum + (kind.test(name) ? n : 0), 0);
  const malloc = countOpcodes("malloc");
  assert.equal(loads(malloc, /\.load/), 3);
  assert.equal(loads(malloc, /\.store/), 1);
  const free = countOpcodes("free");
  // Three of the five are where the map is: the same line of memory for every block.
  assert.equal(loads(free, /\.load/), 5);
  assert.equal(loads(free, /\.store/), 2);
});
