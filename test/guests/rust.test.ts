/** Rust with include/rust as its global allocator: the same numbers as on Rust's own, and its mistakes are named. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import { exportsOf, include, root, wasi } from "../support/guests.js";
import { assertBalanced, pooledHeap, poolOf } from "../support/heaps.js";
import { LinkedGuest } from "../support/linked-guests.js";
import { debugHeap, debugModes, faultOf } from "../support/mistakes.js";
import { buildRust, reasonToSkipRust, runCommand } from "../support/rust.js";

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
  let hosted: Uint8Array<ArrayBuffer>;
  let toLink: Uint8Array<ArrayBuffer>;
  let expected: number;

  before(() => {
    hosted = buildRust("rust.rs", { allocator: "hosted" });
    // What there is no memory for has an end, as in a heap below.
    const linkArgs = [`--max-memory=${MOST_MEMORY}`];
    toLink = buildRust("rust.rs", { allocator: "linked", lto: false, linkArgs });
    const stock = new WebAssembly.Module(buildRust("rust.rs", { allocator: "stock", lto: false }));
    assert.deepEqual(WebAssembly.Module.imports(stock), [], "on its own allocator");
    const guest = exportsOf(new WebAssembly.Instance(stock));
    expected = guest["run"]?.(3) as number;
    assert.equal(guest["promises"]?.(), 0);
  });

  for (const malloc of words) {
    test(`it gives the same numbers in a heap, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc, maximumBytes: MOST_MEMORY });
      const guest = exportsOf(heap.instantiate(hosted));
      assert.equal(guest["run"]?.(3), expected);
      assert.equal(guest["promises"]?.(), 0, "100 * the size + the alignment's power of two");
      assert.equal(guest["refusals"]?.(), 0, "the alignment");
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0);
      if (malloc === "pymalloc") assertBalanced(heap, 0);
    });
  }

  for (const withPydebug of [false, true]) {
    test(`it gives the same numbers when it is linked, withPydebug: ${withPydebug}`, async () => {
      const linked = await linkGuest(toLink, { withPydebug });
      const module = new WebAssembly.Module(linked as BufferSource);
      assert.deepEqual(WebAssembly.Module.imports(module), [], "it needs no host");
      const guest = new LinkedGuest(linked);
      assert.equal(guest.call("run", 3), expected);
      assert.equal(guest.call("promises"), 0, "100 * the size + the alignment's power of two");
      assert.equal(guest.call("refusals"), 0, "the alignment");
      guest.validate();
    });
  }

  for (const malloc of debugModes) {
    test(`what unsafe code does wrong is named, malloc: "${malloc}"`, () => {
      for (const [name, said] of Object.entries(mistakes)) {
        const heap = debugHeap({ malloc, stacks: true });
        const call = exportsOf(heap.instantiate(hosted))[name];
        const fault = faultOf(() => call?.());
        assert.deepEqual([fault.kind, fault.size, fault.call], said, name);
        const inGuest = new RegExp(`at ${name} \\(wasm:`);
        assert.match(fault.stack ?? "", inGuest, "where it was found");
        assert.match(fault.allocationStack ?? "", inGuest, "where the block was allocated");
      }
    });
  }

  test("what unsafe code does wrong is named when it is linked --with-pydebug", async () => {
    const linked = await linkGuest(toLink, { withPydebug: true });
    for (const [name, [kind, size, call]] of Object.entries(mistakes)) {
      const guest = new LinkedGuest(linked);
      assert.equal(guest.report(), "");
      assert.throws(() => guest.call(name), WebAssembly.RuntimeError);
      const said = `^PyMemError: ${kind}: ${call}.* block of ${size} bytes at 0x`;
      assert.match(guest.report(), new RegExp(said));
    }
  });

  test("for WASI it is a guest as well, and gives the C library its malloc", () => {
    const bytes = buildRust("rust.rs", { allocator: "hosted", target: "wasm32-wasi", lto: false });
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
    const guest = exportsOf(heap.instantiate(bytes, { wasi_snapshot_preview1: imports }));
    assert.equal(guest["run"]?.(3), expected);
    assert.equal(guest["promises"]?.(), 0);
    const p = guest["malloc"]?.(100) as number;
    assert.equal(poolOf(heap, p) !== 0, true, "in a pool of ours");
    guest["free"]?.(p);
    assert.equal(guest["aligned_alloc"]?.(32, 64), 0, "what free() could not know");
    heap.validate();
  });
});

describe("a program with a main in Rust", { skip: reasonToSkipRust(), timeout: 300_000 }, () => {
  let toLink: Uint8Array<ArrayBuffer>;
  let expected: string;

  before(() => {
    const build = { target: "wasm32-wasi", command: true, lto: false } as const;
    toLink = buildRust("command.rs", { allocator: "linked", ...build });
    expected = runCommand(buildRust("command.rs", { allocator: "stock", ...build }), "an argument");
    const read = /^\d+\n\["program", "an argument"\] \["NAME=value"\] Ok\("A TEXT"\)\n$/;
    assert.match(expected, read);
  });

  for (const withPydebug of [false, true]) {
    test(`it prints the same when it is linked, withPydebug: ${withPydebug}`, async () => {
      const linked = await linkGuest(toLink, { withPydebug });
      assert.equal(runCommand(linked, "an argument"), expected);
      if (!withPydebug) return;
      const failed = ({ stderr }: { stderr: string }) => {
        assert.match(stderr, /^PyMemError: double-free: PyObject_Free.* block of 24 bytes at 0x/m);
        assert.match(stderr, /\n {4}24 bytes originally requested\n/);
        return true;
      };
      assert.throws(() => runCommand(linked, "double_free"), failed);
    });
  }
});
