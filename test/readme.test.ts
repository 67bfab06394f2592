/** The README: its figures are the measured ones, its links lead somewhere, its example runs. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const file = (path: string) => new URL(`../${path}`, import.meta.url);
const read = (path: string) => readFileSync(file(path), "utf8");
const readme = read("README.md");

test("the figures are those of bench/results", () => {
  const shown = readme.match(/<!-- results -->\n([\s\S]*)<!-- \/results -->/)?.[1];
  assert.equal(shown?.trim(), read("bench/results/results.md").trim());
});

test("links lead to files that are there", () => {
  const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "core/README.md"];
  for (const page of [...pages, ...readdirSync(file("docs")).map((name) => `docs/${name}`)]) {
    const links = [...read(page).matchAll(/\]\((?!http)([^)#]+)\)/g)];
    for (const [, link] of links) {
      assert.ok(existsSync(new URL(link as string, file(page))), `${page} links to ${link}`);
    }
  }
});

test("the library's example runs as it is printed", async () => {
  const example = readme.match(/```js\n(import \{ createHeap \}[\s\S]*?)```/)?.[1];
  assert.ok(example);
  const built = file("dist/esm/index.js").href;
  const logged: unknown[] = [];
  const code = example
    .replace('"pymalloc"', JSON.stringify(built))
    .replace("console.log", "globalThis.logged.push");
  Object.assign(globalThis, { logged });
  await import(`data:text/javascript,${encodeURIComponent(code)}`);
  assert.equal(typeof (logged[0] as { total: number }).total, "number");
});

test("invariants are numbered alike in the docs and in the messages", () => {
  const numbered = [...read("docs/invariants.md").matchAll(/^(\d+)\. /gm)].map((m) => Number(m[1]));
  const told = [...read("src/errors.ts").matchAll(/^ {2}(\d+): "/gm)].map((m) => Number(m[1]));
  const checked = new Set(
    [
      ...read("core/validate.ts").matchAll(/broken\((\d+),/g),
      ...read("core/debug/layout.ts").matchAll(/_HOLDS?: u32 = (\d+);/g),
    ].map((m) => Number(m[1])),
  );
  assert.deepEqual(numbered, told);
  assert.deepEqual(
    [...checked].sort((a, b) => a - b),
    told,
  );
});
