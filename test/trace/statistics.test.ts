/** Statistics of traces: every number of one made by hand, and a slow count of random ones. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readTrace, type Trace } from "../../trace/reader.js";
import { renderStatistics } from "../../trace/render.js";
import { StatisticsBuilder, type TraceStatistics } from "../../trace/statistics.js";
import { chunkOf, type Event, sequences, temporaryFolder, writeTrace } from "../support/traces.js";

const path = join(temporaryFolder(), "trace.pmt");

async function statisticsOf(...chunks: Event[][]): Promise<[TraceStatistics, Trace]> {
  writeTrace(path, chunks);
  const trace = await readTrace(path);
  const builder = new StatisticsBuilder();
  for await (const chunk of trace.chunks()) builder.add(chunk);
  return [builder.finish(trace.summary), trace];
}

const byHand: Event[][] = [
  [
    ["malloc", 0, 24],
    ["malloc", 1, 20], // of the same class as 24
    ["calloc", 2, 512],
    ["malloc", 3, 513],
    ["malloc", 4, 0],
    ["free", 0], // 1 is newer; 4 allocations after its own
    ["free", 1], // the newest of 17 to 24; 3 after
  ],
  [
    ["malloc", 5, 8], // the class of 0 bytes
    ["free", 4], // 5 is newer; 1 after
    ["realloc", 5, 7], // keeps its class
    ["realloc", 3, 5000], // grows, among the large ones
    ["malloc", 6, 600],
    ["realloc", 3, 4000], // shrinks, and is no newer for that
    ["free", 3], // 6 is newer; 3 after
    ["realloc", 6, 24], // shrinks into the pools
    ["malloc", 7, 17],
    ["free", 6], // 7 is newer; 1 after
    ["realloc", 2, 18], // shrinks, and is the newest of 17 to 24 now
    ["free", 2], // the newest; 5 after
    ["free", 7], // the newest; 0 after
  ],
];

test("every number of a trace made by hand", async () => {
  const [statistics] = await statisticsOf(...byHand);
  assert.deepEqual(statistics, {
    events: { events: 20, mallocs: 7, callocs: 1, reallocs: 5, frees: 7 },
    // After block 6: 512 + 5000 + 7 + 600.
    peak: { bytes: 6119, blocks: 5 },
    requests: {
      count: 13,
      bytes: 24 + 20 + 512 + 513 + 0 + 8 + 7 + 5000 + 600 + 4000 + 24 + 17 + 18,
    },
    small: { requests: 9 / 13, bytes: (24 + 20 + 512 + 0 + 8 + 7 + 24 + 17 + 18) / 10743 },
    classes: [
      { from: 0, to: 8, count: 3 },
      { from: 17, to: 24, count: 5 },
      { from: 505, to: 512, count: 1 },
      { from: 513, to: 1024, count: 2 },
      { from: 2049, to: 4096, count: 1 },
      { from: 4097, to: 8192, count: 1 },
    ],
    sizes: [
      { bytes: 24, requests: 2 },
      ...[0, 7, 8, 17, 18, 20, 512, 513, 600, 4000, 5000].map((bytes) => ({ bytes, requests: 1 })),
    ],
    lifetimes: [
      { from: 0, to: 0, count: 1 },
      { from: 1, to: 9, count: 6 },
    ],
    neverFreed: 1,
    lifo: { frees: 3, share: 3 / 7 },
    reallocs: { count: 5, share: 5 / 20, grow: 1, shrink: 3, keep: 1 },
  });
});

test("ranges of lifetimes end at powers of ten", async () => {
  const many = (count: number): Event[] =>
    Array.from({ length: count }, (_, n) => ["malloc", n, 1]);
  const lifetimesAfter = async (births: number) => {
    const [{ lifetimes }] = await statisticsOf([...many(births), ["free", 0]]);
    return lifetimes.at(-1);
  };
  assert.deepEqual(await lifetimesAfter(10), { from: 1, to: 9, count: 1 });
  assert.deepEqual(await lifetimesAfter(11), { from: 10, to: 99, count: 1 });
  assert.deepEqual(await lifetimesAfter(100), { from: 10, to: 99, count: 1 });
  assert.deepEqual(await lifetimesAfter(101), { from: 100, to: 999, count: 1 });
});

test("an empty trace has no shares", async () => {
  const [statistics, trace] = await statisticsOf();
  assert.deepEqual(statistics.small, { requests: 0, bytes: 0 });
  assert.deepEqual([statistics.lifo.share, statistics.reallocs.share], [0, 0]);
  assert.doesNotMatch(renderStatistics(trace, statistics, 80), /NaN|Infinity|█/);
});

/** The frees of the newest block of its class, counted the slow way. */
function lifoFrees(events: readonly Event[]): number {
  const listOf = (bytes: number) => Math.min(Math.max(Math.ceil(bytes / 8), 1), 65);
  const lists = new Map<number, number[]>();
  const homes = new Map<number, number>();
  let found = 0;
  for (const [op, block, size = 0] of events) {
    const before = homes.get(block);
    const list = op === "free" ? undefined : listOf(size);
    if (before === list) continue;
    if (before !== undefined) {
      const members = lists.get(before) as number[];
      if (op === "free" && members.at(-1) === block) found++;
      members.splice(members.indexOf(block), 1);
      homes.delete(block);
    }
    if (list !== undefined) {
      homes.set(block, list);
      lists.set(list, [...(lists.get(list) ?? []), block]);
    }
  }
  return found;
}

