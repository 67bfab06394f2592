/** Rust with include/rust as its global allocator: the same numbers as on Rust's own, and its mistakes are named. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import {
  buildObject,
  type Exports,
  exportsOf,
  include,
  reasonToSkip,
  root,
  wasi,
} from "../support/guests.js";
import { assertBalanced, pooledHeap, poolOf } from "../support/heaps.js";
import { LinkedGuest } from "../support/linked-guests.js";
import { debugHeap, debugModes, faultOf } from "../support/mistakes.js";
import { buildRust, checkRustText, reasonToSkipRust, runCommand } from "../support/rust.js";

const words = ["default", "pymalloc", "malloc", "debug", "pymalloc_debug", "malloc_debug"] as const;

/** Bytes. */
const MOST_MEMORY = 1 << 25;

/** The functions of rust.rs that do something wrong, and what the fault says: kind, size, call. */
const mistakes = {
  double_free: ["double-free", 24, "PyObject_Free"],
  overflow: ["buffer-overflow", 21, "PyObject_Free"],
  overflow_aligned: ["buffer-overflow", 48, "PyObject_Free"],
  underflow: ["buffer-underflow", 21, "PyObject_Free"],
  write_after_free: ["use-after-free-write", 8, "quarantine"],
  invalid_pointer: ["invalid-pointer", 40, "PyObject_Free"],
} as const;

test("the crate has the package's version", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const manifest = readFileSync(join(include, "rust/Cargo.toml"), "utf8");
  assert.equal(manifest.match(/^version = "(.*)"$/m)?.[1], version);
});

