/** The pages: their links and anchors lead somewhere, their lines are short, the files that they name are there. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { repository } from "../support/project.js";
import { PAGES, readPage } from "../support/snippets.js";

/** A page without what stands in its blocks of code. */
const prose = (page: string) => readPage(page).replace(/^( *)```[\s\S]*?^\1```$/gm, "");

/** The anchors that a page has: its headings, as GitHub and registries write them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set(headings);
}

test("links lead to files and headings that are there", () => {
  for (const page of PAGES) {
    for (const [, link = ""] of prose(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      assert.ok(existsSync(join(repository, target)), `${page} links to ${link}`);
      if (anchor === undefined) continue;
      assert.ok(
        anchorsOf(target).has(anchor),
        `${page} links to ${link}: there is no such heading`,
      );
    }
  }
});

test("lines are at most 120 characters long", () => {
  for (const page of PAGES) {
    const long = prose(page)
      .split("\n")
      .filter((line) => line.length > 120);
    assert.deepEqual(long, [], page);
  }
});

test("the design pages and the core's name files and folders that are there", () => {
  const folders = "core|base|hosts|src|python|link|process|trace|interpreter|measure|cli";
  const path = new RegExp(`\`((?:${folders}|include|test|bench|tools|examples)/[\\w./-]+)\``, "g");
  const pages = ["README.md", "CONTRIBUTING.md", "core/README.md", "docs/invariants.md"];
  for (const page of [...pages, ...PAGES.filter((name) => name.startsWith("docs/design/"))]) {
    for (const [, name = ""] of prose(page).matchAll(path)) {
      if (/[A-Z]{4}/.test(name)) continue; // cli/commands/VERB.ts
      assert.ok(existsSync(join(repository, name)), `${page} names ${name}`);
    }
  }
});

test("the README is one page: 120 lines, one table, two pictures", () => {
  const readme = readPage("README.md");
  assert.ok(readme.trimEnd().split("\n").length <= 120);
  assert.equal([...readme.matchAll(/^\| *:?-+/gm)].length, 1);
  assert.equal([...readme.matchAll(/^!\[/gm)].length, 2);
});

test("every decision is in their list, once, and says its status", () => {
  const list = readPage("docs/decisions/README.md");
  const pages = PAGES.filter((name) => /^docs\/decisions\/\d/.test(name));
  assert.ok(pages.length >= 20);
  assert.equal(new Set(pages.map((name) => name.slice(15, 18))).size, pages.length);
  for (const page of pages) {
    const name = page.slice("docs/decisions/".length);
    assert.equal(list.split(`(${name})`).length, 2, name);
    assert.match(readPage(page), new RegExp(`^# ${name.slice(0, 3)}: .*\n\n\\*\\*Status\\*\\*: `));
  }
});
