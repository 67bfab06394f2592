/** Programs in C with the core linked into them do what they do in a host's heap. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import { Sections, withSection } from "../../link/sections.js";
import {
  buildAssemblyScript,
  buildGuest,
  buildStock,
  expectedReport,
  reasonToSkip,
  root,
} from "../support/guests.js";
import {
  bytesWithoutCustom,
  importsOf,
  LinkedGuest,
  linkedGuest,
} from "../support/linked-guests.js";
import { long } from "../support/profile.js";

const PAGE = 65536;
const domains = ["raw", "mem", "object"] as const;

for (const withPydebug of [false, true]) {
  describe(`a linked guest ${withPydebug ? "with" : "without"} the debug heap`, {
    skip: reasonToSkip(),
  }, () => {
    const linked = (file: string, flags: readonly string[] = []) =>
      linkedGuest([file], { flags }, withPydebug);

    test("objects, types and all families", async () => {
      const guest = await linked("extension.c");
      for (let round = 0; round < 3; round++) {
        assert.equal(guest.textAt(guest.call("run", 1000)), expectedReport);
        guest.validate();
      }
      const imported = importsOf(guest.bytes);
      assert.ok(imported.every((name) => name.startsWith("wasi_snapshot_preview1.")));
      assert.deepEqual(
        imported.sort(),
        importsOf(buildGuest(["extension.c"]))
          .filter((name) => name.startsWith("wasi_"))
          .sort(),
      );
    });

    test("a list of a million objects dies without filling the stack", async () => {
      const guest = await linked("extension.c");
      const n = long ? 1_000_000 : 50_000;
      assert.match(guest.textAt(guest.call("run", n)), new RegExp(` deaths ${n} `));
      guest.validate();
    });

    test("C's malloc keeps C's and POSIX's promises", async () => {
      for (const alignment of [16, 8]) {
        const flags = ["-fno-builtin", `-DPYMALLOC_MALLOC_ALIGNMENT=${alignment}`];
        const bytes = buildGuest(["malloc.c"], { flags });
        assert.equal(importsOf(bytes).includes("pymalloc.malloc_class_bit"), alignment === 16);
        const guest = new LinkedGuest(await linkGuest(bytes, { withPydebug }));
        for (const name of ["plain", "failing", "aligned", "usable", "plain"]) {
          assert.equal(guest.call(name), 0, `${name}: the line of malloc.c that failed`);
          guest.validate();
        }
      }
    });

    test("its blocks are at multiples of 16", async () => {
      const guest = await linked("alignment.c", ["-fno-builtin"]);
      assert.equal(guest.call("alignment"), 0);
      for (const seed of [1, 2, 3]) assert.equal(guest.call("churn", seed, 20_000), 0);
      guest.validate();
    });

    for (const [number, domain] of domains.entries()) {
      test(`an allocator of the domain ${domain} sees the calls, until it is taken away`, async () => {
        const guest = await linked("hooks.c");
        guest.call("hook", number);
        assert.equal(guest.call("is_hooked", number), 1);
        guest.call(`use_${domain}`);
        assert.equal(guest.call("counted", number), 252_1112);
        if (domain === "object") {
          guest.call("use_type");
          assert.equal(guest.call("counted", number), 276_2113, "objects come from it");
        }
        guest.call("unhook", number);
        assert.equal(guest.call("is_hooked", number), 0);
        const counted = guest.call("counted", number);
        guest.call(`use_${domain}`);
        assert.equal(guest.call("counted", number), counted);
        guest.validate();
      });
    }

    test("arenas come from the allocator that is set", async () => {
      const guest = await linkedGuest(["hooks.c", "allocating.c"], {}, withPydebug);
      guest.call("hook_arenas");
      const blocks = Array.from({ length: 2000 }, () => guest.call("take", 100));
      for (const p of blocks) guest.call("give", p);
      const counted = guest.call("unhook_arenas");
      assert.ok(Math.floor(counted / 1000) >= 10, `${counted}: arenas taken and given`);
      if (!withPydebug) assert.ok(counted % 1000 >= Math.floor(counted / 1000) - 2, `${counted}`);
      guest.validate();
    });

    test("an unknown domain is a trap", async () => {
      const guest = await linked("hooks.c");
      assert.throws(() => guest.call("ask_domain", 3), WebAssembly.RuntimeError);
    });

    test("memory that may not grow: NULL, and nothing is lost", async () => {
      const guest = await linked("allocating.c", ["-Wl,--max-memory=1048576"]);
      const blocks: number[] = [];
      for (let p = guest.call("take", 1000); p !== 0; p = guest.call("take", 1000)) blocks.push(p);
      assert.ok(blocks.length > (withPydebug ? 200 : 700), `${blocks.length} blocks`);
      assert.equal(guest.memory.buffer.byteLength, 1 << 20);
      for (const p of blocks) guest.call("give", p);
      guest.validate();
      // What the debug heap holds back comes back where memory is short.
      let again = 0;
      while (guest.call("take", 1000) !== 0) again++;
      assert.ok(again > 0.9 * blocks.length, `${again} blocks`);
    });
  });
}

describe("the place of a linked guest's heap", { skip: reasonToSkip() }, () => {
  const build = (...flags: string[]) => buildGuest(["allocating.c"], { flags });

  async function use(bytes: Uint8Array): Promise<LinkedGuest> {
    const guest = new LinkedGuest(await linkGuest(bytes));
    const blocks = Array.from({ length: 5000 }, (_, i) => guest.call("take", (i * 37) % 700));
    const words = new Uint32Array(guest.memory.buffer);
    for (const [i, p] of blocks.entries()) words[p >>> 2] = i;
    assert.equal(guest.call("calls"), 5000, "its variables are nobody else's");
    for (const [i, p] of blocks.entries()) {
      assert.equal(words[p >>> 2], i);
      guest.call("give", p);
    }
    guest.validate();
    return guest;
  }

  test("the page below the guest's data is heap as well", async () => {
    assert.equal((await use(build())).root, 1024);
    const p = new LinkedGuest(await linkGuest(build())).call("take", 40);
    assert.ok(p > 1024 && p < PAGE, `${p}`);
  });

  test("a guest that begins where programs do: the heap begins behind its stack", async () => {
    const guest = await use(build("-Wl,--global-base=1024", "-Wl,-z,stack-size=131072"));
    assert.ok(guest.root > 131072 && guest.root < 3 * PAGE, `${guest.root}`);
  });

  test("a stack below the data is nobody's but the guest's", async () => {
    const flags = ["-Wl,--stack-first", "-Wl,-z,stack-size=131072"];
    for (const more of [[], ["-Wl,--export=__heap_base"], ["-Wl,--strip-all"]]) {
      const guest = await use(build(...flags, ...more));
      assert.ok(guest.root > 131072, `${guest.root} with ${more}`);
    }
  });

  test("a guest without names, and one with more memory than it needs", async () => {
    assert.equal((await use(build("-Wl,--strip-all"))).root, 1024);
    const guest = await use(build("-Wl,--initial-memory=4194304"));
    assert.equal(guest.memory.buffer.byteLength, 4194304);
  });

  test("a guest without names that exports where its heap begins", async () => {
    const flags = ["-Wl,--strip-all", "-Wl,--initial-memory=4194304", "-Wl,--export=__heap_base"];
    assert.equal((await use(build(...flags))).memory.buffer.byteLength, 4194304);
  });

  test("a memory of its own, and one that it exports by another name", async () => {
    const own = readFlags().filter((flag) => flag !== "-Wl,--import-memory");
    const files = ["allocating.c", `${root}/include/pymalloc_malloc.c`];
    const guest = await use(buildStock(files, [...own, `-I${root}/include`]));
    assert.equal(guest.root, 1024);
  });

  test("AssemblyScript's objects, collected", async () => {
    const flags = ["--importMemory", "--memoryBase", "65536", "--runtime", "./include/pymalloc"];
    const bytes = buildAssemblyScript("words.ts", [
      ...flags,
      "--exportStart",
      "_initialize",
      "-O2",
    ]);
    const abort = () => assert.fail("abort");
    const guest = new LinkedGuest(await linkGuest(bytes), { env: { abort } });
    for (let round = 0; round < 3; round++) {
      assert.equal(guest.call("count", 8000), 8000 + 800);
      guest.call("collect");
      guest.validate();
    }
  });
});

function readFlags(): string[] {
  return readFileSync(`${root}/include/guest.flags`, "utf8").trim().split("\n");
}

describe("what a guest has", { skip: reasonToSkip() }, () => {
  test("its features stay, and what would be wrong of it goes", async () => {
    const custom = (name: string) => [name.length, ...new TextEncoder().encode(name), 1, 2, 3];
    let bytes: Uint8Array = buildGuest(["allocating.c"], { flags: ["-msimd128", "-g"] });
    for (const name of ["sourceMappingURL", "external_debug_info", "mine"]) {
      bytes = withSection(bytes, Sections.custom, custom(name));
    }
    const linked = await linkGuest(bytes);
    const module = new WebAssembly.Module(linked as BufferSource);
    const sections = (name: string) => WebAssembly.Module.customSections(module, name).length;
    for (const name of ["sourceMappingURL", "external_debug_info", ".debug_info"]) {
      assert.equal(sections(name), 0, name);
    }
    for (const name of ["mine", "name", "producers"]) assert.equal(sections(name), 1, name);
    const [features] = WebAssembly.Module.customSections(module, "target_features");
    const text = new TextDecoder("latin1").decode(features);
    for (const name of ["simd128", "bulk-memory"]) assert.ok(text.includes(name), name);
  });
});

describe("what linking adds", { skip: reasonToSkip() }, () => {
  let guest: Uint8Array;
  let linked: Uint8Array;

  before(async () => {
    guest = buildGuest(["allocating.c"]);
    linked = await linkGuest(guest);
  });

  test("less than 10,000 bytes, names apart, to a guest that only uses malloc", () => {
    const added = bytesWithoutCustom(linked) - bytesWithoutCustom(guest);
    assert.ok(added < 10_000, `${added} bytes`);
  });

  test("no import, and the same exports with the memory's", () => {
    assert.deepEqual(importsOf(linked), []);
    const names = (bytes: Uint8Array) =>
      WebAssembly.Module.exports(new WebAssembly.Module(bytes as BufferSource)).map((e) => e.name);
    assert.deepEqual(names(linked).sort(), [...names(guest), "memory", "pymalloc_root"].sort());
  });

  test("names where the guest has them, for the stack of a trap", async () => {
    const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
    assert.ok(text(linked).includes("core/heap/pools/settle"));
    const stripped = await linkGuest(buildGuest(["allocating.c"], { flags: ["-Wl,--strip-all"] }));
    assert.ok(!text(stripped).includes("core/heap"));
    const trapping = await linkedGuest(["mistakes.c"], { malloc: false }, true);
    let stack = "";
    try {
      trapping.call("double_free");
    } catch (error) {
      stack = (error as Error).stack ?? "";
    }
    assert.match(stack, /at double_free \(wasm:/);
  });
});
