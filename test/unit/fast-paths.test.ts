/**
 * What the fast paths cost, in instructions: a change of test/unit/fast-paths.json shows in review. Bring it up
 * to date with UPDATE_FAST_PATHS=1 when a change is meant.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertGolden, sumOf, tally } from "../support/golden.js";

const text = readFileSync(new URL("../../build/core.wat", import.meta.url), "utf8");

/** The instructions of an exported function, counted by opcode. */
function countOpcodes(name: string): Record<string, number> {
  const internal = text.match(new RegExp(`\\(export "${name}" \\(func (\\S+)\\)\\)`))?.[1];
  assert.ok(internal, `${name} is exported`);
  const start = text.indexOf(`\n (func ${internal} `);
  assert.ok(start >= 0);
  const end = text.indexOf("\n )", start);
  const lines = text
    .slice(start + 1, end)
    .split("\n")
    .slice(1);
  const opcodes = lines.map((line) => line.trim().split(" ")[0] as string);
  return tally(opcodes.filter((opcode) => /^[a-z]/.test(opcode) && opcode !== "end"));
}

const names = ["malloc", "free", "pyMalloc", "pyFree"];

test("the fast paths have the instructions that test/unit/fast-paths.json says", () => {
  assertGolden(
    "unit/fast-paths.json",
    Object.fromEntries(names.map((name) => [name, countOpcodes(name)])),
  );
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

test("malloc loads three times and stores once; free loads four times and stores three times", () => {
  const malloc = countOpcodes("malloc");
  assert.equal(sumOf(malloc, /\.load/), 3);
  assert.equal(sumOf(malloc, /\.store/), 1);
  const free = countOpcodes("free");
  // Two of the four, and one of the three, are in the first line of the root: the same one for every block.
  assert.equal(sumOf(free, /\.load/), 4);
  assert.equal(sumOf(free, /\.store/), 3);
});
