/** Eight leaks that people have (examples/leaks): each is named, with who holds it, and none is seen in the mended form. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { diff, expectNoLeak, takeSnapshot } from "../../inspect/inspect.js";
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

/** What the first line says: which type it is of which there are more, what hangs on it, and by what it is held. */
const FOUND: Readonly<Record<string, RegExp>> = {
  global_cache: /^global_cache\.Order \+100 .*, held by module global_cache > global CACHE > \[/,
  callbacks:
    /^function \+100 .*callbacks\.Basket.*, held by module callbacks > global listeners > \[/,
  kept_traceback: /^ValueError \+100 .*, held by module kept_traceback > global errors > \[/,
  cached_method:
    /^tuple \+100 .*100 cached_method\.Report.*, held by module cached_method > global Report > .*\.total > _lru_cache_wrapper\.cache/,
  unfinished_generator:
    /^generator \+100 .*, held by module unfinished_generator > global readers > \[/,
  undestroyed_proxy: /^undestroyed_proxy\.Invoice \+100 .*, held by JavaScript or C/,
  border_cycle: /^method \+100 .*border_cycle\.Widget.*, held by JavaScript or C/,
  event_handler: /^function \+100 .*event_handler\.Chart.*, held by JavaScript or C/,
};

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

    test("the guide shows these lines", { skip: version !== "pyodide" }, () => {
      pageShows("docs/guide/memory-grows.md", "leaks", lines.join("\n"));
    });
  });
}
