/** Guests in the projects of bundlers: which imports are linked, what becomes of a guest that changes, and of one that can't be linked. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build as esbuild, type Plugin } from "esbuild";
import { createServer, type InlineConfig, type Rollup, build as vite } from "vite";
import { linkedGuests as linkedGuestsForEsbuild } from "../../link/esbuild.js";
import { link, linkGuest } from "../../link/index.js";
import { linkedGuests, linkedPyodide } from "../../link/vite.js";
import { importsOf } from "../support/linked-guests.js";
import { constant, wasm } from "../support/wasm.js";

/** Milliseconds until a bundler that watches has surely seen a change. */
const PATIENCE = 30_000;

/** A guest that asks for 24 bytes, and has a byte by which it is known. */
function guestOf(mark: number, name = "PyObject_Malloc"): Uint8Array {
  return wasm({
    imports: [["pymalloc", name, [0, 1]]],
    code: [0x41, 24, 0x10, 0, 0x1a],
    data: [{ at: constant(65536), bytes: [0x50, 0x79, mark] }],
  });
}

/** The mark of a guest, once it is linked. */
function markOf(bytes: Uint8Array): number {
  assert.deepEqual(importsOf(bytes), [], "linked");
  const memory = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource)).exports;
  return new Uint8Array((memory["memory"] as WebAssembly.Memory).buffer)[65538] as number;
}

const other = wasm({ code: [0x00], data: [{ at: constant(8), bytes: [1] }] });
const unknown = guestOf(0, "PyMem_Frobnicate");
const refusal = /guest\.wasm: it imports "pymalloc\.PyMem_Frobnicate"/;