describe("a guest in Rust", { skip: reasonToSkipRust(), timeout: 300_000 }, () => {
  let guest: Uint8Array<ArrayBuffer>;
  /** The checksums on Rust's own allocator. */
  let expected: readonly number[];

  /** What the program says of its allocator. */
  function assertGood({ run, model, promises, refusals }: Exports): void {
    assert.deepEqual([run?.(3), model?.(1, 5000)], expected);
    assert.equal(promises?.(), 0, "100 * the size + the alignment's power of two");
    assert.equal(refusals?.(), 0, "the alignment");
  }

  before(() => {
    // What there is no memory for has an end, in a heap and linked.
    const linkArgs = [`--max-memory=${MOST_MEMORY}`];
    guest = buildRust("rust.rs", { allocator: "hosted", optimized: "each", linkArgs });
    const bytes = buildRust("rust.rs", { allocator: "stock", optimized: "none" });
    const stock = new WebAssembly.Module(bytes);
    assert.deepEqual(WebAssembly.Module.imports(stock), [], "on its own allocator");
    const { run, model, promises } = exportsOf(new WebAssembly.Instance(stock));
    expected = [run?.(3) as number, model?.(1, 5000) as number];
    assert.notEqual(expected[1], 0);
    assert.equal(promises?.(), 0);
  });

  test("the README's example compiles", () => {
    const [, example] = /```rust\n(.*?)```/s.exec(
      readFileSync(join(include, "rust/README.md"), "utf8"),
    ) as RegExpExecArray;
    for (const target of ["wasm32-unknown-unknown", "wasm32-wasi"] as const) {
      checkRustText(example as string, target);
    }
  });

  for (const malloc of words) {
    test(`it gives the same numbers in a heap, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc, maximumBytes: MOST_MEMORY });
      assertGood(exportsOf(heap.instantiate(guest)));
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0);
      if (malloc === "pymalloc") assertBalanced(heap, 0);
    });
  }

  for (const malloc of debugModes) {
    test(`what unsafe code does wrong is named, malloc: "${malloc}"`, () => {
      for (const [name, said] of Object.entries(mistakes)) {
        const heap = debugHeap({ malloc, stacks: true, maximumBytes: MOST_MEMORY });
        const call = exportsOf(heap.instantiate(guest))[name];
        const fault = faultOf(() => call?.());
        assert.deepEqual([fault.kind, fault.size, fault.call], said, name);
        const inGuest = new RegExp(`at ${name} \\(wasm:`);
        assert.match(fault.stack ?? "", inGuest, "where it was found");
        assert.match(fault.allocationStack ?? "", inGuest, "where the block was allocated");
      }
    });
  }

  for (const withPydebug of [false, true]) {
    test(`it gives the same numbers when it is linked, withPydebug: ${withPydebug}`, async () => {
      const linked = await linkGuest(guest, { withPydebug });
      const module = new WebAssembly.Module(linked as BufferSource);
      assert.deepEqual(WebAssembly.Module.imports(module), [], "it needs no host");
      const instance = new LinkedGuest(linked);
      assertGood(instance.exports);
      instance.validate();
      if (!withPydebug) return;
      for (const [name, [kind, size, call]] of Object.entries(mistakes)) {
        const instance = new LinkedGuest(linked);
        assert.equal(instance.report(), "");
        assert.throws(() => instance.call(name), WebAssembly.RuntimeError);
        const said = `^PyMemError: ${kind}: ${call}.* block of ${size} bytes at 0x`;
        assert.match(instance.report(), new RegExp(said));
      }
    });
  }

  test("for WASI it is a guest as well, and gives the C library its malloc", () => {
    const build = { target: "wasm32-wasi", optimized: "none" } as const;
    const bytes = buildRust("rust.rs", { allocator: "hosted", ...build });
    const heap = pooledHeap();
    const given: Record<string, (...args: number[]) => number> = {
      // Of numbers by chance it only wants that there are some.
      random_get: () => 0,
      environ_sizes_get: (count = 0, bytes = 0) => {
        heap.u32[count / 4] = heap.u32[bytes / 4] = 0;
        return 0;
      },
    };
    const imports = new Proxy(wasi, {
      get: (others, name) => given[String(name)] ?? Reflect.get(others, name),
    });
    const exports = exportsOf(heap.instantiate(bytes, { wasi_snapshot_preview1: imports }));
    assert.deepEqual([exports["run"]?.(3), exports["model"]?.(1, 5000)], expected);
    const p = exports["malloc"]?.(100) as number;
    assert.equal(poolOf(heap, p) !== 0, true, "in a pool of ours");
    exports["free"]?.(p);
    assert.equal(exports["aligned_alloc"]?.(32, 64), 0, "what free() could not know");
    heap.validate();
  });
});

describe("a program with a main in Rust, and C code in it", {
  skip: reasonToSkipRust() || reasonToSkip(),
  timeout: 300_000,
}, () => {
  let toLink: Uint8Array<ArrayBuffer>;
  let expected: string;

  before(() => {
    const c = buildObject("mixed.c", ["-fno-lto", "-fno-builtin"]);
    const target = "wasm32-wasi" as const;
    const build = { target, command: true, optimized: "none", linkArgs: [c] } as const;
    toLink = buildRust("command.rs", { allocator: "linked", ...build });
    expected = runCommand(buildRust("command.rs", { allocator: "stock", ...build }), "an argument");
    const read =
      /^\d+ \d+ 99500\nC 0 0\n\["program", "an argument"\] \["NAME=value"\] Ok\("A TEXT"\)\n$/;
    assert.match(expected, read);
  });

  for (const withPydebug of [false, true]) {
    test(`it prints the same when it is linked, withPydebug: ${withPydebug}`, async () => {
      const linked = await linkGuest(toLink, { withPydebug });
      assert.equal(runCommand(linked, "an argument"), expected);
      if (!withPydebug) return;
      const failed = (kind: string, size: number) => (error: { stderr: string }) => {
        const said = `^PyMemError: ${kind}: PyObject_Free.* block of ${size} bytes at 0x`;
        assert.match(error.stderr, new RegExp(said, "m"));
        assert.match(error.stderr, new RegExp(`\n {4}${size} bytes originally requested\n`));
        return true;
      };
      assert.throws(() => runCommand(linked, "double_free"), failed("double-free", 24));
      assert.throws(() => runCommand(linked, "c_overflow"), failed("buffer-overflow", 17));
    });
  }
});
