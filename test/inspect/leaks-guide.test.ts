/**
 * docs/guide/memory-grows.md and heap-snapshots.md show what is really printed; numbers of bytes may differ. UPDATE_DOCS=1 writes
 * the outputs into the pages. (That of the eight leaks is compared by leaks.test.ts.)
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { runIn } from "../support/command.js";
import { repository, succeed } from "../support/project.js";
import { folderOf, load } from "../support/pyodide.js";
import { snippet } from "../support/snippets.js";
import { temporaryFolder } from "../support/traces.js";
import { pageShows } from "./leaks-pages.js";

const GROWS = "docs/guide/memory-grows.md";
const SNAPSHOTS = "docs/guide/heap-snapshots.md";

/** Where the programs are run: beside the interpreter that a reader has, and this package. */
const folder = temporaryFolder();

before(() => {
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  symlinkSync(folderOf("pyodide"), join(modules, "pyodide"), "junction");
  symlinkSync(repository, join(modules, "pymalloc"), "junction");
  writeFileSync(join(folder, "shop.py"), snippet("docs/guide/memory-grows.md#shop.py"));
});

/** Runs lines of the command, and shows them as a terminal does. */
function commands(lines: string): string {
  let shown = "";
  for (const line of lines.trim().split("\n")) {
    const [, verb, ...args] = line.replace("npx ", "").split(/ +/);
    assert.ok(verb !== undefined, line);
    const { status, stdout, stderr } = runIn(folder, [verb, ...args]);
    assert.equal(status, 0, `${line}\n${stdout}${stderr}`);
    shown += `$ ${line}\n${stdout}${stderr}`;
  }
  return shown.replaceAll(`${folder}/`, "");
}

async function program(name: string, text: string): Promise<string> {
  writeFileSync(join(folder, name), text);
  return await succeed(folder, process.execPath, [name], {});
}

/** What stands behind `<!-- output NAME -->` on a page. */
const OUTPUTS: Readonly<Record<string, Readonly<Record<string, () => string | Promise<string>>>>> =
  {
    [GROWS]: {
      "shop-memory": () => commands(snippet("docs/guide/memory-grows.md#shop-memory")),
      "shop-diff": () => commands(snippet("docs/guide/memory-grows.md#shop-diff")),
      "shop-holds": () => commands(snippet("docs/guide/memory-grows.md#shop-holds")),
      "watch.mjs": () => program("watch.mjs", snippet("docs/guide/memory-grows.md#watch.mjs")),
    },
    [SNAPSHOTS]: {
      "shop-heap": () => commands(snippet("docs/guide/heap-snapshots.md#shop-heap")),
      "ask.mjs": () => program("ask.mjs", snippet("docs/guide/heap-snapshots.md#ask.mjs")),
      "ask.py": () => program("ask-python.mjs", snippet("docs/guide/heap-snapshots.md#ask.py")),
    },
  };

for (const [page, outputs] of Object.entries(OUTPUTS)) {
  test(`${page} shows what is printed`, async () => {
    for (const [name, run] of Object.entries(outputs)) pageShows(page, name, await run());
  });
}

test("the shop's first line is the answer", () => {
  assert.match(
    readFileSync(join(repository, GROWS), "utf8"),
    /^__main__\.Order \+3,000 .*, held by module __main__ > global SEEN > \[\.\.\.\]$/m,
  );
});

test("a page takes two snapshots and offers the later one as a file", async (t) => {
  // The file is kept for a minute.
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const pyodide = await load("pyodide");
  const offered: string[] = [];
  const link = { href: "", download: "", click: () => offered.push(link.download), remove() {} };
  const page = { createElement: () => link, body: { append() {} } };
  const shown: string[] = [];
  const { log } = console;
  Object.assign(globalThis, { pyodide, document: page });
  console.log = (text: string) => shown.push(text);
  try {
    const inspect = pathToFileURL(join(repository, "dist/esm/inspect.js")).href;
    const code = snippet("docs/guide/memory-grows.md#page.js").replace("pymalloc/inspect", inspect);
    writeFileSync(join(folder, "page.mjs"), code);
    await import(pathToFileURL(join(folder, "page.mjs")).href);
  } finally {
    console.log = log;
    Object.assign(globalThis, { pyodide: undefined, document: undefined });
  }
  assert.deepEqual(offered, ["leak.heapsnapshot"]);
  assert.equal(shown.length, 1);
});
