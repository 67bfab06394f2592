/** Traces: what is written is read again, and what is damaged is found. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { encodeEvents } from "../../trace/columns.js";
import { Books } from "../../trace/event-books.js";
import { type EventChunk, Op } from "../../trace/events.js";
import {
  CHUNK_HEADER_BYTES,
  ChunkType,
  DamageError,
  MAX_EVENTS,
  packChunk,
  START,
  TraceError,
} from "../../trace/format.js";
import { NumberMap } from "../../trace/number-map.js";
import { readTrace } from "../../trace/reader.js";
import { TraceWriter } from "../../trace/writer.js";
import {
  chunkOf,
  type Event,
  header,
  readEvents,
  sequences,
  temporaryFolder,
  writeTrace,
} from "../support/traces.js";

const folder = temporaryFolder();
const path = join(folder, "trace.pmt");

const small: Event[][] = [
  [
    ["malloc", 0, 24],
    ["calloc", 1, 1000],
    ["realloc", 0, 48],
  ],
  [
    ["free", 1],
    ["malloc", 2, 0],
    ["free", 0],
    ["malloc", 3, 2 ** 32 - 1],
  ],
];

/** Where the chunks of a trace begin and end. */
function chunksOf(whole: Buffer): [from: number, to: number][] {
  const chunks: [number, number][] = [];
  for (let from = START.length; from < whole.length; ) {
    const to = from + CHUNK_HEADER_BYTES + whole.readUInt32LE(from + 4);
    chunks.push([from, to]);
    from = to;
  }
  return chunks;
}

test("a map of numbers does what a Map does", () => {
  const step = fc.tuple(fc.constantFrom("set", "delete", "get"), fc.nat({ max: 40 }), fc.nat());
  const scales = fc.constantFrom(1, 8, 1024, 2 ** 26);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), scales, (steps, scale) => {
      const map = new NumberMap();
      const model = new Map<number, number>();
      for (const [what, n, value] of steps) {
        const key = (n * scale) % (2 ** 32 - 1);
        const known = model.get(key) ?? -1;
        if (what === "set") map.set(key, value);
        else assert.equal(what === "get" ? map.get(key) : map.delete(key), known);
        if (what === "set") model.set(key, value);
        if (what === "delete") model.delete(key);
        assert.equal(map.size, model.size);
      }
      for (const [key, value] of model) assert.equal(map.get(key), value);
    }),
  );
  // Many keys without order: they get in each other's way, and the table grows.
  const map = new NumberMap();
  const model = new Map<number, number>();
  for (let n = 1, key = 1; n <= 40_000; n++) {
    key = (Math.imul(key, 1664525) + 1013904223) >>> 0;
    const chosen = n % 3 === 0 ? (model.keys().next().value as number) : key;
    if (n % 3 === 0) assert.equal(map.delete(chosen), model.get(chosen));
    else map.set(chosen, n);
    if (n % 3 === 0) model.delete(chosen);
    else model.set(chosen, n);
  }
  assert.equal(map.size, model.size);
  for (const [key, value] of model) assert.equal(map.get(key), value);
  map.set(2 ** 32 - 2, 7);
  assert.equal(map.delete(2 ** 32 - 2), 7);
});

test("what is written is read again, however it is cut into chunks", async () => {
  await fc.assert(
    fc.asyncProperty(sequences, fc.integer({ min: 1, max: 50 }), async (events, length) => {
      const chunks: Event[][] = [];
      for (let at = 0; at < events.length; at += length) chunks.push(events.slice(at, at + length));
      const summary = writeTrace(path, chunks);
      assert.deepEqual(await readEvents(path), events);
      const trace = await readTrace(path);
      assert.deepEqual([trace.header, trace.summary], [header, summary]);
      assert.equal(trace.bytes, readFileSync(path).length);
      const count = (op: string) => events.filter(([name]) => name === op).length;
      const { peakLiveBytes: _, peakLiveBlocks: __, ...counts } = summary;
      const [mallocs, callocs] = [count("malloc"), count("calloc")];
      const [reallocs, frees] = [count("realloc"), count("free")];
      assert.deepEqual(counts, { events: events.length, mallocs, callocs, reallocs, frees });
    }),
    { numRuns: 60 },
  );
});

