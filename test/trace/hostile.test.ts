/** Traces that nobody recorded: whatever is in the file, it is told where it is wrong, in little time and memory. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { makeTape, sizesAfter } from "../../measure/tape.js";
import { printable } from "../../process/output.js";
import { Books } from "../../trace/event-books.js";
import { type EventChunk, Op } from "../../trace/events.js";
import { CHUNK_HEADER_BYTES, START, TraceError } from "../../trace/format.js";
import { readTrace, type Trace } from "../../trace/reader.js";
import { renderStatistics } from "../../trace/render.js";
import { StatisticsBuilder } from "../../trace/statistics.js";
import { long, onlyLong } from "../support/profile.js";
import { sequences, temporaryFolder, writeTrace } from "../support/traces.js";

const folder = temporaryFolder();
const path = join(folder, "trace.pmt");

interface Chunk {
  header: Buffer;
  body: Buffer;
}

function chunksOf(whole: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = START.length; at < whole.length; ) {
    const header = whole.subarray(at, at + CHUNK_HEADER_BYTES);
    const end = at + CHUNK_HEADER_BYTES + header.readUInt32LE(4);
    chunks.push({
      header: Buffer.from(header),
      body: whole.subarray(at + CHUNK_HEADER_BYTES, end),
    });
    at = end;
  }
  return chunks;
}

/** One way to spoil a file: its bytes, the numbers of a chunk's header, or what is compressed in a chunk. */
const damage = fc.record({
  kind: fc.constantFrom("byte", "cut", "header", "payload", "longer", "order"),
  at: fc.nat(),
  value: fc.constantFrom(0, 1, 3, 4, 127, 128, 255, 65536, 65537, 2 ** 20, 2 ** 31, 2 ** 32 - 1),
});

function spoil(whole: Buffer, { kind, at, value }: { kind: string; at: number; value: number }) {
  const bytes = Buffer.from(whole);
  if (kind === "byte") bytes[at % bytes.length] = value & 255;
  if (kind === "cut") return bytes.subarray(0, at % bytes.length);
  if (kind === "byte") return bytes;
  const chunks = chunksOf(bytes);
  const chunk = chunks[at % chunks.length] as Chunk;
  if (kind === "header") chunk.header.writeUInt32LE(value, 4 + 4 * (at % 3));
  if (kind === "order") chunks.push(...chunks.splice(at % chunks.length, 1));
  if (kind === "payload" || kind === "longer") {
    let payload = inflateSync(chunk.body);
    if (kind === "longer") payload = Buffer.concat([payload, Buffer.alloc(1 + (value % 99), at)]);
    else if (payload.length > 0) payload[at % payload.length] = value & 255;
    chunk.body = deflateSync(payload);
    chunk.header.writeUInt32LE(chunk.body.length, 4);
    chunk.header.writeUInt32LE(payload.length, 8);
  }
  return Buffer.concat([START, ...chunks.flatMap(({ header, body }) => [header, body])]);
}

test("a spoilt file is read, or named with the offset of what is wrong; nothing else comes of it", async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      sequences,
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      async (events, all) => {
        writeTrace(path, [events.slice(0, 20), events.slice(20)]);
        let bytes: Buffer = readFileSync(path);
        for (const each of all) {
          try {
            bytes = spoil(bytes, each);
          } catch {
            // What is spoilt already has no chunks to find.
          }
        }
        writeFileSync(path, bytes);
        try {
          const trace = await readTrace(path);
          const builder = new StatisticsBuilder();
          for await (const chunk of trace.chunks()) builder.add(chunk);
          renderStatistics(trace, builder.finish(trace.summary), 80);
        } catch (error) {
          assert.ok(error instanceof TraceError, String((error as Error).stack));
          assert.match(error.message, /: at byte \d+: /);
          assert.ok(error.offset <= bytes.length);
          refused++;
        }
      },
    ),
    { numRuns: long ? 4000 : 300 },
  );
  assert.ok(refused > 100, `${refused} of them were refused`);
});

test("a chunk can't be inflated beyond what it claims, nor claim more than the limit", async () => {
  writeTrace(path, [[["malloc", 0, 1]]]);
  const chunks = chunksOf(readFileSync(path));
  for (const claimed of [21, 2 ** 20]) {
    const bomb = deflateSync(Buffer.alloc(2 ** 28));
    const { header } = chunks[1] as Chunk;
    header.writeUInt32LE(bomb.length, 4);
    header.writeUInt32LE(claimed, 8);
    const file = [START, chunks[0]?.header, chunks[0]?.body, header, bomb] as Buffer[];
    writeFileSync(path, Buffer.concat([...file, chunks[2]?.header, chunks[2]?.body] as Buffer[]));
    await assert.rejects(async () => {
      for await (const _ of (await readTrace(path)).chunks());
    }, TraceError);
  }
});

