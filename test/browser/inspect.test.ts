/** Snapshots in a browser: the page of the eight leaks, and an interpreter in a worker. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium, type Site, serve } from "../../tools/chromium.js";
import { FOUND } from "../support/leaks.js";
import { repository } from "../support/project.js";

const executable = findChromium();
const skip = executable === undefined ? "there is no Chromium here" : false;

/** Takes two snapshots of an interpreter that grows between them. */
const WORKER = `
import { loadPyodide } from "/node_modules/pyodide/pyodide.mjs";
import { diff, memory, takeSnapshot } from "/dist/esm/inspect.js";
const pyodide = await loadPyodide();
pyodide.runPython("class Order: pass\\nCACHE = []");
const before = takeSnapshot(pyodide);
pyodide.runPython("CACHE += [Order() for _ in range(5000)]");
const after = takeSnapshot(pyodide);
let bytes = 0;
for await (const chunk of after.toHeapSnapshot()) bytes += chunk.length;
const { total } = memory(pyodide);
const count = after.types().find(({ type }) => type === "__main__.Order").count;
postMessage({ count, total, bytes, grown: String(diff(before, after)).split("\\n")[0] });
`;

const PAGE = `<!doctype html><script type="module">
const worker = new Worker("/worker.js", { type: "module" });
worker.onmessage = ({ data }) => (window.told = data);
worker.onerror = ({ message }) => (window.told = { message });
</script>`;

let site: Site | undefined;
let browser: Browser | undefined;
before(async () => {
  if (executable === undefined) return;
  const folders = ["examples", "node_modules", "dist"].map((name) => [
    name,
    join(repository, name),
  ]);
  const contents = { "/worker.html": PAGE, "/worker.js": WORKER };
  site = await serve(contents, Object.fromEntries(folders));
  browser = await launchChromium(executable);
});
after(async () => {
  await browser?.close();
  await site?.close();
});

test("the page of the leaks names each, with who holds it", { skip }, async () => {
  const page = await (browser as Browser).newPage();
  await page.goto(`${site?.origin}/examples/leaks/index.html`);
  await page.locator("#report", { hasText: /^ready$/ }).waitFor();
  for (const [name, found] of Object.entries(FOUND)) {
    await page.selectOption("#leak", name);
    await page.locator("#report").evaluate((report) => (report.textContent = ""));
    await page.click("#run");
    await page.locator("#report", { hasText: /\S/ }).waitFor();
    const [first = ""] = ((await page.textContent("#report")) ?? "").split("\n");
    // A browser may have collected some of JavaScript's meanwhile.
    assert.match(
      first,
      new RegExp(found.source.replace("\\+100", "\\+(9\\d|100)").replace("100 ", "\\d+ ")),
    );
  }
  await page.close();
});

test("a worker looks into the interpreter that it runs", { skip }, async () => {
  const page = await (browser as Browser).newPage();
  await page.goto(`${site?.origin}/worker.html`);
  await page.waitForFunction("window.told !== undefined");
  const told = await page.evaluate("window.told");
  const { count, total, bytes, grown } = told as Record<string, number | string>;
  assert.equal(count, 5000, JSON.stringify(told));
  assert.equal((total as number) % 65536, 0);
  assert.ok((bytes as number) > 1_000_000);
  assert.match(
    grown as string,
    /^__main__\.Order \+5,?000 .*held by module __main__ > global CACHE/,
  );
  await page.close();
});