test("random traces: the books balance, and a slow count finds the same LIFO frees", () => {
  fc.assert(
    fc.property(sequences, (events) => {
      const builder = new StatisticsBuilder();
      builder.add(chunkOf(events));
      const count = (op: string) => events.filter(([name]) => name === op).length;
      const [mallocs, callocs] = [count("malloc"), count("calloc")];
      const [reallocs, frees] = [count("realloc"), count("free")];
      const counts = { events: events.length, mallocs, callocs, reallocs, frees };
      const found = builder.finish({ ...counts, peakLiveBytes: 0, peakLiveBlocks: 0 });
      const sum = (rows: readonly { count: number }[]) => rows.reduce((n, row) => n + row.count, 0);
      assert.equal(found.requests.count, mallocs + callocs + reallocs);
      assert.equal(sum(found.classes), found.requests.count);
      assert.equal(sum(found.lifetimes), frees);
      assert.equal(found.neverFreed, mallocs + callocs - frees);
      assert.equal(found.lifo.frees, lifoFrees(events));
      const { grow, shrink, keep } = found.reallocs;
      assert.equal(grow + shrink + keep, reallocs);
      for (const { from, to, count } of found.classes) {
        const inside = events.filter(
          ([op, , size = 0]) => op !== "free" && size >= from && size <= to,
        );
        assert.equal(inside.length, count);
      }
    }),
  );
});

test("the report for a terminal", async () => {
  const [statistics, trace] = await statisticsOf(...byHand);
  const text = renderStatistics(trace, statistics, 59);
  assert.match(
    text,
    /^program {5}program\.py -x ü\nrecorded {4}in Python 3\.14\.2, Pyodide 314\.0\.7\n/,
  );
  assert.match(
    text,
    /\nevents {6}20 in \d+ bytes, [\d.]+ each\n {12}7 malloc, 1 calloc, 5 realloc, 7 free\n/,
  );
  assert.match(text, /\npeak {8}0\.0 MB in 5 live blocks\n/);
  assert.match(text, /up to 512 bytes: 69\.2 %, of the bytes 5\.9 %\n/);
  assert.match(
    text,
    /\nreallocs {4}25\.0 % of the events\n {12}20\.0 % grow, 60\.0 % shrink, 20\.0 % keep/,
  );
  assert.match(text, /\nLIFO {8}42\.9 % of the frees/);
  const lines = text.split("\n");
  const longest = lines.find((line) => line.startsWith("        17 to 32  5   38.5 %  █"));
  assert.equal(longest?.length, 59, "the longest bar ends at the last column");
  const other = lines.find((line) => line.startsWith("          0 to 8  3   23.1 %  █"));
  const bar = (line: string | undefined) => line?.match(/[█▏▎▍▌▋▊▉]+$/)?.[0] ?? "";
  assert.equal(bar(longest), "█".repeat(29));
  assert.equal(bar(other), `${"█".repeat(17)}▍`, "three fifths of 29, to an eighth");
  assert.match(text, /\n {2}never freed {2}1 {3}12\.5 % {2}█+\S?\n/);
  const wide = renderStatistics(trace, statistics, 200);
  assert.equal(Math.max(...wide.split("\n").map((line) => line.length)), 200);
});
