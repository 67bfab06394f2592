/**
 * The two that write a report, TypeScript and the WebAssembly that is linked into programs, write the same text, byte for
 * byte, whatever was found: random programs are made to do every kind of wrong to every kind of block.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesAt, debugLayout as L, ledgerOf, loadWord } from "../../base/base.js";
import { faultError } from "../../src/debug/faults.js";
import { reportTexts } from "../../src/debug/report-texts.js";
import { createHeap, type Heap, type PyMemError } from "../../src/index.js";
import { numbers, poolOf } from "../support/heaps.js";
import { debugModes, type Family, families } from "../support/mistakes.js";
import { compiledWith } from "../support/policies.js";
import { long } from "../support/profile.js";

const STEPS = long ? 20_000 : 4000;

const module = await compiledWith("report", {});

/** What becomes of a fault of a heap in WebAssembly. */
class Reporter {
  readonly #report: () => void;
  readonly #buffer: number;
  readonly #heap: Heap;
  readonly memory: WebAssembly.Memory;
  readonly ledger: number;
  #text = "";
  ends = 0;

  constructor(heap: Heap, ledger: number) {
    this.#heap = heap;
    this.memory = heap.memory;
    this.ledger = ledger;
    const addresses: Record<string, number> = {};
    for (const [name, text] of Object.entries(reportTexts())) {
      const bytes = new TextEncoder().encode(`${text}\0`);
      addresses[name] = heap.raw.malloc(bytes.length);
      heap.u8.set(bytes, addresses[name]);
    }
    this.#buffer = heap.raw.malloc(4096);
    heap.u8.fill(0xee, this.#buffer, this.#buffer + 4096);
    const imports = {
      ...addresses,
      reportBuffer: this.#buffer,
      poolOf: (p: number) => poolOf(heap, p >>> 0),
      writeReport: (at: number, bytes: number) => {
        this.#text = new TextDecoder().decode(heap.u8.slice(at, at + bytes));
        assert.equal(heap.u8[at + bytes], 0, "a 0 is behind it");
      },
      endProgram: () => this.ends++,
    };
    const all = { env: { memory: heap.memory }, "debug-host": { root: ledger } };
    const instance = new WebAssembly.Instance(module, { ...all, "report-host": imports });
    this.#report = instance.exports["reportFault"] as () => void;
  }

  /** The text, whose writing has changed nothing else in the memory. */
  report(): string {
    const [buffer, end] = [this.#buffer, this.#buffer + 2048];
    const before = this.#heap.u8.slice();
    this.#report();
    const after = this.#heap.u8.slice();
    before.fill(0, buffer, end);
    after.fill(0, buffer, end);
    assert.ok(Buffer.from(before).equals(Buffer.from(after)), "nothing but the buffer is written");
    return this.#text;
  }
}

/** A heap whose faults are told by both; what was told, by kind. */
class Witness {
  readonly heap: Heap;
  readonly reporter: Reporter;
  readonly told = new Map<string, Set<string>>();
  count = 0;

  constructor(malloc: (typeof debugModes)[number], quarantineBytes: number) {
    this.heap = createHeap({ malloc, quarantineBytes, onFault: (fault) => this.#compare(fault) });
    this.reporter = new Reporter(this.heap, ledgerOf(this.heap.memory, this.heap.root));
  }

  #compare(fault: PyMemError): void {
    const text = this.reporter.report();
    assert.equal(text, fault.report());
    this.count++;
    assert.equal(this.reporter.ends, this.count);
    const shape = fault.message.replace(/0x[0-9a-f]+|\d+/g, "n").replace(/^[\w-]+: /, "");
    const shapes = this.told.get(fault.kind) ?? new Set();
    this.told.set(fault.kind, shapes.add(shape.replace(/^\w+/, "")));
  }
}

interface Block {
  readonly p: number;
  readonly family: Family;
}

/** The bytes of a block that has its memory still, live or dead, as the shadow has them; undefined for one that is gone. */
function bytesThere({ memory, ledger }: Reporter, { p, family }: Block): number | undefined {
  const word = (at: number) => loadWord(memory, at);
  const directory = ledger + (family === "raw" ? L.DIRECTORY_RAW : L.DIRECTORY_UPPER);
  const [page, low] = [p >>> L.PAGE_BITS, L.TABLE_ENTRIES - 1];
  const table = word(directory + 4 * Math.floor(page / L.TABLE_ENTRIES));
  const shadow = word(table + L.MARK_SIZE + 4 * (page & low));
  const granule = (p % (1 << L.PAGE_BITS)) >> 4;
  const entry = shadow + L.MARK_SIZE + granule * L.ENTRY_SIZE;
  const [state = 0, place = 0] = bytesAt(memory, entry + L.ENTRY_STATE, 2);
  const isThere = state !== 0 && state !== L.GONE && place >> 4 === p % 16;
  return isThere ? word(entry + L.ENTRY_BLOCK_SIZE) : undefined;
}

/** Does right and wrong to blocks at random. */
function misbehave({ heap, reporter }: Witness, seed: number, steps: number): void {
  const random = numbers(seed);
  const blocks: Block[] = [];
  const pick = () => blocks[random(blocks.length)] as Block;
  /** Writes a byte of a block or of its frame: what is gone may be the allocator's own. */
  const poke = (block: Block, place: (size: number) => number) => {
    const size = bytesThere(reporter, block);
    if (size !== undefined) heap.u8[block.p + place(size)] = random(256);
  };
  const anywhere = () => (random(2) ? families[random(3)] : undefined) as Family;
  const sizes = [0, 1, 7, 8, 9, 16, 17, 40, 511, 512, 513, 3000];
  for (let step = 0; step < steps; step++) {
    if (blocks.length < 8 || random(3) === 0) {
      const size = sizes[random(sizes.length)] as number;
      const family = families[random(3)] as Family;
      blocks.push({ p: heap[family].malloc(size), family });
      continue;
    }
    const block = pick();
    const { p, family } = block;
    const mistakes: (() => void)[] = [
      () => heap[family].free(p),
      () => heap[family].free(p),
      () => void heap[family].realloc(p, random(700)),
      () => heap[anywhere() ?? family].free(p + random(40) - 12),
      () => heap[anywhere() ?? family].free(p),
      () => void heap[anywhere() ?? family].realloc(p, 5),
      () => heap[family].free(0x01010101 * ([0xcd, 0xdd, 0xfd, 0xab][random(4)] as number)),
      () => heap[family].free(heap.u8.length + random(1000)),
      () => heap[family].free(poolOf(heap, p) + random(32)),
      () => heap[family].free(random(heap.u8.length)),
      () => poke(block, (size) => size + random(8)),
      () => poke(block, () => -1 - random(8)),
      () => poke(block, (size) => random(size + 1)),
      () => heap.validate(),
    ];
    (mistakes[random(mistakes.length)] as () => void)();
  }
}

test("reports of random mistakes are the same text in TypeScript and in WebAssembly", () => {
  const told = new Map<string, Set<string>>();
  for (const [number, malloc] of debugModes.entries()) {
    for (const quarantineBytes of [0, 300, 20_000]) {
      const witness = new Witness(malloc, quarantineBytes);
      misbehave(witness, 7 * number + quarantineBytes, STEPS / 6);
      for (const [kind, shapes] of witness.told) {
        for (const shape of shapes) told.set(kind, (told.get(kind) ?? new Set()).add(shape));
      }
    }
  }
  const kinds = ["buffer-overflow", "buffer-underflow", "use-after-free-write", "double-free"];
  for (const kind of [...kinds, "wrong-family", "invalid-pointer"]) assert.ok(told.has(kind), kind);
  // Into, in front of, behind; live and freed; patterns, outside, pools, nowhere.
  assert.ok((told.get("invalid-pointer") as Set<string>).size >= 12);
});

/** Faults as they are put into the ledger by hand, for those that no program of a library's heap comes to. */
function compareByHand(witness: Witness, fields: Readonly<Record<number, number>>): string {
  const { heap, reporter } = witness;
  const ledger = ledgerOf(heap.memory, heap.root);
  for (const [offset, value] of Object.entries(fields)) {
    heap.u32[(ledger + Number(offset)) / 4] = value;
  }
  const error = faultError(
    heap.memory,
    ledger,
    (p) => poolOf(heap, p),
    () => ({}),
  );
  const text = reporter.report();
  assert.equal(text, error.report());
  return text;
}

test("... those of calls without the GIL, and of each call", () => {
  const witness = new Witness("pymalloc_debug", 1000);
  const p = witness.heap.object.malloc(33);
  // The middle of another block: so the ledger has a block and an entry.
  witness.heap.mem.free(p);
  const ledger = ledgerOf(witness.heap.memory, witness.heap.root);
  const [block, entry] = [L.FAULT_BLOCK, L.FAULT_ENTRY].map(
    (offset) => loadWord(witness.heap.memory, ledger + offset) as number,
  ) as [number, number];
  assert.equal(block, p);
  const calls = [L.ON_FREE, L.ON_REALLOC, L.ON_MALLOC, L.ON_CALLOC, L.ON_LEAVING, L.ON_VALIDATE];
  const codes = [1, 2, 3, 4, 5, 6, L.WITHOUT_GIL].filter((code) => code !== L.BROKEN_INVARIANT);
  for (const during of calls) {
    for (const code of codes) {
      for (const [family, there] of [0, 1, 2].flatMap((family) => [
        [family, true] as const,
        [family, false] as const,
      ])) {
        if (code === L.WRONG_FAMILY && (during === L.ON_LEAVING || during === L.ON_VALIDATE)) {
          continue; // nobody is called then
        }
        compareByHand(witness, {
          [L.FAULT_CODE]: code,
          [L.FAULT_DURING]: during,
          [L.FAULT_FAMILY]: family,
          [L.FAULT_ADDRESS]: there ? p : 0,
          [L.FAULT_BLOCK]: there ? block : 0,
          [L.FAULT_ENTRY]: there ? entry : 0,
        });
      }
    }
  }
  const last = compareByHand(witness, { [L.FAULT_CODE]: L.WITHOUT_GIL, [L.FAULT_ENTRY]: 0 });
  assert.match(last, /^PyMemError: without-gil: \w+: Python memory allocator called without/);
});

test("... and those of the books' own invariants", () => {
  const witness = new Witness("pymalloc_debug", 1000);
  for (const invariant of [L.LEDGER_HOLDS, L.TABLES_HOLD, L.ENTRIES_HOLD, L.QUARANTINE_HOLDS]) {
    const text = compareByHand(witness, {
      [L.FAULT_CODE]: L.BROKEN_INVARIANT,
      [L.FAULT_INVARIANT]: invariant,
      [L.FAULT_ADDRESS]: 0xfedcba98,
      [L.FAULT_BLOCK]: 0,
      [L.FAULT_ENTRY]: 0,
    });
    assert.match(text, new RegExp(`^PyMemError: heap invariant ${invariant} is broken at 0xfed`));
  }
});