test("the summary has the peaks", () => {
  const { peakLiveBytes, peakLiveBlocks } = writeTrace(path, small);
  assert.deepEqual([peakLiveBytes, peakLiveBlocks], [2 ** 32 - 1, 2]);
  const falls: Event[] = [
    ["malloc", 0, 100],
    ["malloc", 1, 50],
    ["realloc", 0, 10],
    ["malloc", 2, 80],
    ["free", 1],
    ["realloc", 2, 130],
  ];
  const other = writeTrace(path, [falls]);
  assert.deepEqual([other.peakLiveBytes, other.peakLiveBlocks], [150, 3]);
});

test("a file that ends too early is told from its end, wherever it ends", async () => {
  writeTrace(path, small);
  const whole = readFileSync(path);
  const cut = join(folder, "cut.pmt");
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(cut, whole.subarray(0, length));
    await assert.rejects(readTrace(cut), (error) => {
      assert.ok(error instanceof TraceError);
      assert.ok(error.offset <= length, `${error.offset} of ${length}`);
      assert.ok(error.message.startsWith(`${cut}: at byte ${error.offset}: `));
      return /truncated|not a trace|version none/.test(error.message);
    });
  }
  writeFileSync(cut, Buffer.concat([whole, Buffer.of(0)]));
  await assert.rejects(readTrace(cut), {
    message: `${cut}: at byte ${whole.length}: 1 bytes follow the end of the trace`,
  });
});