/** Allocations of these sizes, and each freed at once if need be, without an end of what JavaScript's Maps can hold. */
function* many(
  blocks: number,
  size: (block: number) => number,
  free: boolean,
): Generator<EventChunk> {
  const per = free ? 2 : 1;
  const count = 65536;
  for (let block = 0; block < blocks; ) {
    const chunk = {
      ops: new Uint8Array(count),
      blocks: new Uint32Array(count),
      sizes: new Uint32Array(count),
    };
    const left = Math.min(count / per, blocks - block) * per;
    for (let i = 0; i < left; i += per, block++) {
      chunk.blocks[i] = block;
      chunk.sizes[i] = size(block);
      if (!free) continue;
      chunk.ops[i + 1] = Op.free;
      chunk.blocks[i + 1] = block;
    }
    yield { count: left, ...chunk };
  }
}

/** More than a Map has room for. */
const MANY = 2 ** 24 + 5;

test("there may be more live blocks than a Map has room for", { skip: onlyLong }, async () => {
  const books = new Books();
  const builder = new StatisticsBuilder();
  for (const chunk of many(MANY, () => 8, false)) {
    books.add(chunk);
    builder.add(chunk);
  }
  const summary = books.summary();
  assert.deepEqual([summary.peakLiveBlocks, summary.peakLiveBytes], [MANY, 8 * MANY]);
  assert.equal(builder.finish(summary).neverFreed, MANY);
  const tape = await makeTape(many(MANY, () => 8, false));
  assert.deepEqual([tape.slots, tape.peak.blocks], [MANY, MANY]);
  let live = 0;
  for (const [, size] of sizesAfter(tape, MANY)) live += size;
  assert.equal(live, 8 * MANY);
});

test("there may be more sizes than anybody reads", { skip: onlyLong }, () => {
  const books = new Books();
  const builder = new StatisticsBuilder();
  for (const chunk of many(MANY, (block) => block, true)) {
    books.add(chunk);
    builder.add(chunk);
  }
  const { sizes, requests } = builder.finish(books.summary());
  assert.equal(requests.count, MANY);
  assert.deepEqual([sizes.length, sizes.at(-1)], [65536, { bytes: 65535, requests: 1 }]);
});

test("of very many sizes the most frequent are listed, and the smaller of those that are as frequent", () => {
  const books = new Books();
  const builder = new StatisticsBuilder();
  const distinct = 90_000;
  const size = (block: number) => (block < distinct ? 4_000_000 - block : 3_950_000);
  for (const chunk of many(distinct + 7, size, true)) {
    books.add(chunk);
    builder.add(chunk);
  }
  const { sizes } = builder.finish(books.summary());
  assert.equal(sizes.length, 65536);
  assert.deepEqual(sizes[0], { bytes: 3_950_000, requests: 8 });
  assert.deepEqual(sizes[1], { bytes: 4_000_000 - distinct + 1, requests: 1 });
});

test("what a terminal would obey is made visible", async () => {
  assert.equal(
    printable("a\x1b[2J\x07\x9b31m\n\u202e\u2066\x7f é日本 🐍"),
    "a\\x1b[2J\\x07\\x9b31m\\n\\u202e\\u2066\\x7f é日本 🐍",
  );
  const text = "\x1b]0;title\x07\r\n";
  const header = { program: text, arguments: [text], python: `${text} x`, pyodide: text };
  writeTrace(path, [[["malloc", 0, 24]]]);
  const trace = { ...(await readTrace(path)), header } as Trace;
  const builder = new StatisticsBuilder();
  for await (const chunk of trace.chunks()) builder.add(chunk);
  const report = renderStatistics(trace, builder.finish(trace.summary), 80);
  assert.doesNotMatch(report.replaceAll("\n", ""), /\p{Cc}/u);
  assert.match(report, /^program {5}\\x1b\]0;title\\x07\\r\\n \\x1b/);
});

test("a pipe is not waited for", {
  skip: process.platform === "win32" && "no pipes with names",
}, async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  await assert.rejects(readTrace(pipe), /pipe is not a file, expected a trace/);
});
