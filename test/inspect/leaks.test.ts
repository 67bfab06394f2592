/** Eight leaks that people have (examples/leaks): each is named, with who holds it, and none is seen in the mended form. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { diff, expectNoLeak, takeSnapshot } from "../../inspect/inspect.js";
import { FOUND } from "../support/leaks.js";
import { onlyLong } from "../support/profile.js";
import { load, type Pyodide } from "../support/pyodide.js";
import { pageShows } from "./leaks-pages.js";

interface Leak {
  readonly work: () => void;
  readonly mended: () => void;
}

const examples = new URL("../../examples/leaks/", import.meta.url);
const { LEAKS, loadLeak } = (await import(new URL("leaks.mjs", examples).href)) as {
  readonly LEAKS: Readonly<Record<string, string>>;
  loadLeak(pyodide: Pyodide, name: string, read: (file: string) => string): Promise<Leak>;
};
const read = (file: string) => readFileSync(new URL(file, examples), "utf8");

/** Python's garbage is no leak. */
function collect(pyodide: Pyodide): void {
  pyodide.runPython("import gc; gc.collect()");
}

function repeat(times: number, work: () => void): void {
  for (let time = 0; time < times; time++) work();
}

test("each example has its line here", () => {
  assert.deepEqual(Object.keys(FOUND), Object.keys(LEAKS));
  assert.equal(Object.keys(LEAKS).length, 8);
});

for (const version of ["pyodide", "pyodide-029"]) {
  // Node tells of the listeners that one of the leaks adds.
  const skip = version === "pyodide" ? false : onlyLong;
  describe(`${version}: leaks are named`, { skip }, () => {
    const lines: string[] = [];
    for (const [name, found] of Object.entries(FOUND)) {
      test(name, async () => {
        const pyodide = await load(version);
        const { work, mended } = await loadLeak(pyodide, name, read);
        repeat(10, work);
        collect(pyodide);
        const before = takeSnapshot(pyodide);
        repeat(100, work);
        collect(pyodide);
        const [first = ""] = String(diff(before, takeSnapshot(pyodide))).split("\n");
        assert.match(first, found);
        lines.push(first.replace(", held by ", "\n    held by "));

        const plain = new RegExp(found.source.replace("\\+100", "\\+4").replace("100 ", "4 "));
        await assert.rejects(expectNoLeak(pyodide, work, { times: 4 }), { message: plain });
        repeat(12, mended); // some keep the last ten
        await expectNoLeak(pyodide, mended, { times: 4 });
      });
    }

    if (version !== "pyodide") return;
    test("the guide shows these lines", () => {
      pageShows("docs/guide/memory-grows.md", "leaks", lines.join("\n"));
    });
  });
}
