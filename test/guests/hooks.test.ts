/** Guests that set allocators, and guests that a heap can't take. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { createHeap, type Heap } from "../../src/index.js";
import {
  buildGuest,
  buildStock,
  type Exports,
  exportsOf,
  reasonToSkip,
  wasi,
} from "../support/guests.js";
import { assertBalanced, pooledHeap } from "../support/heaps.js";
import { faultOf } from "../support/mistakes.js";

const domains = ["raw", "mem", "object"] as const;

describe("a guest's hooks", { skip: reasonToSkip() }, () => {
  let bytes: Uint8Array<ArrayBuffer>;

  before(() => {
    bytes = buildGuest(["hooks.c"]);
  });

  function hooked(heap: Heap): Exports {
    return exportsOf(heap.instantiate(bytes));
  }

  for (const [number, domain] of domains.entries()) {
    test(`an allocator of the domain ${domain} sees the guest's calls and JavaScript's, until it is taken away`, () => {
      const heap = pooledHeap();
      const guest = hooked(heap);
      const unhooked = heap[domain].malloc;
      guest["hook"]?.(number);
      assert.equal(guest["is_hooked"]?.(number), 1);
      guest[`use_${domain}`]?.();
      // Bytes: 42, 10 and 200; a malloc, a calloc, a realloc and two frees.
      assert.equal(guest["counted"]?.(number), 252_1112);
      heap[domain].free(heap[domain].malloc(8));
      assert.equal(guest["counted"]?.(number), 260_2113);
      guest["unhook"]?.(number);
      guest[`use_${domain}`]?.();
      assert.equal(guest["is_hooked"]?.(number), 0);
      assert.equal(guest["counted"]?.(number), 260_2113);
      assert.equal(heap[domain].malloc, unhooked, "the unhooked function itself is back");
      assertBalanced(heap, 0);
    });
  }

  test("an allocator that JavaScript set is called through the pointers that the guest gets", () => {
    const heap = pooledHeap();
    const guest = hooked(heap);
    const { ctx: _ctx, ...below } = heap.getAllocator("object");
    const sizes: number[] = [];
    heap.setAllocator("object", {
      ...below,
      ctx: 7,
      malloc: (ctx, bytes) => {
        sizes.push(ctx as number, bytes);
        return below.malloc(null, bytes);
      },
    });
    guest["hook"]?.(2);
    guest["use_object"]?.();
    assert.deepEqual(sizes, [7, 42]);
    assert.equal(guest["counted"]?.(2), 252_1112);
    assertBalanced(heap, 0);
  });

  test("the guest's function table does not grow with the allocators that it asks for", () => {
    const heap = pooledHeap();
    const instance = heap.instantiate(bytes);
    const guest = exportsOf(instance);
    const table = instance.exports["__indirect_function_table"] as WebAssembly.Table;
    const { length } = table;
    const below = heap.getAllocator("object");
    for (let round = 0; round < 200; round++) {
      let seen = 0;
      heap.setAllocator("object", {
        ...below,
        malloc: (ctx, n) => {
          seen = n;
          return below.malloc(ctx, n);
        },
      });
      for (const domain of [0, 1, 2]) {
        guest["hook"]?.(domain);
        guest[`use_${domains[domain]}`]?.();
        guest["unhook"]?.(domain);
      }
      assert.equal(seen, 42, "the record of this round is the one that is called");
      guest["hook_arenas"]?.();
      guest["unhook_arenas"]?.();
    }
    assert.equal(table.length, length + 5);
    heap.setAllocator("object", below);
    assertBalanced(heap, 0);
  });

  test("a context that did not come with our functions is refused by name", () => {
    const heap = pooledHeap();
    const guest = exportsOf(heap.instantiate(bytes));
    guest["hook"]?.(2);
    assert.throws(() => guest["set_mixed"]?.(), {
      name: "TypeError",
      message: /^PyMemAllocatorEx: ctx is \d+, expected the one that came with the functions$/,
    });
  });

  test("objects come from the allocator that is set", () => {
    const heap = pooledHeap();
    const guest = hooked(heap);
    guest["hook"]?.(2);
    guest["use_type"]?.();
    assert.equal(guest["counted"]?.(2), 24_1001);
    assertBalanced(heap, 0);
  });

  test("arenas come from the guest's allocator, and go back to it", () => {
    const heap = pooledHeap();
    const guest = hooked(heap);
    guest["hook_arenas"]?.();
    const blocks = Array.from({ length: 2000 }, () => heap.object.malloc(100));
    for (const p of blocks) heap.object.free(p);
    const counted = guest["unhook_arenas"]?.() as number;
    const [taken, given] = [Math.floor(counted / 1000), counted % 1000];
    assert.ok(taken >= 10, `${taken} arenas were taken`);
    assert.ok(given >= taken - 2 && given <= taken, `${given} of ${taken} were given back`);
    assertBalanced(heap, 0);
  });

  test("a guest switches the debug hooks on, and has them itself", () => {
    const heap = pooledHeap();
    const guest = hooked(heap);
    guest["free_wrongly"]?.();
    guest["setup_debug_hooks"]?.();
    assert.equal(faultOf(() => guest["free_wrongly"]?.()).kind, "wrong-family");
  });

  test("pointers to nothing and domains that don't exist are refused by name", () => {
    const guest = hooked(pooledHeap());
    assert.throws(() => guest["set_nothing"]?.(), {
      name: "TypeError",
      message: "PyMem_SetAllocator: malloc: the pointer is 0, expected one to a function",
    });
    assert.throws(() => guest["ask_domain"]?.(3), {
      name: "TypeError",
      message: "PyMem_GetAllocator: domain is 3, expected raw, mem or object, or 0, 1 or 2",
    });
  });
});

describe("guests that a heap can't take", { skip: reasonToSkip() }, () => {
  function refusal(heap: Heap, bytes: BufferSource, imports?: WebAssembly.Imports): string {
    try {
      heap.instantiate(bytes, imports);
    } catch (error) {
      assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
      return error.message;
    }
    assert.fail("the guest was taken");
  }

  const allocating = "allocating.c";

  test("a memory of its own", () => {
    const message = refusal(pooledHeap(), buildStock(["allocating.c"]));
    assert.match(message, /the guest has a memory of its own, .*-Wl,--import-memory$/);
  });

  test("a malloc of its own", () => {
    const message = refusal(pooledHeap(), buildGuest([allocating], { malloc: false }));
    assert.match(message, /calls sbrk, as a malloc of its own does.*pymalloc_malloc\.c/);
  });

  test("pointers of 64 bits", () => {
    // (module (import "env" "memory" (memory i64 1))), for which Node 20 has no support.
    const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 15, 1, 3, 0x65, 0x6e, 0x76, 6];
    bytes.push(0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 4, 1);
    const message = refusal(pooledHeap(), new Uint8Array(bytes));
    assert.match(message, /pointers have 64 bits, expected 32: build it for wasm32/);
  });

  test("a memory that is shared", () => {
    // (module (import "env" "memory" (memory 1 1 shared)))
    const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 16, 1, 3, 0x65, 0x6e, 0x76, 6];
    bytes.push(0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 3, 1, 1);
    assert.match(refusal(pooledHeap(), new Uint8Array(bytes)), /shared between threads/);
  });

  test("no data that shows where it lies", () => {
    const flags = ["--target=wasm32", "-nostdlib", "-Wl,--no-entry", "-fno-lto"];
    const bytes = buildGuest(["no-data.c"], { flags, malloc: false });
    assert.match(refusal(pooledHeap(), bytes), /no data that shows where it lies.*pymalloc\.h/);
    const included = buildGuest(["no-data.c"], {
      flags: [...flags, "-include", "pymalloc.h"],
      malloc: false,
    });
    assert.equal(exportsOf(pooledHeap().instantiate(included))["run"]?.(), 50);
  });

  test("data where the heap is", () => {
    const early = buildGuest([allocating], { flags: ["-Wl,--global-base=1024"] });
    const first = refusal(pooledHeap(), early);
    assert.match(first, /data begins at 1024, expected 65536 or more.*--global-base=65536/);
    const heap = pooledHeap();
    const bytes = buildGuest([allocating]);
    heap.instantiate(bytes);
    assert.match(refusal(heap, bytes), /data begins at 65536, expected \d+ or more/);
  });

  test("two guests, each at its place, share a heap", () => {
    const heap = pooledHeap();
    const one = exportsOf(heap.instantiate(buildGuest([allocating])));
    const base = heap.memory.buffer.byteLength;
    const two = exportsOf(
      heap.instantiate(buildGuest([allocating], { flags: [`-Wl,--global-base=${base}`] })),
    );
    const p = one["take"]?.(100) as number;
    two["give"]?.(p);
    assert.deepEqual([one["calls"]?.(), two["calls"]?.()], [1, 1], "variables of their own");
    assertBalanced(heap, 0);
  });

  test("a stack below the data, with no room for it behind what the heap uses", () => {
    const build = (bytes: number, ...more: string[]) => {
      const flags = ["-Wl,--stack-first", `-Wl,-z,stack-size=${bytes}`, ...more];
      return buildGuest([allocating], { flags });
    };
    const expected = /stack reaches from 65536 down.*at 131072 or more.*-z stack-size=131072/;
    assert.match(refusal(pooledHeap(), build(65536)), expected);
    assert.match(refusal(pooledHeap(), build(65536, "-Wl,--strip-all")), expected);
    const used = pooledHeap();
    used.raw.malloc(100_000);
    assert.match(refusal(used, build(131072)), /stack reaches from 131072 down.*at \d+ or more/);
    const heap = pooledHeap();
    const { take, give } = exportsOf(heap.instantiate(build(131072)));
    give?.(take?.(100) as number);
    assertBalanced(heap, 0);
  });

  test("less memory than the heap may have, or more than it can", () => {
    const small = buildGuest([allocating], { flags: ["-Wl,--max-memory=1048576"] });
    assert.match(
      refusal(pooledHeap(), small),
      /at most 1048576 bytes, the heap's up to 2147483648/,
    );
    pooledHeap({ maximumBytes: 1 << 20 }).instantiate(small);
    const large = buildGuest([allocating], { flags: ["-Wl,-z,stack-size=1048576"] });
    assert.match(
      refusal(pooledHeap({ maximumBytes: 1 << 20 }), large),
      /needs 1179648 bytes, expected at most 1048576/,
    );
  });

  test("imports that nobody has", () => {
    const bytes = buildGuest(["extension.c"]);
    assert.match(
      refusal(pooledHeap(), bytes),
      /imports "wasi_snapshot_preview1\.\w+", expected it in `imports`/,
    );
    const unknown = buildGuest(["unknown.c"]);
    assert.match(
      refusal(pooledHeap(), unknown),
      /"pymalloc\.PyMem_Frobnicate", expected a function of pymalloc\.h/,
    );
  });

  test("a heap in someone else's memory", () => {
    const own = createHeap();
    const heap = createHeap({ memory: own.memory, system: own.raw });
    assert.match(refusal(heap, buildGuest([allocating])), /memory is someone else's/);
  });

  test("what is no guest at all", () => {
    const heap = pooledHeap();
    assert.match(
      // @ts-expect-error: not a binary
      refusal(heap, "guest.wasm"),
      /bytes is "guest\.wasm", expected the guest's binary/,
    );
    // @ts-expect-error: not imports
    assert.match(refusal(heap, new Uint8Array(8), 1), /imports is 1, expected an object/);
    assert.match(
      refusal(heap, new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
      /the guest has no memory/,
    );
    assert.throws(() => heap.instantiate(new Uint8Array(100)), WebAssembly.CompileError);
  });

  test("function tables that are not exported, or can't grow", () => {
    const bytes = buildGuest(["hooks.c"]);
    const heap = pooledHeap();
    const hidden = buildGuest(["hooks.c"], { flags: ["-Wl,--strip-all"] });
    assert.equal(exportsOf(heap.instantiate(hidden))["counted"]?.(0), 0, "names are not needed");
    const { pymalloc } = pooledHeap().imports() as {
      pymalloc: Record<string, (...args: number[]) => void>;
    };
    assert.throws(
      () => pymalloc["PyMem_GetAllocator"]?.(1, 64),
      /function table is not known.*--export-table/,
    );
    const fixed = new WebAssembly.Table({ initial: 1, maximum: 1, element: "anyfunc" });
    const { pymalloc: full } = pooledHeap().imports(() => fixed) as { pymalloc: typeof pymalloc };
    assert.throws(() => full["PyMem_GetAllocator"]?.(1, 64), /table can't grow.*--growable-table/);
    assert.ok(bytes.length > hidden.length);
  });

  test("a memory that was there before, as long as nobody used it", () => {
    const heap = pooledHeap({ initialBytes: 1 << 20 });
    const { take, give } = exportsOf(
      heap.instantiate(buildGuest([allocating]), { wasi_snapshot_preview1: wasi }),
    );
    give?.(take?.(500_000) as number);
    assert.equal(heap.memory.buffer.byteLength, 1 << 20);
    assertBalanced(heap, 0);
  });
});
