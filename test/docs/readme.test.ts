/** Figures and numbers in the pages are those of the files that they come from. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { renderRecordTables, renderSummary } from "../../bench/render.js";
import { readResults } from "../../bench/results.js";

const file = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(file(path), "utf8");

/** What a page shows between its marks. */
function shown(page: string, mark: string): string | undefined {
  const section = new RegExp(`<!-- ${mark} -->\\n([\\s\\S]*)<!-- /${mark} -->`);
  return read(page).match(section)?.[1]?.trim();
}

test("the figures of the README and of the guide are those of bench/results", () => {
  const results = readResults();
  assert.equal(shown("README.md", "results"), renderSummary(results));
  assert.equal(shown("docs/guide/library.md", "records"), renderRecordTables(results));
});

test("invariants are numbered alike in the docs and in the messages", () => {
  const numbered = [...read("docs/invariants.md").matchAll(/^(\d+)\. /gm)].map((m) => Number(m[1]));
  const told = [...read("base/invariants.ts").matchAll(/^ {2}(\d+): "/gm)].map((m) => Number(m[1]));
  const walks = read("core/heap/validate.ts") + read("core/large/validate.ts");
  const inCore = [...walks.matchAll(/broken\((\d+),/g)].map((m) => m[1]);
  // The debug heap has names for those of its own books.
  const debugFiles = readdirSync(file("core/debug")).filter(
    (name) => name.endsWith(".ts") && name !== "debug-layout.ts",
  );
  const debug = debugFiles.map((name) => read(`core/debug/${name}`)).join();
  const named = read("core/debug/debug-layout.ts").matchAll(/const (\w+_HOLDS?): u32 = (\d+);/g);
  const inDebug = [...named].filter(([, name]) => debug.includes(`(${name},`)).map((m) => m[2]);
  const checked = new Set([...inCore, ...inDebug].map(Number));
  assert.deepEqual(numbered, told);
  assert.deepEqual(
    [...checked].sort((a, b) => a - b),
    told,
  );
});
