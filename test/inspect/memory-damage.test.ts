/**
 * Damaged memories: whatever was written over, blocks and budget are given, soundly, and in time. What is damaged is what they read:
 * roots, maps, headers, free lists, heads of chunks, dlmalloc's state, shadows; and the marks, which may come from a file.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { booksLayout, layout } from "../../base/base.js";
import { LARGE_ROOT } from "../../hosts/hosts.js";
import {
  budgetOf,
  captureImage,
  findBlocks,
  type ImageMarks,
  imageOf,
  type MemoryImage,
} from "../../inspect/memory/memory.js";
import { findPools } from "../../inspect/memory/pools.js";
import { install } from "../../python/install.js";
import { createHeap, type Heap } from "../../src/index.js";
import { USE } from "../support/budget-suite.js";
import { assertSound, assertSums } from "../support/budgets.js";
import { numbers } from "../support/heaps.js";
import { load } from "../support/pyodide.js";

type Random = (bound: number) => number;

/** What anyone may write: anything, something small, an address, something one bit off, nothing. */
function writeOver({ u32 }: MemoryImage, word: number, random: Random): void {
  const values = [
    random(2 ** 32),
    random(256),
    random(u32.length) * 4,
    ((u32[word] as number) ^ (1 << random(32))) >>> 0,
    u32[random(u32.length)] as number,
    0,
    0xffffffff,
  ];
  u32[word] = values[random(values.length)] as number;
}

/** Kinds of places that are read, as words. */
function placesOf(image: MemoryImage, root: number): (readonly number[])[] {
  const { u32, marks } = image;
  const words = (from: number, bytes: number) =>
    Array.from({ length: Math.floor(bytes / 4) }, (_, n) => (from >>> 2) + n);
  const at = (p: number) => u32[p >>> 2] as number;
  const map = words(at(root + layout.MAP) & ~3, at(root + layout.MAP + 4));
  const pools = [...findPools(image, [root])];
  const headers = pools.flatMap((pool) => words(pool, layout.POOL_HEADER));
  const free = pools.flatMap((pool) => words(pool + layout.POOL_HEADER, 256));
  const arenas = words(at(root + booksLayout.ARENAS), 20 * at(root + booksLayout.ARENA_SLOTS));
  const blocks = findBlocks(image);
  const heads = [...blocks.starts.filter((_, n) => n % 16 === 0)].map((p) => (p - 4) >>> 2);
  const state = words(marks.symbols["_gm_"] ?? LARGE_ROOT, 480);
  const { ledger } = marks.heap ?? { ledger: 0 };
  const directories = ledger === 0 ? [] : words(ledger, 300).concat(words(ledger + 4096, 4096));
  const shadows = directories
    .map((word) => u32[word] as number)
    .filter((p) => p > 0 && p % 4 === 0 && p < image.u8.length - 4200)
    .flatMap((p) => words(p, 4100));
  const all = [words(root, layout.ROOT_SIZE), map, headers, free, arenas, heads, state];
  return [...all, directories, shadows].filter((places) => places.length > 0);
}

function assertReadable(image: MemoryImage, seed: number): void {
  const began = performance.now();
  try {
    assertSound(findBlocks(image), image.u8.length);
    assertSums(budgetOf(image), image.u8.length);
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).stack}`);
  }
  const took = performance.now() - began;
  assert.ok(took < 10_000, `seed ${seed} took ${took} ms`);
}

function damage(image: MemoryImage, root: number, seeds: number): void {
  const sound = image.u8.slice();
  const places = placesOf(image, root);
  for (let seed = 1; seed <= seeds; seed++) {
    const random = numbers(seed);
    for (let writes = 1 + random(8); writes > 0; writes--) {
      const kind = places[random(places.length)] as readonly number[];
      writeOver(image, kind[random(kind.length)] as number, random);
    }
    assertReadable(image, seed);
    image.u8.set(sound);
  }
}

function usedHeap(malloc: "pymalloc" | "pymalloc_debug"): Heap {
  const heap = createHeap({ malloc });
  const random = numbers(1);
  const all = Array.from({ length: 2000 }, () => heap.object.malloc(random(8) && random(700)));
  for (const p of all) if (random(2) === 0) heap.object.free(p);
  return heap;
}

for (const malloc of ["pymalloc", "pymalloc_debug"] as const) {
  test(`${malloc}: 2,000 damaged heaps`, () => {
    const heap = usedHeap(malloc);
    damage(captureImage(heap, { copy: true }), heap.root, 2000);
  });
}

test("damaged interpreters", async () => {
  const pyodide = await load("pyodide");
  install(pyodide, { malloc: "pymalloc" });
  pyodide.runPython(USE);
  const image = captureImage(pyodide, { copy: true });
  damage(image, image.marks.heap?.root as number, 40);
});

test("marks may say anything", () => {
  const heap = usedHeap("pymalloc");
  const { marks, u8 } = captureImage(heap, { copy: true });
  const random = numbers(5);
  const any = () => [0, random(2 ** 32), random(u8.length), random(64), u8.length][random(5)] ?? 0;
  for (let seed = 1; seed <= 500; seed++) {
    const wrong: ImageMarks = {
      ...marks,
      kind: random(2) === 0 ? "heap" : "pyodide",
      allocator: ["", "mimalloc", "malloc_debug"][random(3)] as string,
      chunks: { from: any(), to: any() },
      symbols: {
        _gm_: any(),
        pymalloc_root: any(),
        __stack_low: any(),
        __stack_high: any(),
      },
      heap: { root: random(2) === 0 ? heap.root : any(), how: "own", ledger: any(), pools: true },
    };
    assertReadable(imageOf(wrong, u8), seed);
  }
});
