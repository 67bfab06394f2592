/** What is no guest, or one that can't be linked: one clear error. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LinkError, linkGuest } from "../../link/index.js";
import { Sections, withSection } from "../../link/sections.js";
import { buildGuest, reasonToSkip } from "../support/guests.js";
import { numbers } from "../support/heaps.js";
import { long } from "../support/profile.js";
import {
  constant,
  functionImport,
  globalAt,
  globalImport,
  i32,
  type Parts,
  wasm,
} from "../support/wasm.js";

/** A guest that imports one of our functions: (i32) -> i32. */
const malloc: Parts["imports"] = [["pymalloc", "PyObject_Malloc", [0, 1]]];
const START = 65536;
const data = [{ at: constant(START), bytes: [1, 2, 3] }];
const complete: Parts = { imports: malloc, data, memory: [0, 2] };

/** The same with an export of its first own global, by this name. */
function withExport(bytes: Uint8Array, name: string): Uint8Array {
  const letters = [...name].map((letter) => letter.charCodeAt(0));
  return withSection(bytes, Sections.export, [1, letters.length, ...letters, 3, 0]);
}

async function refused(bytes: Uint8Array, pattern: RegExp): Promise<void> {
  await assert.rejects(linkGuest(bytes), (error: unknown) => {
    assert.ok(error instanceof LinkError, String(error));
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes("\n"), error.message);
    return true;
  });
}

describe("guests that can't be linked", () => {
  test("one that can", async () => {
    assert.ok((await linkGuest(wasm(complete))).length > 1000);
  });

  test("a text that looks like an instruction is none", async () => {
    const bytes = [...new TextEncoder().encode("\n (memory.grow")];
    await linkGuest(wasm({ ...complete, data: [{ at: constant(START), bytes }] }));
  });

  test("no WebAssembly", async () => {
    await refused(new TextEncoder().encode("#!/bin/sh\n"), /no WebAssembly that this engine takes/);
    await refused(new Uint8Array(0), /no WebAssembly/);
    await refused(wasm(complete).slice(0, -2), /no WebAssembly/);
  });

  test("nothing of ours is imported", async () => {
    await refused(wasm({ data }), /imports nothing from "pymalloc".*pymalloc_malloc\.c/);
  });

  test("functions that there are not are named", async () => {
    const imports = [
      ...(malloc ?? []),
      ["pymalloc", "PyMem_Frobnicate", functionImport],
      ["pymalloc", "root", globalImport(i32)],
    ] as const;
    await refused(
      wasm({ ...complete, imports }),
      /imports "pymalloc\.PyMem_Frobnicate", "pymalloc\.root", expected functions of pymalloc\.h/,
    );
  });

  test("a function of another type", async () => {
    const imports = [["pymalloc", "PyObject_Malloc", functionImport]] as const;
    await refused(wasm({ ...complete, imports }), /"pymalloc\.PyObject_Malloc" with another type/);
  });

  test("pointers of 64 bits, a shared memory, several", async () => {
    await refused(
      wasm({ ...complete, memory: [4, 2] }),
      /64 bits, expected 32: build it for wasm32/,
    );
    await refused(wasm({ ...complete, memory: [3, 2, 4] }), /shared between threads/);
    const imports = [...(malloc ?? []), ["env", "other", [2, 0, 1]]] as const;
    await refused(wasm({ ...complete, imports }), /2 memories, expected one|no WebAssembly/);
  });

  test("data at an address that an import says", async () => {
    const imports = [...(malloc ?? []), ["env", "__memory_base", globalImport(i32)]] as const;
    const movable = { ...complete, imports, data: [{ at: globalAt(0), bytes: [1] }] };
    await refused(wasm(movable), /address that an import says.*-shared/);
  });

  test("a table that is imported, where ours have to go into it", async () => {
    const imports = [
      ["pymalloc", "PyMem_SetupDebugHooks", functionImport],
      ["env", "__indirect_function_table", [1, 0x70, 0, 1]],
    ] as const;
    await refused(wasm({ ...complete, imports }), /imports its function table/);
  });

  test("less memory than it needs", async () => {
    const tight = { ...complete, memory: [1, 1, 1], data: [{ at: constant(65000), bytes: [1] }] };
    await refused(wasm(tight), /at most 1 pages of 64 KiB, expected --max-memory to be 2 pages/);
    // Nobody says where it ends, so all of its memory is its own.
    await refused(wasm({ ...complete, memory: [1, 9, 9], data: [] }), /or its end .*__heap_base$/);
  });

  test("Emscripten's, for its JavaScript, with a memory that may grow", async () => {
    const glue = ["env", "emscripten_memcpy_big", functionImport] as const;
    const imports = [...(malloc ?? []), glue];
    await refused(wasm({ ...complete, imports }), /Emscripten's JavaScript.*-sSTANDALONE_WASM/);
    await linkGuest(wasm({ ...complete, imports, memory: [1, 3, 3] }));
  });

  test("one that was linked before", async () => {
    const linked = await linkGuest(wasm(complete));
    await refused(linked, /was linked with pymalloc before/);
  });

  test("another export named memory", async () => {
    const globals = [[i32, 0, ...constant(1)]];
    await refused(
      withExport(wasm({ ...complete, globals }), "memory"),
      /exports "memory", which is no memory/,
    );
  });

  test("a malloc of its own", { skip: reasonToSkip() }, async () => {
    const bytes = buildGuest(["mistakes.c", "allocating.c"], { malloc: false });
    await refused(bytes, /calls sbrk, as a malloc of its own does.*pymalloc_malloc\.c/);
    const flags = ["-Wl,--strip-all"];
    const stripped = buildGuest(["mistakes.c", "allocating.c"], { malloc: false, flags });
    await refused(stripped, /makes its memory longer itself.*pymalloc_malloc\.c/);
  });

  test("damaged bytes: an error that says so, or a guest", async () => {
    const good = wasm({ ...complete, globals: [[i32, 1, ...constant(START + 64)]] });
    const random = numbers(7);
    const outcomes: Record<string, number> = {};
    for (let round = 0; round < (long ? 500 : 150); round++) {
      const bytes = good.slice();
      for (let flips = 1 + random(3); flips > 0; flips--) {
        bytes[random(bytes.length)] = random(256);
      }
      let outcome = "linked";
      try {
        await linkGuest(bytes);
      } catch (error) {
        outcome = (error as Error).name;
        assert.ok(error instanceof LinkError, String(error));
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    assert.ok((outcomes["LinkError"] ?? 0) > 0, JSON.stringify(outcomes));
  });
});
