/** bench/results/: the tables and the pictures are what the figures give. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Results } from "../../bench/render.js";
import { resultFiles } from "../../bench/result-files.js";

const read = (name: string) =>
  readFileSync(new URL(`../../bench/results/${name}`, import.meta.url), "utf8");

for (const [name, content] of Object.entries(
  resultFiles(JSON.parse(read("results.json")) as Results),
)) {
  test(`${name} is what results.json gives`, () => {
    assert.ok(read(name) === content, `make ${name} anew: npm run bench -- with any part`);
  });
}
