/** bench/results/: the tables and the picture are what the figures give. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { resultFiles } from "../../bench/render.js";
import { readResults } from "../../bench/results.js";

const read = (name: string) =>
  readFileSync(new URL(`../../bench/results/${name}`, import.meta.url), "utf8");

for (const [name, content] of Object.entries(resultFiles(readResults()))) {
  test(`${name} is what the measured figures give`, () => {
    assert.ok(read(name) === content, `make ${name} anew: npm run bench -- with any part`);
  });
}