test("a byte that changed is found, or changes nothing", async () => {
  writeTrace(path, small);
  const whole = readFileSync(path);
  const flipped = join(folder, "flipped.pmt");
  const lengths = new Set(chunksOf(whole).flatMap(([at]) => [4, 5, 6, 7].map((n) => at + n)));
  let harmless = 0;
  for (let offset = 0; offset < whole.length; offset++) {
    for (const mask of [1, 0x20, 0x80, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[offset] = (bytes[offset] as number) ^ mask;
      writeFileSync(flipped, bytes);
      try {
        assert.deepEqual(await readEvents(flipped), small.flat(), `byte ${offset} ^ ${mask}`);
        assert.deepEqual((await readTrace(flipped)).header, header);
        harmless++;
      } catch (error) {
        assert.ok(error instanceof TraceError, `byte ${offset} ^ ${mask}: ${error}`);
        // A length that is wrong shows where the next chunk should begin.
        const shows = lengths.has(offset) ? whole.length : offset;
        assert.ok(error.offset <= shows, `${error.message}, which was at ${offset}`);
      }
    }
  }
  assert.ok(harmless < whole.length / 10, `${harmless} changes were not found`);
});

test("chunks that are lost, doubled or exchanged are found", async () => {
  writeTrace(path, small);
  const whole = readFileSync(path);
  const chunks = chunksOf(whole).map(([from, to]) => whole.subarray(from, to));
  const [head, first, second, done] = chunks as [Buffer, Buffer, Buffer, Buffer];
  const reading = (...parts: readonly Buffer[]) => {
    writeFileSync(path, Buffer.concat([START, ...parts]));
    return readEvents(path);
  };
  assert.deepEqual(await reading(head, first, second, done), small.flat());
  const stuffed = Buffer.concat([first, Buffer.of(1, 2, 3)]);
  stuffed.writeUInt32LE(stuffed.length - CHUNK_HEADER_BYTES, 4);
  const boasting = Buffer.from(first);
  boasting.writeUInt32LE(first.readUInt32LE(8) + 1, 8);
  const cases: [RegExp, Buffer[]][] = [
    [/the chunk EVTS is damaged: \d+ of \d+ bytes inflate/, [head, stuffed, second, done]],
    [/the chunk EVTS is damaged: .* inflate to \d+, expected/, [head, boasting, second, done]],
    [/the summary's events is 7, the events before it make 3/, [head, first, done]],
    [/event 0 is impossible: free of block 1, which was never allocated/, [head, second, done]],
    [/event 0 is impossible: free of block 1,/, [head, second, first, done]],
    [
      /event 7 is impossible: free of block 1, which was freed/,
      [head, first, second, second, done],
    ],
    [/event 9 is impossible: realloc of block 0, which/, [head, first, second, first, done]],
    [/expected a chunk HEAD, found EVTS/, [first, second, done]],
    [/expected a chunk EVTS or DONE, found HEAD/, [head, head, first, second, done]],
    [/bytes follow the end/, [head, first, second, done, done]],
  ];
  for (const [message, parts] of cases) await assert.rejects(reading(...parts), message);
});

/** A trace with these chunks of events, whatever they are. */
function forge(...payloads: readonly [Uint8Array, number][]): void {
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const chunks = payloads.map(([payload, events]) => packChunk("EVTS", payload, events));
  const summary = packChunk(ChunkType.summary, json(new Books().summary()), 0);
  const head = packChunk(ChunkType.header, json(header), 0);
  writeFileSync(path, Buffer.concat([START, head, ...chunks, summary]));
}

test("events that can't have happened are told with their number", async () => {
  const begin = START.length + packChunk("HEAD", Buffer.from(JSON.stringify(header)), 0).length;
  const cases: [RegExp, Event[]][] = [
    [/event 0 is impossible: free of block 0, which was never allocated$/, [["free", 0]]],
    [/event 0 is impossible: realloc of block 4294967295, which/, [["realloc", 2 ** 32 - 1, 8]]],
    [
      /event 2 is impossible: free of block 0, which was freed before$/,
      [
        ["malloc", 0, 8],
        ["free", 0],
        ["free", 0],
      ],
    ],
    [
      /event 2 is impossible: realloc of block 0, which was freed before$/,
      [
        ["calloc", 0, 8],
        ["free", 0],
        ["realloc", 0, 9],
      ],
    ],
  ];
  for (const [message, events] of cases) {
    forge([encodeEvents(chunkOf(events)), events.length]);
    await assert.rejects(readEvents(path), (error) => {
      assert.match((error as Error).message, message);
      return error instanceof TraceError && error.offset === begin;
    });
    const writer = new TraceWriter(join(folder, "never.pmt"), header);
    assert.throws(() => writer.write(chunkOf(events)), DamageError);
    writer.discard();
  }
  const skips = new TraceWriter(join(folder, "never.pmt"), header);
  assert.throws(() => skips.write(chunkOf([["malloc", 1, 8]])), /the next block is 0/);
  skips.discard();
  const payloads: [RegExp, readonly number[], number][] = [
    [/there is no operation 4/, [4, 8], 1],
    [/1 events need more than these bytes/, [3, 0, 0, 0], 1],
    [/9 events need more than these bytes/, [0, 1], 9],
    [/the sizes end too early/, [0], 1],
    [/the sizes end too early/, [0, 0x80], 1],
    [/1 bytes follow the sizes/, [0, 8, 8], 1],
    [/a size is beyond 32 bits/, [0, 0xff, 0xff, 0xff, 0xff, 0x1f], 1],
    [/a size is beyond 32 bits/, [0, 0x80, 0x80, 0x80, 0x80, 0x80, 0], 1],
  ];
  for (const [message, payload, count] of payloads) {
    forge([Uint8Array.from(payload), count]);
    await assert.rejects(readEvents(path), message);
  }
});

test("no file can make a reader take much memory", async () => {
  writeTrace(path, small);
  const whole = readFileSync(path);
  const evil = join(folder, "evil.pmt");
  const at = START.length + CHUNK_HEADER_BYTES + whole.readUInt32LE(START.length + 4);
  const before = process.resourceUsage().maxRSS;
  for (const field of [4, 8, 12]) {
    for (const value of [0xffffffff, 0x7fffffff, 0x100001]) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt32LE(value, at + field);
      writeFileSync(evil, bytes);
      await assert.rejects(readEvents(evil), /at byte \d+: .*claims .* the limit is/);
    }
  }
  // A payload that says it is small, and inflates to 256 MiB.
  const bomb = deflateSync(Buffer.alloc(2 ** 28));
  const head = Buffer.from(whole.subarray(at, at + CHUNK_HEADER_BYTES));
  head.writeUInt32LE(bomb.length, 4);
  const tail = whole.subarray(at + CHUNK_HEADER_BYTES + whole.readUInt32LE(at + 4));
  writeFileSync(evil, Buffer.concat([whole.subarray(0, at), head, bomb, tail]));
  const spent = process.resourceUsage().maxRSS;
  await assert.rejects(
    readEvents(evil),
    /the chunk EVTS is damaged: Cannot create a Buffer larger/,
  );
  const kilobytes = process.resourceUsage().maxRSS - Math.max(before, spent);
  assert.ok(kilobytes < 65536, `${kilobytes} KB`);
});

test("other files and other versions are told so", async () => {
  writeFileSync(path, "#!/usr/bin/env python3\n");
  await assert.rejects(readTrace(path), /trace\.pmt: at byte 0: this is not a trace of pymalloc/);
  writeTrace(path, small);
  const bytes = readFileSync(path);
  bytes[START.length - 1] = 2;
  writeFileSync(path, bytes);
  await assert.rejects(readTrace(path), /at byte 0: this trace has version 2, expected 1/);
  await assert.rejects(
    readTrace(join(folder, "none.pmt")),
    /^UsageError: no such file: .*none\.pmt/,
  );
  await assert.rejects(readTrace(folder), /is not a file, expected a trace/);
  const odd = packChunk(ChunkType.header, Buffer.from('{"program": 1}'), 0);
  writeFileSync(path, Buffer.concat([START, odd]));
  await assert.rejects(readTrace(path), /at byte 8: expected JSON with the string "program"/);
});

test("a trace appears as a whole or not at all", () => {
  const target = join(folder, "later.pmt");
  const writer = new TraceWriter(target, header);
  writer.write(chunkOf(small[0] as Event[]));
  const names = () => readdirSync(folder).filter((name) => name.startsWith("later"));
  assert.deepEqual(names(), [`later.pmt.${process.pid}.tmp`]);
  writer.discard();
  assert.deepEqual(names(), []);
  const other = new TraceWriter(target, header);
  other.finish();
  assert.deepEqual(names(), ["later.pmt"]);
  assert.throws(
    () => new TraceWriter(join(folder, "none", "x.pmt"), header),
    /^UsageError: .*x\.pmt can't be written: ENOENT/,
  );
});

test("millions of events need memory for one chunk", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const inUse = async () => {
    // What is collected takes a moment until it is given back.
    for (let turn = 0; turn < 3; turn++) {
      collect();
      await setImmediate();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 1e6;
  };
  // Each block lives for 5000 allocations.
  const TOTAL = 80 * MAX_EVENTS;
  const chunk: EventChunk = {
    count: MAX_EVENTS,
    ops: new Uint8Array(MAX_EVENTS),
    blocks: new Uint32Array(MAX_EVENTS),
    sizes: Uint32Array.from({ length: MAX_EVENTS }, (_, i) => (i % 2 === 0 ? i % 500 : 0)),
  };
  const base = await inUse();
  const writer = new TraceWriter(path, header);
  let next = 0;
  for (let written = 0; written < TOTAL; written += MAX_EVENTS) {
    for (let i = 0; i < MAX_EVENTS; i++) {
      const old = next - 5000;
      const frees = i % 2 === 1 && old >= 0;
      chunk.ops[i] = frees ? Op.free : Op.malloc;
      chunk.blocks[i] = frees ? old : next++;
    }
    writer.write(chunk);
  }
  assert.equal(writer.finish().summary.events, TOTAL);
  let events = 0;
  let most = 0;
  for await (const { count } of (await readTrace(path)).chunks()) {
    events += count;
    if ((events / MAX_EVENTS) % 8 === 0) most = Math.max(most, (await inUse()) - base);
  }
  assert.equal(events, TOTAL);
  assert.ok(most < 4, `${most} MB for a trace of ${(TOTAL * 9) / 1e6} MB`);
});
