/** Files that say how something was; a change of one shows in review. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

/** Compares with a JSON file of test/; with UPDATE_FAST_PATHS=1 it is written instead. */
export function assertGolden(name: string, now: object): void {
  const file = new URL(`../${name}`, import.meta.url);
  if (process.env["UPDATE_FAST_PATHS"]) writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
  assert.deepEqual(now, JSON.parse(readFileSync(file, "utf8")));
}

/** How often each of these is there, in the order of their names. */
export function tally(opcodes: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const opcode of opcodes) counts[opcode] = (counts[opcode] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How many of these are of a kind. */
export function sumOf(counts: Readonly<Record<string, number>>, kind: RegExp): number {
  return Object.entries(counts).reduce((sum, [name, n]) => sum + (kind.test(name) ? n : 0), 0);
}
