/** C's malloc on a heap of ours: its promises, a large library on it, and AssemblyScript's allocator. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import {
  buildAssemblyScript,
  buildGuest,
  buildStock,
  exportsOf,
  newPath,
  reasonToSkip,
  textAt,
  wasi,
} from "../support/guests.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { debugHeap, faultOf } from "../support/mistakes.js";
import { long } from "../support/profile.js";

const modes = ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const;

describe("C's malloc", { skip: reasonToSkip() }, () => {
  let bytes: Uint8Array<ArrayBuffer>;

  before(() => {
    // The compiler believes that its own malloc leaves errno alone.
    bytes = buildGuest(["malloc.c"], { flags: ["-fno-builtin"] });
  });

  for (const malloc of modes) {
    test(`it keeps C's and POSIX's promises, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc, maximumBytes: 1 << 24 });
      const guest = exportsOf(heap.instantiate(bytes));
      for (const name of ["plain", "failing", "aligned", "usable", "plain"]) {
        assert.equal(
          guest[name]?.(),
          0,
          `${name}: the line of test/guests/programs/malloc.c that failed`,
        );
        heap.validate();
        assert.equal(heap.getAllocatedBlocks(), 0, name);
      }
    });
  }

  test("a debug heap names what is wrong with an aligned block as well", () => {
    const { twice } = exportsOf(debugHeap().instantiate(bytes));
    assert.equal(faultOf(() => twice?.()).kind, "invalid-pointer");
  });
});

describe("SQLite", { skip: reasonToSkip() }, () => {
  const source = dirname(
    createRequire(import.meta.url).resolve("@commapp/sqlcipher-amalgamation/package.json"),
  );
  const include = join(source, "src");
  const object = newPath(".o");
  // It asks malloc how long its blocks are, so that its own books depend on ours.
  const defines = [
    ...[
      "SQLITE_OS_OTHER=1",
      "SQLITE_THREADSAFE=0",
      "SQLITE_OMIT_LOAD_EXTENSION",
      "SQLITE_OMIT_WAL",
    ],
    ...["SQLITE_TEMP_STORE=3", "SQLITE_USE_MALLOC_H", "HAVE_MALLOC_H", "HAVE_MALLOC_USABLE_SIZE"],
  ].map((name) => `-D${name}`);

  test("it answers the same on our malloc as on wasi-libc's, and a debug heap finds no mistake in it", () => {
    // Optimized it takes ten times as long to compile, and asks for the same blocks.
    const flags = ["--target=wasm32-wasi", long ? "-O1" : "-O0", "-w", "-c", ...defines];
    execFileSync("clang", [...flags, join(include, "sqlite3.c"), "-o", object], {
      stdio: "inherit",
    });
    const files = ["sqlite.c", object];
    const imports = { wasi_snapshot_preview1: wasi };

    const module = new WebAssembly.Module(buildStock(files, [`-I${include}`]));
    const stock = new WebAssembly.Instance(module, imports);
    const { _initialize, run } = exportsOf(stock);
    _initialize?.();
    const start = run?.() as number;
    const bytes = new Uint8Array((stock.exports["memory"] as WebAssembly.Memory).buffer);
    const expected = new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
    assert.match(expected, /^20000\|\d+\|/);
    assert.match(expected, /error: incomplete input\n$/);
    assert.equal(expected.match(/error/g)?.length, 1, "all but the last statement are right");
    assert.ok(expected.length > 50_000, `${expected.length} letters`);

    const guest = buildGuest(files, { flags: [`-I${include}`] });
    for (const malloc of modes) {
      const heap = pooledHeap({ malloc });
      const { run, done } = exportsOf(heap.instantiate(guest, imports));
      for (let round = 0; round < 2; round++) {
        const answer = run?.() as number;
        assert.equal(textAt(heap, answer), expected, malloc);
        done?.(answer);
      }
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0, malloc);
    }
  });
});

interface Blocks {
  readonly live: number;
  readonly collected: number;
}

describe("AssemblyScript", () => {
  const flags = [
    ...["--importMemory", "--memoryBase", "65536", "--runtime", "./include/pymalloc"],
    ...["--exportStart", "_initialize", "-O2"],
  ];
  let bytes: Uint8Array<ArrayBuffer>;
  before(() => {
    bytes = buildAssemblyScript("words.ts", flags);
  });

  for (const malloc of modes) {
    test(`its objects live in our pools and are collected, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc });
      let aborted = "";
      const abort = (message: number) => {
        aborted = `abort at ${message}`;
      };
      const { count, collect } = exportsOf(heap.instantiate(bytes, { env: { abort } }));
      const blocks: Blocks[] = [];
      for (let round = 0; round < 4; round++) {
        // So many words that they alone are more than is asked for below: what else lives is the collector's affair.
        assert.equal(count?.(8000), 8000 + 800);
        const live = heap.getAllocatedBlocks();
        collect?.();
        collect?.();
        heap.validate();
        blocks.push({ live, collected: heap.getAllocatedBlocks() });
      }
      assert.equal(aborted, "");
      if (malloc.startsWith("pymalloc")) {
        for (const { live, collected } of blocks) {
          assert.ok(live > 8000, `${live} blocks while the words live`);
          // AssemblyScript takes what lies below its own data for static: at most so many of 32 bytes.
          assert.ok(collected < 65536 / 32, `${collected} blocks after collecting`);
        }
      }
      if (malloc === "pymalloc") assertBalanced(heap, heap.getAllocatedBlocks());
    });
  }
});
