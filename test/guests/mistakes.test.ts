/** The six mistakes, made in C: a debug heap names each, with the C function that made it, in Node and in Chromium. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findChromium, launchChromium, serve } from "../../tools/chromium.js";
import { buildGuest, expectedReport, exportsOf, folder, reasonToSkip } from "../support/guests.js";
import { pooledHeap } from "../support/heaps.js";
import { debugHeap, debugModes, faultOf } from "../support/mistakes.js";

/** What is called, and what a fault says of it: size, family, the call that is wrong. */
const mistakes = {
  buffer_overflow: ["buffer-overflow", 15, "mem", "PyMem_Free"],
  buffer_underflow: ["buffer-underflow", 4, "mem", "PyMem_Free"],
  use_after_free_write: ["use-after-free-write", 16, "object", "quarantine"],
  double_free: ["double-free", 16, "object", "PyObject_Free"],
  wrong_family: ["wrong-family", 40, "mem", "PyObject_Free"],
  invalid_pointer: ["invalid-pointer", 10, "mem", "PyMem_Free"],
} as const;

type Told = readonly [
  kind: string,
  size: number | undefined,
  family: string | undefined,
  call: string | undefined,
];

interface Report {
  readonly told: Told;
  readonly stack: string | undefined;
  readonly allocationStack: string | undefined;
  readonly freeStack: string | undefined;
}

function assertNamed(
  name: keyof typeof mistakes,
  { told, stack, allocationStack, freeStack }: Report,
): void {
  assert.deepEqual(told, mistakes[name]);
  const inGuest = new RegExp(`at ${name} \\(wasm:`);
  assert.match(stack ?? "", inGuest, "where it was found");
  assert.match(allocationStack ?? "", inGuest, "where the block was allocated");
  const freed = name === "use_after_free_write" || name === "double_free";
  if (freed) assert.match(freeStack ?? "", inGuest, "where it was freed");
}

describe("mistakes in C", { skip: reasonToSkip(), timeout: 120_000 }, () => {
  let bytes: Uint8Array<ArrayBuffer>;

  before(() => {
    bytes = buildGuest(["mistakes.c"], { malloc: false });
    writeFileSync(join(folder, "mistakes.wasm"), bytes);
    writeFileSync(join(folder, "extension.wasm"), buildGuest(["extension.c"]));
  });

  for (const malloc of debugModes) {
    for (const name of Object.keys(mistakes) as (keyof typeof mistakes)[]) {
      test(`${name} is named in Node, malloc: "${malloc}"`, () => {
        const heap = debugHeap({ malloc, stacks: true });
        const call = exportsOf(heap.instantiate(bytes))[name];
        const fault = faultOf(() => call?.());
        const told: Told = [fault.kind, fault.size, fault.family, fault.call];
        const { stack, allocationStack, freeStack } = fault;
        assertNamed(name, { told, stack, allocationStack, freeStack });
        assert.match(fault.report(), new RegExp(`allocated here:\\n +at ${name} `));
      });
    }
  }

  test("without a debug mode nobody says a word, and what is right works in all of them", () => {
    const heap = pooledHeap();
    const { buffer_overflow, make_sum, drop_sum } = exportsOf(heap.instantiate(bytes));
    buffer_overflow?.();
    for (const each of [heap, debugHeap()]) {
      const guest = each === heap ? { make_sum, drop_sum } : exportsOf(each.instantiate(bytes));
      guest["drop_sum"]?.(guest["make_sum"]?.() as number);
      each.validate();
      assert.equal(each.getAllocatedBlocks(), 0);
    }
  });

  const executable = findChromium();
  const skip = executable === undefined && !process.env["CI"] ? "no Chromium here" : false;

  test("each is named on a page in Chromium, none without a debug mode, and what is right works in all", {
    skip,
  }, async () => {
    const script = `import { createHeap } from "/esm/index.js";
export async function extension(malloc) {
  const heap = createHeap({ malloc });
  const bytes = await (await fetch("/guests/extension.wasm")).arrayBuffer();
  const wasi = new Proxy({}, { get: () => () => 52 });
  const { run } = heap.instantiate(bytes, { wasi_snapshot_preview1: wasi }).exports;
  const p = run(1000);
  heap.validate();
  return new TextDecoder().decode(heap.u8.slice(p, heap.u8.indexOf(0, p)));
}

export async function mistakes(malloc, names) {
  const bytes = await (await fetch("/guests/mistakes.wasm")).arrayBuffer();
  return names.map((name) => {
    const guest = createHeap({ malloc, stacks: true }).instantiate(bytes);
    try {
      guest.exports[name]();
    } catch ({ kind, size, family, call, stack, allocationStack, freeStack }) {
      return { told: [kind, size, family, call], stack, allocationStack, freeStack };
    }
  });
}
`;
    const page = `<!doctype html><link rel="icon" href="data:,"><script type="module">
import * as tasks from "/tasks.js"; globalThis.tasks = tasks;</script>`;
    const texts = { "/index.html": page, "/tasks.js": script };
    const esm = fileURLToPath(new URL("../../dist/esm", import.meta.url));
    const site = await serve(texts, { esm, guests: folder });
    const browser = await launchChromium(executable as string);
    try {
      const tab = await browser.newPage();
      await tab.goto(`${site.origin}/index.html`);
      const names = Object.keys(mistakes) as (keyof typeof mistakes)[];
      const run = (mode: string, which: string[]) =>
        tab.evaluate(`tasks.mistakes(${JSON.stringify(mode)}, ${JSON.stringify(which)})`);
      const reports = (await run("debug", names)) as Report[];
      for (const [i, name] of names.entries()) assertNamed(name, reports[i] as Report);
      assert.deepEqual(await run("pymalloc", ["buffer_overflow"]), [undefined]);
      for (const mode of ["pymalloc", "malloc", ...debugModes]) {
        const report = await tab.evaluate(`tasks.extension(${JSON.stringify(mode)})`);
        assert.equal(report, expectedReport, mode);
      }
    } finally {
      await browser.close();
      await site.close();
    }
  });
});
