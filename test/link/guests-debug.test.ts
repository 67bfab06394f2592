/** The six mistakes, made in C by guests that were linked --with-pydebug: named without our library, in Node, its WASI and Chromium. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import { findChromium, launchChromium, serve } from "../../tools/chromium.js";
import {
  buildGuest,
  buildStock,
  folder,
  include,
  newPath,
  reasonToSkip,
} from "../support/guests.js";
import { LinkedGuest, linkedGuest } from "../support/linked-guests.js";
import { debugHeap, faultOf } from "../support/mistakes.js";

const mistakes = {
  buffer_overflow:
    /^PyMemError: buffer-overflow: PyMem_Free\(0x\w+\): .*block of 15 bytes .*family mem/,
  buffer_underflow:
    /^PyMemError: buffer-underflow: PyMem_Free\(0x\w+\): .*block of 4 bytes .*family mem/,
  use_after_free_write: /^PyMemError: use-after-free-write: .*block of 16 bytes .*family object/,
  double_free:
    /^PyMemError: double-free: PyObject_Free\(0x\w+\): .*block of 16 bytes .*family object/,
  wrong_family: /^PyMemError: wrong-family: PyObject_Free\(0x\w+\): .*block .* \(family mem/,
  invalid_pointer:
    /^PyMemError: invalid-pointer: PyMem_Free\(0x\w+\): .*block of 10 bytes .*family mem/,
};
const names = Object.keys(mistakes) as (keyof typeof mistakes)[];

/** A report without what depends on where a heap lies: addresses. */
function shape(report: string): string {
  return report.replace(/0x[0-9a-f]+/g, "ADDRESS").trimEnd();
}

