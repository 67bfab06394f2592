/**
 * The raw domain of a real interpreter, with a hook that comes after pymalloc: it sees every large request, though one large block
 * may wait without it (python/takeover.ts, placeOfFree of python/records.ts; linked in, core/heap/kept.ts reads CPython's record).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { censusModule, instantiate, type PyMemFunctions, unsigned } from "../../base/base.js";
import { countBlocks, type EmscriptenProgram } from "../../hosts/hosts.js";
import { install } from "../../python/install.js";
import { AllocatorTable, Domains, programOf } from "../../python/python.js";
import { placeOfFree, pointersOf, recordOf } from "../../python/records.js";
import { setupDebugHooks } from "../support/link-suite.js";
import { loadLinked } from "../support/linked.js";
import { skipUnlessNewest } from "../support/profile.js";
import { load, type Pyodide, VERSIONS, WORKLOAD } from "../support/pyodide.js";

/** What CPython's regular expressions ask for. */
const STACK = 1069;

const families = ["PyMem", "PyObject"] as const;

/** malloc and free of a family, and what both do in a row. */
function familyOf(program: EmscriptenProgram, name: (typeof families)[number]) {
  const malloc = program.require<(bytes: number) => number>(`${name}_Malloc`);
  const free = program.require<(p: number) => void>(`${name}_Free`);
  const passing = (bytes = STACK) => {
    const p = unsigned(malloc(bytes));
    assert.notEqual(p, 0);
    free(p);
    return p;
  };
  return { malloc, free, passing };
}

interface Census extends PyMemFunctions {
  requests(): number;
  peakBlocks(): number;
}

/** A hook in front of the raw domain, in WebAssembly as CPython's own are, that counts. */
function hookRaw(program: EmscriptenProgram) {
  const { memory, table } = program;
  const allocators = new AllocatorTable(program);
  const before = allocators.get(Domains.raw);
  const imports = { env: { memory, table }, census: { addressInRange: () => 0 } };
  const all = { ...imports, ...pointersOf(before) };
  const census = instantiate(censusModule, all) as unknown as Census;
  allocators.set(Domains.raw, recordOf(program, 0, census));
  return { census, remove: () => allocators.set(Domains.raw, before) };
}

/** Does a block wait after its free? Then it is still one of dlmalloc's that are in use. */
function waits(program: EmscriptenProgram, { malloc, free }: ReturnType<typeof familyOf>): boolean {
  const p = malloc(STACK);
  const before = countBlocks(program);
  free(p);
  return countBlocks(program) === before;
}

for (const name of VERSIONS) {
  const skip = skipUnlessNewest(name);

  test(`${name}: the place of a domain's free is found, and nothing is changed`, {
    skip,
  }, async () => {
    const program = programOf(await load(name), "test");
    const allocators = new AllocatorTable(program);
    for (const domain of Object.values(Domains)) {
      const before = allocators.get(domain);
      const place = placeOfFree(program, domain) as number;
      assert.deepEqual(allocators.get(domain), before);
      const word = () => new Uint32Array(program.memory.buffer)[place / 4];
      assert.equal(word(), before.free);
      allocators.set(domain, { ...before, free: before.free + 1 });
      assert.equal(word(), before.free + 1, "it is the one in force");
      allocators.set(domain, before);
    }
    const places = Object.values(Domains).map((domain) => placeOfFree(program, domain));
    assert.equal(new Set(places).size, 3);
    const withoutRuntime = { ...program, addressOf: () => undefined };
    assert.equal(placeOfFree(withoutRuntime, Domains.raw), undefined);
  });

  const kinds: Record<string, () => Promise<Pyodide>> = {
    installed: async () => {
      const pyodide = await load(name);
      install(pyodide);
      return pyodide;
    },
    "linked in": () => loadLinked(name),
  };
  for (const [kind, start] of Object.entries(kinds)) {
    test(`${name}, ${kind}: a hook on raw sees every large request from then on`, {
      skip,
    }, async () => {
      const pyodide = await start();
      const program = programOf(pyodide, "test");
      for (const prefix of families) {
        const family = familyOf(program, prefix);
        assert.ok(waits(program, family), "without a hook one waits");
        const { census, remove } = hookRaw(program);
        for (let round = 1; round <= 10; round++) {
          family.passing();
          assert.equal(census.requests(), round);
        }
        assert.equal(census.peakBlocks(), 1, "and every free");
        assert.ok(!waits(program, family));
        remove();
        assert.ok(waits(program, family), "without it one waits again");
        assert.equal(census.requests(), 11);
      }
      const { census, remove } = hookRaw(program);
      const expected = "4000 2000 ";
      assert.ok(String(pyodide.runPython(WORKLOAD)).startsWith(expected));
      // Each of the matches that WORKLOAD looks for asks for a stack.
      assert.ok(census.requests() > 1000, `${census.requests()}`);
      remove();
      assert.ok(String(pyodide.runPython(WORKLOAD)).startsWith(expected));
      install(pyodide).validate();
    });

    test(`${name}, ${kind}: CPython's own hooks come while a block waits`, { skip }, async () => {
      const pyodide = await start();
      const program = programOf(pyodide, "test");
      const family = familyOf(program, "PyObject");
      family.passing();
      // The debug hooks would end the program, were they given a block that is none of theirs.
      const remove = setupDebugHooks(program);
      for (let round = 0; round < 10; round++) family.passing(STACK - 12 * (round % 3));
      remove();
      family.passing();
      pyodide.runPython("import tracemalloc; tracemalloc.start()");
      const traced = () =>
        pyodide.runPython("import gc; gc.collect(); tracemalloc.get_traced_memory()[0]") as number;
      const before = traced();
      const blocks = Array.from({ length: 1000 }, () => family.malloc(STACK));
      const grown = traced() - before;
      assert.ok(Math.abs(grown - 1000 * STACK) < 20_000, `${grown}`);
      for (const p of blocks) family.free(p);
      assert.ok(Math.abs(traced() - before) < 20_000);
      assert.ok(!waits(program, family), "tracemalloc is in front of raw as well");
      pyodide.runPython("tracemalloc.stop()");
      assert.ok(waits(program, family));
      assert.match(String(pyodide.runPython(WORKLOAD)), /^4000 2000 /);
      install(pyodide).validate();
    });
  }
}
