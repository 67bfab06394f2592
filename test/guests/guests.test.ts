/** One source of C as a guest, as an extension of CPython, and as a plain program: the same report from each. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { layoutHeader } from "../../tools/layout-header.js";
import {
  buildGuest,
  expectedReport as expected,
  exportsOf,
  folder,
  include,
  newPath,
  python3,
  reasonToSkip,
  root,
  textAt,
  wasi,
} from "../support/guests.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { debugHeap, faultOf } from "../support/mistakes.js";

test("include/pymalloc_layout.h has the core's numbers", () => {
  const path = join(include, "pymalloc_layout.h");
  if (process.env["UPDATE_HEADERS"]) writeFileSync(path, layoutHeader());
  assert.equal(
    readFileSync(path, "utf8"),
    layoutHeader(),
    "stale: UPDATE_HEADERS=1 npm test writes it",
  );
});

describe("one source of C", { skip: reasonToSkip() }, () => {
  const python = (args: readonly string[], env: Record<string, string> = {}) =>
    execFileSync(python3, args, {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
  const native = ["-Wall", "-Wextra", "-Werror", "-O2", `-I${include}`];
  const extension = join(root, "test/guests/programs/extension.c");

  for (const malloc of ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const) {
    test(`it is a guest of a heap with malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc });
      const guest = heap.instantiate(buildGuest(["extension.c"]), { wasi_snapshot_preview1: wasi });
      const run = exportsOf(guest)["run"] as (n: number) => number;
      assert.equal(textAt(heap, run(1000)), expected);
      assert.equal(textAt(heap, run(1000)), expected, "a second time");
      if (malloc === "pymalloc") assertBalanced(heap, 0);
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0);
    });
  }

  test("it is an extension of CPython, imported and run there, and CPython's debug hooks find nothing", () => {
    const includes = execFileSync(`${python3}-config`, ["--includes"], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
    const flags = [...native, ...includes, "-DFOR_CPYTHON", "-shared", "-fPIC"];
    execFileSync("clang", [...flags, extension, "-o", join(folder, "extension.so")], {
      stdio: "inherit",
    });
    for (const PYTHONMALLOC of ["pymalloc", "debug"]) {
      const printed = python(["-c", "import extension; print(extension.run(1000))"], {
        PYTHONMALLOC,
      });
      assert.equal(printed, `${expected}\n`);
    }
  });

  test("it is a program on the plain malloc, natively and on wasi-libc's", () => {
    const program = newPath("");
    execFileSync("clang", [...native, "-fsanitize=undefined", extension, "-o", program], {
      stdio: "inherit",
    });
    assert.equal(execFileSync(program, { encoding: "utf8" }), `${expected}\n`);
    const wasm = newPath(".wasm");
    const flags = [
      "--target=wasm32-wasi",
      "-DPYMEMCOMPAT_PLAIN",
      `-I${include}`,
      extension,
      "-o",
      wasm,
    ];
    execFileSync("clang", flags, { stdio: "inherit" });
    const run = `import { WASI } from "node:wasi";
      import { readFileSync } from "node:fs";
      const wasi = new WASI({ version: "preview1" });
      const module = new WebAssembly.Module(readFileSync(process.argv[1]));
      wasi.start(new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport }));`;
    const args = ["--no-warnings", "--input-type=module", "-e", run, wasm];
    assert.equal(execFileSync(process.execPath, args, { encoding: "utf8" }), `${expected}\n`);
  });

  test("JavaScript's objects and the guest's are of one kind", () => {
    const heap = pooledHeap();
    const { run } = exportsOf(
      heap.instantiate(buildGuest(["extension.c"]), { wasi_snapshot_preview1: wasi }),
    );
    const Point = heap.defineType({ name: "Point", fields: { x: "f64" } });
    const point = heap.newObject(Point);
    run?.(10);
    assert.equal(heap.typeOf(point), Point.address);
    heap.decref(point);
    assertBalanced(heap, 0);
  });

  test("heap.imports() serves one who instantiates a guest himself", () => {
    const heap = debugHeap();
    let instance: WebAssembly.Instance | undefined;
    const table = () => instance?.exports["__indirect_function_table"] as WebAssembly.Table;
    const place = heap.raw.malloc(1 << 20);
    const pages = Math.ceil(place / 65536);
    const bytes = buildGuest(["extension.c"], { flags: [`-Wl,--global-base=${pages * 65536}`] });
    const imports = { ...heap.imports(table), wasi_snapshot_preview1: wasi };
    instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
    const { _initialize, run } = exportsOf(instance);
    _initialize?.();
    assert.equal(textAt(heap, run?.(1000) as number), expected);
    heap.raw.free(place);
    heap.validate();
    assert.equal(faultOf(() => heap.mem.free(place)).kind, "double-free");
  });
});
