/** `pymalloc link --limit`: a linked Pyodide whose memory has a limit from its start on, without a library of ours. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { LinkError, link } from "../../link/index.js";
import { install } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import { assertRefused } from "../support/command.js";
import { exhaust, ROUNDS } from "../support/exhaustion.js";
import { long, onlyLong } from "../support/profile.js";
import { folderOf, loadFrom } from "../support/pyodide.js";
import { temporaryFolder } from "../support/traces.js";

const MIB = 2 ** 20;
const folder = temporaryFolder();

/** What a program takes that never ends, without anything of ours beside the interpreter. */
const FULL = `
def full():
    kept = []
    try:
        while True: kept.append(bytearray(100_000))
    except MemoryError:
        import traceback
        return f"{len(kept)} {traceback.format_exc().splitlines()[-1]}"
full()
`;

for (const name of ["pyodide", "pyodide-029"]) {
  test(`${name}: it has its limit from the start, and another one when it is told so`, {
    skip: name === "pyodide" ? false : onlyLong,
  }, async () => {
    const output = join(folder, name);
    await link({ pyodide: folderOf(name), output, limitBytes: 80 * MIB });
    const pyodide = await loadFrom(output);
    const program = programOf(pyodide, "test");
    for (let round = 0; round < 3; round++) {
      const [blocks, text] = String(pyodide.runPython(FULL)).split(" ");
      assert.ok(Number(blocks) > 400 && Number(blocks) < 750, `${blocks} blocks`);
      assert.equal(text, "MemoryError");
    }
    assert.equal(program.memory.buffer.byteLength, 80 * MIB);
    assert.ok(program.break() > 79 * MIB);

    let told = 0;
    const heap = install(pyodide, { onLimit: () => void told++ });
    assert.ok((heap.limit ?? 0) > 80 * MIB - 4096 && (heap.limit ?? 0) <= 80 * MIB);
    exhaust(pyodide, heap, long ? ROUNDS : 1, () => {
      assert.ok(told > 0);
      told = 0;
    });
    heap.setLimit(120 * MIB);
    pyodide.runPython(FULL);
    assert.ok(program.memory.buffer.byteLength > 100 * MIB);
    assert.ok(program.memory.buffer.byteLength <= 120 * MIB);
    heap.setLimit(undefined);
    assert.equal(pyodide.runPython("len(bytearray(130 << 20))"), 130 * MIB);
  });
}

test("what is no limit is refused by name", async () => {
  const pyodide = folderOf("pyodide");
  const output = join(folder, "refused");
  for (const limitBytes of [0, 1000, 32 * MIB - 1, 2 ** 32, 40.5, Number.NaN]) {
    await assert.rejects(link({ pyodide, output, limitBytes }), {
      name: "LinkError",
      message: `${pyodide}: limitBytes is ${limitBytes}, expected a whole number of bytes from 33554432 to 4294901760`,
    });
  }
  await assert.rejects(
    link({ pyodide, output, limitBytes: 80 * MIB, withPymalloc: false }),
    new LinkError("limitBytes is for a program that pymalloc is linked into"),
  );
  for (const size of ["", "x", "10MB", "-1", "5GB", "200 MB", "0x10MB", "1e9"]) {
    const line = /--limit: ".*" is no size like 200MB, from 32MB to 4095MB/;
    await assertRefused(["link", pyodide, "-o", output, `--limit=${size}`], line);
    await assertRefused(["run", `--limit=${size}`, "program.py"], line);
  }
  await assertRefused(
    ["run", "--limit=80MB", "--compare", "program.py"],
    /measures without a limit/,
  );
  await assertRefused(["run", "--limit=80MB", "--malloc=mimalloc", "program.py"], /takes its own/);
});
