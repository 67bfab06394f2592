/** docs/guide/rust.md and docs/guide/bundlers.md: what they print is built as it is printed, in an empty project, and runs. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { importsOf } from "../support/linked-guests.js";
import { newProject, type Project, succeed } from "../support/project.js";
import { reasonToSkipRust, rustEnvironment } from "../support/rust.js";
import { snippet } from "../support/snippets.js";

/** Where a block lies is the malloc's affair. */
const placeless = (text: string) => text.replace(/0x[0-9a-f]+/g, "0x");

describe("docs/guide/rust.md and bundlers.md", {
  skip: reasonToSkipRust(),
  timeout: 300_000,
}, () => {
  let project: Project;
  before(async () => {
    project = await newProject(snippet("README.md#install"));
    project.write("Cargo.toml", snippet("docs/guide/rust.md#Cargo.toml"));
    project.write("src/lib.rs", snippet("docs/guide/rust.md#lib.rs"));
  });
  after(() => project?.close());

  const cargo = (line: string) => succeed(project.folder, line, [], rustEnvironment(), true);

  /** The WebAssembly files in a folder. */
  function guestsIn(folder: string): Uint8Array[] {
    const names = readdirSync(join(project.folder, folder)).filter((name) =>
      name.endsWith(".wasm"),
    );
    return names.map((name) => readFileSync(join(project.folder, folder, name)));
  }

  test("a program is built, linked, and names its mistake", async () => {
    for (const line of snippet("docs/guide/rust.md#build").trim().split("\n")) {
      await (line.startsWith("cargo") ? cargo(line) : project.shell(line));
    }
    const printed = await project.program("linked.mjs", snippet("docs/guide/rust.md#linked.mjs"));
    const expected = snippet("docs/guide/rust.md#linked-output");
    assert.equal(placeless(printed).trim(), placeless(expected).trim());
  });

  test("it shares a heap, and can be linked all the same", async () => {
    project.write(".cargo/config.toml", snippet("docs/guide/rust.md#config.toml"));
    await cargo(snippet("docs/guide/rust.md#hosted").trim());
    const printed = await project.program("hosted.mjs", snippet("docs/guide/rust.md#hosted.mjs"));
    assert.match(printed, /^2890 0\ndouble-free 24\n +at .*free_twice/);
    await project.shell("cp target/wasm32-unknown-unknown/release/guest.wasm guest.wasm");
    await project.shell(snippet("docs/guide/bundlers.md#command"));
    const linked = new Uint8Array(readFileSync(join(project.folder, "guest.linked.wasm")));
    assert.deepEqual(importsOf(linked), []);
  });

  test("bundlers link it", async () => {
    await project.shell(`${snippet("docs/guide/bundlers.md#install")}npm install esbuild vite`);
    project.write("main.js", `import guest from "./guest.wasm"; console.log(guest);`);
    await project.program("esbuild.mjs", snippet("docs/guide/bundlers.md#esbuild"));
    assert.deepEqual(guestsIn("dist").map(importsOf), [[]]);
    project.write("index.html", `<script type="module" src="/page.js"></script>`);
    project.write("page.js", snippet("docs/guide/bundlers.md#vite-main.js"));
    project.write("vite.config.js", snippet("docs/guide/bundlers.md#vite"));
    await project.shell("npx vite build --outDir built --assetsInlineLimit 0");
    assert.deepEqual(guestsIn("built/assets").map(importsOf), [[]]);
  });
});