describe("mistakes in C, in linked guests", { skip: reasonToSkip(), timeout: 120_000 }, () => {
  let bytes: Uint8Array;
  let hosted: Uint8Array<ArrayBuffer>;

  before(async () => {
    hosted = buildGuest(["mistakes.c"], { malloc: false });
    bytes = await linkGuest(hosted, { withPydebug: true });
    writeFileSync(join(folder, "linked-mistakes.wasm"), bytes);
  });

  for (const name of names) {
    test(`${name}: a trap, with the report that a host's heap gives`, () => {
      const guest = new LinkedGuest(bytes, {});
      assert.equal(guest.report(), "");
      assert.throws(() => guest.call(name), WebAssembly.RuntimeError);
      assert.match(guest.report(), mistakes[name]);
      const heap = debugHeap();
      const fault = faultOf(() => (heap.instantiate(hosted).exports[name] as CallableFunction)());
      const [first = ""] = fault.report().split("\nThe block was");
      assert.equal(shape(guest.report()), shape(first));
    });
  }

  test("what is right works", () => {
    const guest = new LinkedGuest(bytes, {});
    for (let i = 0; i < 5000; i++) guest.call("drop_sum", guest.call("make_sum"));
    assert.equal(guest.report(), "");
    guest.validate();
  });

  test("a guest that asks for the debug hooks has them from then on", async () => {
    const guest = await linkedGuest(["hooks.c"]);
    guest.call("free_wrongly");
    guest.call("use_object");
    guest.call("setup_debug_hooks");
    guest.call("use_object");
    guest.call("use_mem");
    assert.throws(() => guest.call("free_wrongly"), WebAssembly.RuntimeError);
    assert.match(guest.report(), /^PyMemError: wrong-family: PyObject_Free/);
  });

  test("hooks above and below the debug heap see what they should", async () => {
    const guest = await linkedGuest(["hooks.c"], {}, true);
    guest.call("hook", 2);
    guest.call("use_object");
    assert.equal(guest.call("counted", 2), 252_1112);
    assert.throws(() => guest.call("free_wrongly"), WebAssembly.RuntimeError);
  });

  test("C's malloc: a byte too much shows for each size", async () => {
    const linked = await linkGuest(buildGuest(["alignment.c"], { flags: ["-fno-builtin"] }), {
      withPydebug: true,
    });
    for (const n of [1, 7, 8, 15, 16, 17, 24, 31, 32, 100, 511, 512, 513, 5000]) {
      const guest = new LinkedGuest(linked);
      assert.throws(() => guest.call("overflow", n), WebAssembly.RuntimeError, `${n}`);
      assert.match(guest.report(), new RegExp(`buffer-overflow: .* block of ${n} bytes? `));
    }
  });

  describe("in Node's WASI", () => {
    const script = newPath(".mjs");
    const program = newPath(".wasm");

    async function build(output: string, ...more: string[]): Promise<void> {
      const flags = [`-I${include}`, "-Wl,--global-base=65536", "-mexec-model=command", ...more];
      const command = buildStock(["command.c", `${include}/pymalloc_malloc.c`], flags);
      writeFileSync(output, await linkGuest(command, { withPydebug: true }));
    }

    before(async () => {
      await build(program);
      writeFileSync(
        script,
        `import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";
const [file, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: ["command", ...args] });
const module = new WebAssembly.Module(readFileSync(file));
process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
`,
      );
    });

    const run = (mistake: string, file = program) =>
      spawnSync(process.execPath, ["--no-warnings", script, file, mistake], { encoding: "utf8" });

    test("a program without a mistake", () => {
      const { stdout, stderr, status } = run("none");
      assert.deepEqual([stdout, stderr, status], ["none: Brian Kernigha\n", "", 7]);
    });

    test("a program without names", async () => {
      const file = newPath(".wasm");
      await build(file, "-Wl,--strip-all");
      assert.equal(run("none", file).status, 7);
      assert.match(run("double_free", file).stderr, /^PyMemError: double-free: PyObject_Free\(/);
    });

    for (const [mistake, pattern] of [
      ["buffer_overflow", /^PyMemError: buffer-overflow: PyObject_Free\(.*block of 15 bytes/],
      ["double_free", /^PyMemError: double-free: PyObject_Free\(.*block of 15 bytes/],
      ["wrong_family", /^PyMemError: wrong-family: PyMem_Free\(.*block .* \(family object/],
    ] as const) {
      test(`${mistake} is named on standard error`, () => {
        const { stdout, stderr, status } = run(mistake);
        assert.equal(stdout, `${mistake}: Brian Kernigha\n`);
        assert.match(stderr, pattern);
        assert.match(stderr, /\nDebug memory block at address p=0x/);
        assert.match(stderr, /RuntimeError: unreachable/);
        assert.notEqual(status, 0);
      });
    }
  });

  const executable = findChromium();
  const skip = executable === undefined && !process.env["CI"] ? "no Chromium here" : false;

  test("each is named on a page in Chromium, which has nothing of ours but the guest", {
    skip,
  }, async () => {
    const page = `<!doctype html><link rel="icon" href="data:,"><script type="module">
const bytes = await (await fetch("/guests/linked-mistakes.wasm")).arrayBuffer();
globalThis.report = async (name) => {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { memory, pymalloc_report } = instance.exports;
  try {
    instance.exports[name]();
  } catch (error) {
    const p = pymalloc_report();
    const all = new Uint8Array(memory.buffer);
    return [String(error), new TextDecoder().decode(all.subarray(p, all.indexOf(0, p)))];
  }
};
globalThis.ready = true;</script>`;
    const site = await serve({ "/index.html": page }, { guests: folder });
    const browser = await launchChromium(executable as string);
    try {
      const tab = await browser.newPage();
      await tab.goto(`${site.origin}/index.html`);
      await tab.waitForFunction("globalThis.ready");
      for (const name of names) {
        const [error, report] = (await tab.evaluate(`report("${name}")`)) as [string, string];
        assert.equal(error, "RuntimeError: unreachable");
        assert.match(report, mistakes[name]);
      }
    } finally {
      await browser.close();
      await site.close();
    }
  });
});
