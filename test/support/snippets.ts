/**
 * What the documentation prints for readers to paste. Each block of code has a mark in front of it, `<!-- name -->`, and a
 * test takes it by its page and mark, as it is printed: `snippet("README.md#library")`. test/docs/snippets.test.ts fails when a
 * block is taken by no test and has no reason there.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./project.js";

export interface Block {
  readonly page: string;
  readonly line: number;
  /** The word behind the fence; pictures and outputs have none. */
  readonly language: string;
  /** Page and mark; absent without a mark. */
  readonly id: string | undefined;
  readonly text: string;
}

/** What is generated, and not ours to word. */
const BUILT = ["docs/api/"];

/** All pages that one reads here, by their paths from the repository. */
export const PAGES: readonly string[] = [
  ...readdirSync(repository),
  ...["core/README.md", "examples/README.md"],
  ...readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .map((name) => join("docs", name))
    .filter((name) => !BUILT.some((folder) => name.startsWith(folder))),
].filter((name) => name.endsWith(".md"));

/** The text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(repository, page), "utf8");
}

function blocksOf(page: string): Block[] {
  const text = readPage(page);
  const found = text.matchAll(/(?:^<!-- (\S+) -->\n\n)?^( *)```(\w*)\n([\s\S]*?)^\2```$/gm);
  return [...found].map((match) => {
    const [, mark, , language = "", code = ""] = match;
    const line = text.slice(0, match.index).split("\n").length;
    return { page, line, language, id: mark && `${page}#${mark}`, text: code };
  });
}

export function allBlocks(): Block[] {
  return PAGES.flatMap(blocksOf);
}

/** The code of a block, by its page and mark. */
export function snippet(id: string): string {
  const [page = ""] = id.split("#");
  const found = blocksOf(page).filter((block) => block.id === id);
  assert.equal(found.length, 1, `blocks of the name ${id}`);
  return (found[0] as Block).text;
}
