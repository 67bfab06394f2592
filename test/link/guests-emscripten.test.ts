/** A program that Emscripten has made, by the guide's line: linked, it runs in Node's WASI. Only where there is an `emcc`. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import { folder, include, newPath, sources } from "../support/guests.js";
import { importsOf } from "../support/linked-guests.js";
import { onlyLong } from "../support/profile.js";
import { runCommand } from "../support/rust.js";
import { snippet } from "../support/snippets.js";

function reasonToSkip(): string | false {
  if (onlyLong !== false) return onlyLong;
  // The first program takes minutes: Emscripten compiles its C library.
  const args = ["-sSTANDALONE_WASM", "-x", "c", "-", "-o", newPath(".wasm")];
  const input = "int main(void) { return 0; }";
  if (spawnSync("emcc", args, { cwd: folder, input }).status === 0) return false;
  const reason = "needs emcc";
  console.log(`skipped: ${reason}`);
  return reason;
}

describe("a guest made by Emscripten", { skip: reasonToSkip(), timeout: 300_000 }, () => {
  let guest: Uint8Array;

  before(() => {
    const output = newPath(".wasm");
    const [line = ""] = snippet("docs/guide/guests.md#emcc").split("\n");
    const [, ...args] = line.split(" ");
    const names: Record<string, string> = { "program.c": "command.c", "program.wasm": output };
    const own = args.map(
      (word) => names[word] ?? word.replace("node_modules/pymalloc/include", include),
    );
    execFileSync("emcc", own, { cwd: sources, stdio: ["ignore", "inherit", "ignore"] });
    guest = new Uint8Array(readFileSync(output));
  });

  test("it does what it does elsewhere, and asks for nothing but WASI", async () => {
    const linked = await linkGuest(guest);
    assert.ok(importsOf(linked).every((name) => name.startsWith("wasi_snapshot_preview1.")));
    assert.equal(runCommand(linked, "none"), "none: Brian Kernigha\n");
  });

  test("its mistakes are named", async () => {
    const linked = await linkGuest(guest, { withPydebug: true });
    assert.equal(runCommand(linked, "none"), "none: Brian Kernigha\n");
    assert.throws(
      () => runCommand(linked, "double_free"),
      /PyMemError: double-free: PyObject_Free/,
    );
  });
});
