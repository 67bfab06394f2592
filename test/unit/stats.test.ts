/** core/heap/stats.ts and src/report/heap-stats.ts: numbers that sum up, and CPython's text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertBalanced,
  capacityOf,
  layout,
  numbers,
  pooledHeap,
  poolOf,
} from "../support/heaps.js";

test("an empty heap has nothing in it", () => {
  const heap = pooledHeap();
  const { arenas, pools, bytes, blocks } = heap.stats();
  assert.deepEqual(pools, { size: layout.SLICE_SIZE, inUse: 0, unused: 0 });
  assert.equal(arenas.allocatedTotal, 0);
  assert.deepEqual(new Set(Object.values(bytes)), new Set([0]));
  assert.deepEqual(blocks, { inPools: 0, raw: 0, allocated: 0 });
});

test("the numbers are those of the blocks that are there", () => {
  const heap = pooledHeap();
  const blocks = new Map<number, number[]>();
  const next = numbers(21);
  for (let i = 0; i < 3000; i++) {
    const size = 8 * (1 + next(64));
    const p = heap.object.malloc(size - next(8));
    // A few are held off, to fill holes that are too short for pools; others are lent by the next larger class.
    if (!heap.isPymallocAddress(p)) continue;
    const own = heap.u16[(poolOf(heap, p) + layout.POOL_BLOCK_SIZE) / 2] as number;
    assert.ok(own === size || own === size + 8);
    blocks.set(own, [...(blocks.get(own) ?? []), p]);
  }
  for (const { size, blocksInUse, blocksAvailable, pools } of heap.stats().classes) {
    assert.equal(blocksInUse, blocks.get(size)?.length ?? 0);
    // Only the last pool of a class has free blocks yet.
    const addresses = new Set(blocks.get(size)?.map((p) => poolOf(heap, p)));
    assert.equal(pools, addresses.size, `pools of ${size}`);
    const capacities = [...addresses].map((pool) => capacityOf(heap, pool));
    const whole = capacities.reduce((all, capacity) => all + capacity, 0);
    assert.equal(blocksInUse + blocksAvailable, whole);
    assert.ok(blocksAvailable < Math.max(1, ...capacities));
  }
  assertBalanced(heap, 3000);
});

test("stats are plain data", () => {
  const heap = pooledHeap();
  heap.object.malloc(5);
  assert.deepEqual(JSON.parse(JSON.stringify(heap.stats())), heap.stats());
});

/** The number at the end of the line that begins with `label`. */
function numberAt(text: string, label: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(label));
  assert.ok(line, `a line that begins with ${label}`);
  assert.match(line, /^.{35}= {0,20}[\d,]+$/, line);
  assert.equal(line.length, 57, line);
  return Number(line.slice(36).replaceAll(",", ""));
}

test("debugMallocStats is laid out like sys._debugmallocstats, and its parts sum to Total", () => {
  const heap = pooledHeap();
  const blocks = Array.from({ length: 40_000 }, (_, i) => heap.object.malloc(1 + ((i * 13) % 300)));
  for (const p of blocks.slice(0, 9000)) heap.object.free(p);
  const text = heap.debugMallocStats();
  const lines = text.split("\n");
  assert.equal(lines[0], "Small block threshold = 512, in 64 size classes.");
  assert.equal(lines[1], "");
  assert.equal(lines[2], "class   size   num pools   blocks in use  avail blocks");
  assert.equal(lines[3], "-----   ----   ---------   -------------  ------------");
  const rows = lines.slice(4, lines.indexOf("", 4));
  const { classes, arenas, pools, bytes } = heap.stats();
  for (const row of rows) {
    assert.equal(row.length, 5 + 1 + 6 + 1 + 11 + 1 + 15 + 1 + 13, row);
    const [index, size, poolCount, used, available] = row.trim().split(/ +/).map(Number);
    assert.deepEqual(classes[index as number], {
      size,
      pools: poolCount,
      blocksInUse: used,
      blocksAvailable: available,
    });
  }
  assert.equal(rows.length, classes.filter((c) => c.pools > 0).length);

  assert.equal(numberAt(text, "# arenas allocated total"), arenas.allocatedTotal);
  assert.equal(numberAt(text, "# arenas reclaimed"), arenas.reclaimed);
  assert.equal(numberAt(text, "# arenas highwater mark"), arenas.highwater);
  assert.equal(numberAt(text, "# arenas allocated current"), arenas.current);
  const whole = numberAt(text, `${arenas.current} arenas * ${arenas.size} bytes/arena`);
  const parts = [
    "# bytes in allocated blocks",
    "# bytes in available blocks",
    `${pools.unused} unused pools * ${pools.size} bytes`,
    "# bytes lost to pool headers",
    "# bytes lost to quantization",
    "# bytes lost to arena alignment",
  ].map((label) => numberAt(text, label));
  assert.equal(
    parts.reduce((sum, part) => sum + part),
    numberAt(text, "Total"),
  );
  assert.equal(numberAt(text, "Total"), whole);
  assert.equal(whole, bytes.total);
  assert.ok(text.endsWith("\n"));
});
