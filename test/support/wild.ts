/**
 * Wild writes into a debug heap's own books, and a correct program that goes on. Run as a process of its own, since a
 * loop without end can only be seen from outside: `wild.ts FIRST COUNT` tries seeds and prints each before it is tried.
 */
import assert from "node:assert/strict";
import { writeSync } from "node:fs";
import { debugLayout, ledgerOf } from "../../base/base.js";
import { createHeap, type Heap, PyMemError } from "../../src/index.js";
import { assertFilled, fill, numbers } from "./heaps.js";
import { debugModes, families } from "./mistakes.js";

type Random = (bound: number) => number;

/** Both directories are at the ledger's end. */
const DIRECTORIES = debugLayout.LEDGER_SIZE - 2 * 4096;

/** Runs of as many words each, by their addresses. There are too many words for a list of each. */
interface Places {
  readonly runs: readonly number[];
  /** Bytes of a run. */
  readonly bytes: number;
}

/** Where the books are: the ledger, the ring, and the directories, tables and shadows. */
function placesOf(heap: Heap): Places[] {
  const at = (p: number) => heap.u32[p / 4] as number;
  const ledger = ledgerOf(heap.memory, heap.root);
  /** The addresses of the words that lead on. */
  const leading = (p: number, bytes: number) => {
    const found: number[] = [];
    for (let word = p; word < p + bytes; word += 4) if (at(word) !== 0) found.push(word);
    return found;
  };
  const directories = leading(ledger + DIRECTORIES, 2 * 4096);
  const slots = directories.flatMap((slot) => leading(at(slot) + 4, 4096));
  const ring = at(ledger + debugLayout.LEDGER_RING);
  const places: Places[] = [
    { runs: [ledger], bytes: DIRECTORIES },
    { runs: ring === 0 ? [] : [ring], bytes: 8 + 8 * at(ring + 4) },
    { runs: directories, bytes: 4 },
    { runs: directories.map(at), bytes: 4100 },
    { runs: slots, bytes: 4 },
    { runs: slots.map(at), bytes: 3076 },
  ];
  return places.filter(({ runs }) => runs.length > 0);
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random(list.length)] as T;
}

/** The address of any word. */
function pickWord(random: Random, { runs, bytes }: Places): number {
  const words = Math.floor(bytes / 4);
  const index = random(runs.length * words);
  return (runs[Math.floor(index / words)] as number) + 4 * (index % words);
}

/** Writes over some of the books' words: with anything, with something small, with what stands elsewhere in them. */
function damage(heap: Heap, random: Random): void {
  const places = placesOf(heap);
  for (let writes = 1 + random(3); writes > 0; writes--) {
    const at = pickWord(random, pick(random, places)) / 4;
    const elsewhere = pickWord(random, pick(random, places)) / 4;
    const values = [
      random(2 ** 32),
      random(64),
      (heap.u32[at] as number) ^ (1 << random(32)),
      heap.u32[elsewhere] as number,
      random(heap.u8.length / 8) * 8,
      0,
    ];
    heap.u32[at] = pick(random, values);
  }
}

interface Block {
  readonly p: number;
  readonly size: number;
  readonly family: (typeof families)[number];
  readonly seed: number;
}

function trial(seed: number): void {
  const random = numbers(seed);
  const seen: PyMemError[] = [];
  const goesOn = random(2) === 0;
  const heap = createHeap({
    malloc: pick(random, debugModes),
    quarantineBytes: pick(random, [0, 2000, 100_000]),
    onFault: goesOn ? (fault) => seen.push(fault) : "throw",
  });
  const live: Block[] = [];
  /** What the heap answers; undefined where it throws. */
  function ask<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      assert.ok(error instanceof PyMemError, `seed ${seed}: ${(error as Error).stack}`);
      seen.push(error);
      return undefined;
    }
  }
  function step(): void {
    const family = pick(random, families);
    const size = random(pick(random, [40, 200, 1500]));
    if (live.length === 0 || random(20) < 10) {
      const p = ask(() => heap[family].malloc(size)) ?? 0;
      if (p === 0) return;
      const block = { p, size, family, seed: random(1000) };
      fill(heap, p, size, block.seed);
      live.push(block);
      return;
    }
    const [block] = live.splice(random(live.length), 1) as [Block];
    assertFilled(heap, block.p, block.size, block.seed);
    if (random(5) > 0) {
      ask(() => heap[block.family].free(block.p));
      return;
    }
    const p = ask(() => heap[block.family].realloc(block.p, size)) ?? 0;
    if (p === 0) return;
    assertFilled(heap, p, Math.min(size, block.size), block.seed);
    fill(heap, p, size, block.seed);
    live.push({ ...block, p, size });
  }

  for (let steps = 0; steps < 150; steps++) step();
  assert.equal(seen.length, 0);
  damage(heap, random);
  for (let steps = 0; steps < 300; steps++) step();
  for (const { p, size, seed: own } of live) assertFilled(heap, p, size, own);
  ask(() => heap.validate());
  // The program is correct, so nothing but the books can be wrong.
  for (const fault of seen) {
    assert.equal(fault.kind, "broken-invariant", `seed ${seed}: ${fault.message}`);
    assert.ok((fault.invariant as number) >= debugLayout.LEDGER_HOLDS);
  }
  // What was said is put right, where the program goes on.
  if (goesOn) {
    const said = seen.length;
    ask(() => heap.validate());
    assert.equal(seen.length, said, `seed ${seed}: ${seen.at(-1)?.message}`);
  }
  faults += seen.length === 0 ? 0 : 1;
}

let faults = 0;
const [first = 0, count = 0] = process.argv.slice(2).map(Number);
for (let seed = first; seed < first + count; seed++) {
  writeSync(2, `${seed}\n`);
  trial(seed);
}
writeSync(1, `${faults}`);