/** Waits until something is so. */
async function until<T>(what: string, attempt: () => Promise<T | false> | T | false): Promise<T> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    const found = await attempt();
    if (found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what}, for ${PATIENCE / 1000} s`);
}

describe("guests in the projects of bundlers", { timeout: 200_000 }, () => {
  let above: string;
  let root: string;
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  const config = (): InlineConfig => ({
    root,
    base: "/below/",
    configFile: false,
    logLevel: "silent",
    plugins: [linkedGuests()],
    resolve: { alias: { "@": join(root, "src"), "@beside": join(above, "beside") } },
  });

  before(() => {
    above = realpathSync(mkdtempSync(join(tmpdir(), "pymalloc-bundlers-")));
    root = join(above, "project");
    write("package.json", `{ "private": true, "type": "module" }`);
    write("index.html", `<script type="module" src="/src/main.js"></script>`);
    write("node_modules/some/package.json", `{ "name": "some", "version": "1.0.0" }`);
    write("node_modules/some/guest.wasm", guestOf(4));
    write("../beside/guest.wasm", guestOf(5));
    write("public/other.wasm", other);
    write("src/other.wasm", other);
  });
  after(() => rmSync(above, { recursive: true, force: true }));

  /** What a build for the web writes for one module: the WebAssembly files. */
  async function filesOf(main: string, more: InlineConfig = {}): Promise<Uint8Array[]> {
    write("src/main.js", main);
    const build = { write: false, assetsInlineLimit: 0 };
    const { output } = (await vite({ ...config(), ...more, build })) as Rollup.RollupOutput;
    const files = output.filter(({ fileName }) => fileName.endsWith(".wasm"));
    return files.map((file) => (file as Rollup.OutputAsset).source as Uint8Array);
  }

  test("Vite: guests are linked wherever they are, and nothing else", async () => {
    write("src/guest.wasm", guestOf(1));
    const from = {
      "./guest.wasm?url": 1,
      "./guest.wasm?init": 1,
      "/src/guest.wasm?url": 1,
      "@/guest.wasm?url": 1,
      "some/guest.wasm?url": 4,
      "@beside/guest.wasm?url": 5,
    };
    for (const [source, mark] of Object.entries(from)) {
      const files = await filesOf(`import it from ${JSON.stringify(source)}; console.log(it);`);
      assert.deepEqual(files.map(markOf), [mark], source);
    }
    const own = await filesOf(`import it from "./other.wasm?url"; console.log(it);`);
    assert.deepEqual(own, [Buffer.from(other)]);
    const served = await filesOf(`import it from "/other.wasm?url"; console.log(it);`);
    assert.deepEqual(served, [], "the address of what is served as it is");
  });

  test("Vite: a worker's guests are linked where the plugin is the worker's, too", async () => {
    write("src/guest.wasm", guestOf(1));
    write("src/worker.js", `import it from "./guest.wasm?url"; postMessage(it);`);
    const main = `import Worker from "./worker.js?worker"; new Worker();`;
    const worker = { format: "es", plugins: () => [linkedGuests()] } as const;
    assert.deepEqual((await filesOf(main, { worker })).map(markOf), [1]);
  });

  test("Vite: what can't be linked is the plugin's error, what is not there is Vite's", async () => {
    write("src/guest.wasm", unknown);
    await assert.rejects(filesOf(`import it from "./guest.wasm?url"; console.log(it);`), refusal);
    const missing = filesOf(`import it from "./missing.wasm?url"; console.log(it);`);
    await assert.rejects(missing, /resolve.*\.\/missing\.wasm/);
  });

  test("Vite builds again when a guest changes, and after one that can't be linked", async () => {
    write("src/guest.wasm", guestOf(1));
    write("src/main.js", `import it from "./guest.wasm?url"; console.log(it);`);
    const assetFileNames = "[name][extname]";
    const watching = await vite({
      ...config(),
      build: { watch: {}, assetsInlineLimit: 0, rollupOptions: { output: { assetFileNames } } },
    });
    const watcher = watching as Rollup.RollupWatcher;
    const errors: string[] = [];
    watcher.on("event", (event) => {
      if (event.code === "ERROR") errors.push(event.error.message);
    });
    const built = (mark: number) => () => {
      try {
        return markOf(readFileSync(join(root, "dist/guest.wasm"))) === mark;
      } catch {
        return false;
      }
    };
    try {
      await until("nothing is built", built(1));
      write("src/guest.wasm", guestOf(2));
      await until("it is not built again", built(2));
      write("src/guest.wasm", unknown);
      assert.match(await until("there is no error", () => errors[0] ?? false), refusal);
      write("src/guest.wasm", guestOf(3));
      await until("it is not built after the error", built(3));
    } finally {
      await watcher.close();
    }
  });

  test("Vite's server has pages reloaded when a guest changes, also when it was removed first", async () => {
    write("src/guest.wasm", guestOf(1));
    write("src/main.js", `import it from "./guest.wasm?url"; console.log(it);`);
    const server = await createServer({ ...config(), server: { port: 0, host: "127.0.0.1" } });
    let reloads = 0;
    const send = server.ws.send.bind(server.ws) as (message: unknown) => void;
    server.ws.send = (message: unknown) => {
      if ((message as { type?: string }).type === "full-reload") reloads++;
      send(message);
    };
    await server.listen();
    const origin = server.resolvedUrls?.local[0] as string;
    const get = async (path: string) => {
      const answer = await fetch(new URL(path, origin));
      if (!answer.ok) throw new Error(await answer.text());
      return answer;
    };
    /** The mark of the guest that a page gets. */
    const seen = async () => {
      const main = await (await get("/below/src/main.js")).text();
      const [, module] = /from "([^"]+\.wasm[^"]*)"/.exec(main) as RegExpExecArray;
      const [, address] = /"(\/[^"]+\.wasm)"/.exec(
        await (await get(module as string)).text(),
      ) as RegExpExecArray;
      return markOf(new Uint8Array(await (await get(address as string)).arrayBuffer()));
    };
    const reloaded = async (write: () => void) => {
      const before = reloads;
      write();
      await until("no page is reloaded", () => reloads > before);
    };
    try {
      assert.equal(await seen(), 1);
      await until("it is not watched", () => {
        const watched = Object.values(server.watcher.getWatched()).flat();
        return watched.includes("guest.wasm");
      });
      await reloaded(() => write("src/guest.wasm", guestOf(2)));
      assert.equal(await seen(), 2);
      // A compiler that writes for a while: the watcher tells of its first change only.
      write("src/guest.wasm", guestOf(2).subarray(0, 20));
      await new Promise((resolve) => setTimeout(resolve, 30));
      await reloaded(() => write("src/guest.wasm", unknown));
      await assert.rejects(seen(), /PyMem_Frobnicate/);
      rmSync(join(root, "src/guest.wasm"));
      await new Promise((resolve) => setTimeout(resolve, 500));
      await reloaded(() => write("src/guest.wasm", guestOf(3)));
      assert.equal(await seen(), 3);
    } finally {
      await server.close();
    }
  });

  test("in Rolldown it is a plugin as well", async () => {
    // It comes with Vite.
    const require = createRequire(createRequire(import.meta.url).resolve("vite"));
    const { rolldown } = (await import(pathToFileURL(require.resolve("rolldown")).href)) as {
      rolldown(options: object): Promise<{
        generate(options: object): Promise<{ output: readonly [{ code: string }] }>;
        close(): Promise<void>;
      }>;
    };
    write("src/guest.wasm", guestOf(1));
    write("src/bytes.js", `export { default } from "./guest.wasm";`);
    const bundle = await rolldown({
      cwd: root,
      input: "src/bytes.js",
      platform: "node",
      moduleTypes: { ".wasm": "binary" },
      plugins: [linkedGuests()],
    });
    const { output } = await bundle.generate({ format: "es" });
    await bundle.close();
    write("bytes.mjs", output[0].code);
    const bytes = (await import(pathToFileURL(join(root, "bytes.mjs")).href)) as {
      default: Uint8Array;
    };
    assert.equal(markOf(bytes.default), 1);
  });

  test("esbuild: what another plugin has in a namespace of its own is left to it", async () => {
    write("src/guest.wasm", guestOf(1));
    write("src/stub.js", `export { default } from "./guest.wasm";`);
    const stub: Plugin = {
      name: "stub",
      setup(build) {
        build.onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path, namespace: "stub" }));
        build.onLoad({ filter: /.*/, namespace: "stub" }, ({ path }) => ({
          contents: `export default "stub of ${path}";`,
        }));
      },
    };
    const { outputFiles } = await esbuild({
      absWorkingDir: root,
      entryPoints: ["src/stub.js"],
      ...{ bundle: true, format: "esm", write: false },
      plugins: [linkedGuestsForEsbuild(), stub],
    });
    assert.match(outputFiles[0]?.text as string, /stub of \.\/guest\.wasm/);
  });

  test("options are read at once", async () => {
    for (const make of [linkedGuests, linkedGuestsForEsbuild]) {
      const wrong = (options: unknown) => () => make(options as { withPydebug: boolean });
      const said = /^linkedGuests: unknown option "withDebug", expected one of withPydebug$/;
      assert.throws(wrong({ withDebug: true }), { name: "TypeError", message: said });
      assert.throws(wrong({ withPydebug: 1 }), /withPydebug is 1, expected true or false/);
      assert.throws(wrong(null), /linkedGuests: expected an object of options, got null/);
    }
    assert.throws(() => linkedPyodide({ folder: "x" } as object), /linkedPyodide: unknown option/);
    const guest = guestOf(1);
    await assert.rejects(linkGuest(guest, { debug: true } as object), /linkGuest: unknown option/);
    for (const none of [undefined, "guest.wasm", guest.buffer]) {
      const linked = linkGuest(none as unknown as Uint8Array);
      await assert.rejects(linked, { name: "TypeError", message: /expected a Uint8Array/ });
    }
    const folders = { pyodide: root, output: join(above, "out") };
    await assert.rejects(
      link({ ...folders, debug: true } as typeof folders),
      /link: unknown option/,
    );
    const no = "no" as unknown as boolean;
    await assert.rejects(link({ ...folders, withPymalloc: no }), /withPymalloc is "no", expected/);
  });
});
