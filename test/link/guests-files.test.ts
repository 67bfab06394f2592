/** Guests as files: the command, and what bundlers make of them; run in Node and on a page. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build as esbuild } from "esbuild";
import { createServer, type PluginOption, build as vite } from "vite";
import { linkedGuests } from "../../link/esbuild.js";
import { linkedGuests as linkedGuestsForVite } from "../../link/vite.js";
import { findChromium, launchChromium, serve } from "../../tools/chromium.js";
import { assertRefused, runIn } from "../support/command.js";
import { buildGuest, reasonToSkip } from "../support/guests.js";
import { importsOf, LinkedGuest } from "../support/linked-guests.js";
import { constant, wasm } from "../support/wasm.js";

describe("guests as files", { skip: reasonToSkip(), timeout: 120_000 }, () => {
  const project = mkdtempSync(join(tmpdir(), "pymalloc-bundled-"));
  const other = wasm({ code: [0x00], data: [{ at: constant(8), bytes: [1] }] });

  before(() => {
    mkdirSync(join(project, "src"));
    writeFileSync(join(project, "src/guest.wasm"), buildGuest(["extension.c"]));
    writeFileSync(
      join(project, "src/mistakes.wasm"),
      buildGuest(["mistakes.c"], { malloc: false }),
    );
    writeFileSync(join(project, "src/other.wasm"), other);
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  test("pymalloc link writes the linked guest, and says what it did", () => {
    const { status, stdout } = runIn(project, ["link", "src/guest.wasm", "-o", "linked.wasm"]);
    assert.equal(status, 0);
    assert.match(stdout, /^linked\.wasm: with pymalloc in it, [\d,]+ bytes, before [\d,]+ \(\d/);
    const guest = new LinkedGuest(new Uint8Array(readFileSync(join(project, "linked.wasm"))));
    assert.match(guest.textAt(guest.call("run", 10)), / deaths 10 /);
  });

  test("... with the debug heap, and as JSON", () => {
    const args = ["link", "--with-pydebug", "src/mistakes.wasm", "-o", "debug.wasm", "--json"];
    const { status, stdout } = runIn(project, args);
    assert.equal(status, 0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(report["withPydebug"], true);
    assert.equal(report["output"], join(project, "debug.wasm"));
    const bytes = new Uint8Array(readFileSync(join(project, "debug.wasm")));
    assert.equal(report["bytesAfter"], bytes.length);
    const guest = new LinkedGuest(bytes, {});
    assert.throws(() => guest.call("double_free"));
    assert.match(guest.report(), /double-free/);
  });

  test("what is wrong is one line, and no file is left", async () => {
    const names = readdirSync(project);
    const link = (...args: string[]) => ["link", ...args];
    const guest = join(project, "src/guest.wasm");
    const linked = join(project, "linked.wasm");
    const out = join(project, "out.wasm");
    await assertRefused(
      link(linked, "-o", out),
      /linked\.wasm: it was linked with pymalloc before/,
    );
    await assertRefused(
      link(join(project, "src/other.wasm"), "-o", out),
      /imports nothing from "pymalloc"/,
    );
    await assertRefused(link(guest), /-o OUT_DIR is missing/);
    await assertRefused(link(guest, "--limit", "64MB", "-o", out), /--limit is for a Pyodide/);
    await assertRefused(link(guest, "-o", join(project, "no/such/out.wasm")), /can't be written/);
    assert.deepEqual(readdirSync(project), names);
  });

  test("esbuild: the bytes of a guest, linked; others as they are", async () => {
    writeFileSync(
      join(project, "src/binary.js"),
      `export { default as guest } from "./guest.wasm"; export { default as other } from "./other.wasm";`,
    );
    const outfile = join(project, "binary.mjs");
    await esbuild({
      absWorkingDir: project,
      entryPoints: ["src/binary.js"],
      outfile,
      ...{ bundle: true, format: "esm", platform: "node", target: "node20", logLevel: "silent" },
      loader: { ".wasm": "binary" },
      plugins: [linkedGuests()],
    });
    const bundle = (await import(pathToFileURL(outfile).href)) as Record<string, Uint8Array>;
    const guest = new LinkedGuest(bundle["guest"] as Uint8Array);
    assert.match(guest.textAt(guest.call("run", 10)), / deaths 10 /);
    assert.deepEqual([...(bundle["other"] as Uint8Array)], [...other]);
  });

  test("esbuild: a file by default, and an error of its own for what can't be linked", async () => {
    writeFileSync(join(project, "src/file.js"), `export { default } from "./guest.wasm";`);
    const options = {
      absWorkingDir: project,
      entryPoints: ["src/file.js"],
      outdir: join(project, "files"),
      bundle: true,
      format: "esm",
      logLevel: "silent",
    } satisfies BuildOptions;
    await esbuild({ ...options, plugins: [linkedGuests({ withPydebug: true })] });
    const [name] = readdirSync(join(project, "files")).filter((file) => file.endsWith(".wasm"));
    const guest = new LinkedGuest(
      new Uint8Array(readFileSync(join(project, "files", name as string))),
    );
    assert.equal(guest.report(), "");
    const unknown = buildGuest(["unknown.c"]);
    writeFileSync(join(project, "src/unknown.wasm"), unknown);
    writeFileSync(join(project, "src/wrong.js"), `export { default } from "./unknown.wasm";`);
    await assert.rejects(
      esbuild({ ...options, entryPoints: ["src/wrong.js"], plugins: [linkedGuests()] }),
      /unknown\.wasm: it imports "pymalloc\.PyMem_Frobnicate"/,
    );
  });

  describe("Vite", () => {
    const executable = findChromium();
    const skip = executable === undefined && !process.env["CI"] ? "no Chromium here" : false;
    const config = () => ({
      root: project,
      configFile: false as const,
      logLevel: "silent" as const,
      plugins: [linkedGuestsForVite() as PluginOption],
    });

    before(() => {
      writeFileSync(
        join(project, "index.html"),
        `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/src/main.js"></script>`,
      );
      writeFileSync(
        join(project, "src/main.js"),
        `import init from "./guest.wasm?init";
import url from "./mistakes.wasm?url";
const wasi = new Proxy({}, { get: () => () => 52 });
const { exports } = await init({ wasi_snapshot_preview1: wasi });
exports._initialize?.();
const p = exports.run(100);
const bytes = new Uint8Array(exports.memory.buffer);
const text = new TextDecoder().decode(bytes.subarray(p, bytes.indexOf(0, p)));
const other = await WebAssembly.instantiate(await (await fetch(url)).arrayBuffer(), {});
other.instance.exports.drop_sum(other.instance.exports.make_sum());
console.log(text);
`,
      );
    });

    async function printedOn(address: string): Promise<string> {
      const browser = await launchChromium(executable as string);
      try {
        const tab = await browser.newPage();
        return await new Promise<string>((resolve, reject) => {
          tab.on("pageerror", reject);
          tab.on("console", (message) => {
            if (message.type() === "log") resolve(message.text());
            if (message.type() === "error") reject(new Error(message.text()));
          });
          setTimeout(() => reject(new Error("nothing was printed")), 60_000).unref();
          tab.goto(address).catch(reject);
        });
      } finally {
        await browser.close();
      }
    }

    test("what is built, on a page", { skip }, async () => {
      await vite({ ...config(), build: { assetsInlineLimit: 0 } });
      const assets = readdirSync(join(project, "dist/assets")).filter((name) =>
        name.endsWith(".wasm"),
      );
      assert.equal(assets.length, 2);
      for (const name of assets) {
        const imports = importsOf(new Uint8Array(readFileSync(join(project, "dist/assets", name))));
        assert.ok(
          imports.every((one) => !one.startsWith("pymalloc.")),
          `${imports}`,
        );
      }
      const site = await serve(
        { "/index.html": readFileSync(join(project, "dist/index.html")) },
        { assets: join(project, "dist/assets") },
      );
      try {
        assert.match(await printedOn(`${site.origin}/index.html`), / deaths 100 /);
      } finally {
        await site.close();
      }
    });

    test("the server for development", { skip }, async () => {
      const server = await createServer({ ...config(), server: { port: 0, host: "127.0.0.1" } });
      await server.listen();
      try {
        const [address] = server.resolvedUrls?.local ?? [];
        assert.match(await printedOn(address as string), / deaths 100 /);
      } finally {
        await server.close();
      }
    });
  });
});
