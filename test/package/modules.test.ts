/** The modules as files: what a host that forbids to compile bytes hands in, and Cloudflare's workerd, which is one. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { bytesOf, textOf } from "../../base/binary-text.js";
import { createHeap, type HeapModules } from "../../src/index.js";
import { repository, succeed } from "../support/project.js";

const long = process.env["PYMALLOC_LONG"] ? false : "fetches workerd (160 MB): PYMALLOC_LONG=1";
const names = ["core", "large", "arenas", "objects", "thunks", "debug", "validate"] as const;
const bytes = (name: string) =>
  new Uint8Array(readFileSync(join(repository, "dist/wasm", `${name}.wasm`)));
const moduleOf = (name: string) => new WebAssembly.Module(bytes(name));

test("any bytes become a text without escapes, and bytes again", () => {
  const all = Uint8Array.from({ length: 512 }, (_, index) => index * 7);
  const text = textOf(all);
  assert.match(text, /^[ !#-[\]-~]*$/);
  assert.deepEqual(bytesOf(text), all);
  assert.deepEqual(bytesOf(""), new Uint8Array());
});

test("a heap takes its modules from their files", () => {
  const modules = Object.fromEntries(names.map((name) => [name, moduleOf(name)]));
  const heap = createHeap({ malloc: "debug", modules });
  const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
  heap.Py_DECREF(heap.PyObject_New(Point));
  heap.validate();
  createHeap({ malloc: "debug", modules: { core: modules["core"], large: undefined } }).validate();
});

test("modules that are none of ours, or of another place, are refused by name", () => {
  const refused = (modules: unknown, message: RegExp) =>
    assert.throws(() => createHeap({ modules: modules as HeapModules }), {
      name: "TypeError",
      message,
    });
  refused(1, /^createHeap: modules is 1, expected an object of compiled modules$/);
  refused(
    { kern: moduleOf("core") },
    /modules: unknown option "kern", expected one of core, large/,
  );
  refused({ core: bytes("core") }, /modules.core is an object \(Uint8Array\), expected the module/);
  const empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  refused(
    { core: empty },
    /modules.core is an object \(Module\), expected .*wasm\/core.wasm of py/,
  );
  refused(
    { core: moduleOf("large") },
    /modules.core is pymalloc 0.1.0 large [0-9a-f]{16}, expected/,
  );
});

describe("in workerd", { skip: long }, () => {
  const uses = (options: string) => `
    const heap = createHeap(${options});
    heap.object.free(heap.object.malloc(24));
    heap.validate();
    const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
    heap.Py_DECREF(heap.PyObject_New(Point));
    const hooked = createHeap({ malloc: "debug" });
    try {
      hooked.object.free(hooked.mem.malloc(3));
    } catch (error) {
      if (error instanceof PyMemError && error.kind === "wrong-family") return;
      throw error;
    }
    throw new Error("nothing was found");`;
  const importing = names.map((name) => `import ${name} from "./wasm/${name}.wasm";\n`).join("");
  /** A worker with a folder of the package and its modules, as `workerd test` wants it. */
  function configuration(format: string): string {
    const file = (kind: string, path: string) => `(name = "${path}", ${kind} = embed "${path}")`;
    const scripts = readdirSync(join(repository, "dist", format)).filter((name) =>
      name.endsWith(".js"),
    );
    const modules = [
      file("esModule", "main.js"),
      ...scripts.map((name) => file("esModule", `${format}/${name}`)),
      ...names.map((name) => file("wasm", `wasm/${name}.wasm`)),
      file("wasm", "wasm/adapter.wasm"),
      file("wasm", "wasm/limit.wasm"),
    ];
    return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
const main :Workerd.Worker = (modules = [${modules}], compatibilityDate = "2025-01-01");
`;
  }

  test("the workerd condition and createHeap({ modules }) work, bytes say what to do", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pymalloc-workerd-"));
    try {
      writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
      await succeed(folder, "npm", ["install", "--no-audit", "--no-fund", "workerd"], {});
      for (const name of ["workerd", "esm", "wasm"]) {
        cpSync(join(repository, "dist", name), join(folder, name), { recursive: true });
      }
      const run = async (format: string, program: string) => {
        const imports = `${importing}import { createHeap, PyMemError } from "./${format}/index.js";\n`;
        const worker = `${imports}export default { test() {${program}} };\n`;
        writeFileSync(join(folder, "main.js"), worker);
        writeFileSync(join(folder, "test.capnp"), configuration(format));
        await succeed(folder, join("node_modules", ".bin", "workerd"), ["test", "test.capnp"], {});
      };
      await run("workerd", uses(""));
      await run("esm", uses(`{ modules: { ${names.join()} } }`));
      const help = "no module large: .*createHeap.*pymalloc/wasm/large.wasm";
      await run(
        "esm",
        `try { createHeap(); } catch (error) { if (/${help.replaceAll("/", "\\/")}/.test(error.message)) return; throw error; }
         throw new Error("bytes were compiled");`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
