/** What the bench measures in Chromium: the same functions as in Node, on a page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chromium } from "../../bench/chromium.js";
import { measureStart } from "../../bench/memory.js";
import { compareProgram } from "../../bench/python.js";
import { findChromium } from "../../tools/chromium.js";
import { quickPyodide } from "../support/command.js";
import { onlyLong } from "../support/profile.js";
import { temporaryFolder } from "../support/traces.js";

const inCI = Boolean(process.env["CI"]);
const noBrowser = findChromium() === undefined && !inCI && "there is no Chromium on this machine";
const skip = onlyLong || noBrowser;

const bench = (name: string) => new URL(`../../bench/${name}`, import.meta.url).href;

test("a page has the programs, and interpreters as large as Node's", {
  skip,
}, async () => {
  const folder = temporaryFolder();
  await quickPyodide(folder);
  process.chdir(folder);
  const { name, title, run } = await chromium();
  assert.equal(name, "chromium");
  assert.match(title, /^Chromium \d+\./);

  const [here, there] = [
    await measureStart("nothing", 0),
    await run(bench("memory.ts"), measureStart, "nothing", 0),
  ];
  for (const [allocator, bytes] of Object.entries(there)) {
    const ratio = bytes / here[allocator as keyof typeof here];
    assert.ok(Math.abs(ratio - 1) < 0.05, `${allocator}: ${ratio}`);
  }

  const { pyodide, fromPools, linked } = await run(
    bench("python.ts"),
    compareProgram,
    "pure",
    "calls",
    1,
  );
  assert.match(pyodide, /^314\./);
  assert.ok(fromPools > 0.9 && linked > 0.3 && linked < 3, `${fromPools}, ${linked}`);
});
