/** The shape of the project: imports only go down, files stay readable, the modules stay small. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) return name === "generated" ? [] : filesIn(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

/** The files of the project that a file imports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const paths = [...text.matchAll(/(?:from|import) "(\.[^"]+)"/g)].map(
    (match) => match[1] as string,
  );
  return paths.map((path) => {
    const target = relative(root, resolve(root, file, "..", path)).replace(/\.js$/, "");
    return target.endsWith(".ts") ? target : `${target}.ts`;
  });
}

/** Bottom up: a file may import from lines above its own. */
const layers: Record<string, readonly (readonly string[])[]> = {
  core: [
    ["layout", "host"],
    ["sizes", "raw", "map"],
    ["arenas"],
    ["pools"],
    ["pymalloc"],
    ["cpython", "stats"],
    ["validate"],
    ["index"],
    ["linked/host", "linked/state", "linked/text", "linked/chunks"],
    ["linked/records"],
    [
      "linked/constants",
      "linked/counted",
      "linked/families",
      "linked/holes",
      "linked/report",
      "linked/start",
    ],
    ["linked/kept"],
    ["linked/arenas"],
    ["linked/index"],
    ["debug/layout", "debug/host"],
    ["debug/books", "debug/below"],
    ["debug/shadow", "debug/ledger"],
    ["debug/frame", "debug/faults", "debug/earlier"],
    ["debug/quarantine"],
    ["debug/validate", "debug/debug"],
    ["debug/families"],
    ["debug/index"],
    ["objects/layout", "objects/host"],
    ["objects/objects"],
    ["objects/index"],
  ],
  src: [
    ["types", "generated/modules", "dispose", "webassembly"],
    ["memory"],
    ["errors", "stacks", "owned"],
    ["dump", "options", "core", "fields"],
    ["type-object", "root"],
    ["objects"],
    ["object-heap"],
    ["report"],
    ["stats", "domains", "validate"],
    ["shadow"],
    ["faults", "testing"],
    ["debug"],
    ["allocators", "checked", "hosts/host", "hosts/emscripten", "hosts/offsets", "hosts/locations"],
    ["hosts/standalone", "hosts/given", "hosts/dlmalloc", "hosts/cpython", "hosts/frames"],
    ["hosts/objects"],
    ["hosts/dangling"],
    ["hosts/takeover"],
    ["hosts/linked"],
    ["hosts/installation"],
    ["hosts/python-side"],
    ["hosts/pyodide"],
    ["guests/binary"],
    ["guests/control", "guests/place"],
    ["guests/guests"],
    ["hosts/census", "hosts/recorder", "heap"],
    ["index"],
  ],
  link: [
    ["errors", "bind", "texts", "build-id", "stdlib", "sections"],
    ["program", "memory", "partial"],
    ["survey"],
    ["graft"],
    ["link"],
    ["folder"],
    ["cache"],
    ["index", "vite"],
  ],
  cli: [
    ["errors", "python", "paired", "table", "trace/events", "trace/map", "trace/places"],
    ["output", "supervision"],
    ["endings", "progress", "streams"],
    ["arguments", "pyodide", "trace/format", "trace/numbering", "trace/live"],
    ["trace/columns", "trace/books", "trace/statistics"],
    ["trace/writer", "trace/reader"],
    ["supervisor"],
    ["replay/program", "replay/tape"],
    ["replay/contestants"],
    ["interpreter", "replay/replay", "replay/javascript"],
    ["compare", "script"],
    ["render", "command"],
    ["trace/render", "replay/render"],
    ["commands/run", "commands/record", "commands/stats", "commands/replay", "commands/link"],
    ["verbs"],
    ["main"],
  ],
};

for (const [folder, order] of Object.entries(layers)) {
  test(`in ${folder}/, imports only go down`, () => {
    const level = new Map<string, number>(
      order.flatMap((names, index) =>
        names.map((name) => [`${folder}/${name}.ts`, index] as const),
      ),
    );
    const files = filesIn(folder);
    assert.ok(files.length > 0);
    for (const file of files) {
      const own = level.get(file);
      assert.notEqual(own, undefined, `${file} has no place in the layers of ${folder}/`);
      for (const imported of importsOf(file)) {
        if (!imported.startsWith(`${folder}/`)) continue;
        const below = level.get(imported);
        assert.ok(below !== undefined && below < (own as number), `${file} imports ${imported}`);
      }
    }
  });
}

test("the core imports nothing but itself; src/ nothing of link/ or cli/; nothing but those two knows of Node", () => {
  const reach: Record<string, RegExp> = {
    core: /^core\//,
    // A module that feeds the core shares its numbers.
    modules: /^(modules\/|core\/layout\.ts$)/,
    src: /^src\//,
    link: /^(link|src)\//,
    cli: /^(cli|link|src)\//,
  };
  for (const [folder, allowed] of Object.entries(reach)) {
    for (const file of filesIn(folder)) {
      for (const imported of importsOf(file)) assert.match(imported, allowed, `${file}`);
      const text = readFileSync(join(root, file), "utf8");
      if (folder !== "cli" && folder !== "link")
        assert.doesNotMatch(text, /from "node:/, `${file} is for browsers as well`);
    }
  }
});

test("nobody but src/memory.ts makes views of a memory: addresses have no sign there", () => {
  const view = /new (\w+Array|DataView)\(\s*[\w.#]*memory\.buffer/;
  for (const file of ["src", "link"].flatMap(filesIn)) {
    if (file === join("src", "memory.ts")) continue;
    assert.doesNotMatch(readFileSync(join(root, file), "utf8"), view, file);
  }
});

test("files are at most 400 lines long", () => {
  const folders = ["core", "modules", "src", "link", "cli", "test", "tools", "bench"];
  for (const file of folders.flatMap(filesIn)) {
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    assert.ok(lines.length <= 400, `${file} has ${lines.length} lines`);
  }
});

test("the core is at most 8 KB of WebAssembly", () => {
  const { size } = statSync(join(root, "build/core.wasm"));
  assert.ok(size <= 8192, `build/core.wasm has ${size} bytes`);
});
