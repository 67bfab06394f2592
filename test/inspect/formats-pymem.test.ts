/** The memory in a file: what was written is read, and whatever else a file holds is named. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readPymem, writePymem } from "../../inspect/formats/formats.js";
import type { ByteSource } from "../../inspect/formats/pieces.js";
import { type ImageMarks, imageOf, type MemoryImage } from "../../inspect/memory/memory.js";
import {
  area,
  assertSame,
  type Chunk,
  chunksOf,
  done,
  fileOf,
  MIB,
  mark,
  marks,
  memoryOf,
  packed,
  refused,
  start,
  written,
} from "./formats-files.js";

test("a memory of any length comes back, with its marks", async () => {
  const last = 2 * MIB + 4096 * 3 + 8;
  const images = [
    memoryOf(0),
    memoryOf(4),
    memoryOf(4096, [0]),
    memoryOf(4100, [0, 1]),
    memoryOf(MIB, [0, 255]),
    memoryOf(MIB + 4, [3]),
    memoryOf(last, [1, 300, 514]),
    memoryOf(9 * MIB, [0, 300, 301, 600, 1000, 1500, 1800, 2100, 2303]),
    memoryOf(65536, [2], { heap: undefined, symbols: {}, types: {}, proxies: [], jsValues: {} }),
  ];
  (images[1] as MemoryImage).u32[0] = 0xffffffff;
  (images[6] as MemoryImage).u32[last / 4 - 1] = 1;
  for (const image of images) assertSame(await readPymem(await written(image)), image);
});

test("pages that are all zero are left out", async () => {
  const empty = await written(memoryOf(512 * MIB));
  assert.ok(empty.length < 1000, `${empty.length} bytes`);
  assert.equal((await readPymem(empty)).u8.length, 512 * MIB);
  const file = await written(memoryOf(3 * MIB, [256, 511]));
  const lengths = chunksOf(file).map(({ kind, payload }) => `${kind} ${payload.length}`);
  assert.deepEqual(lengths.slice(1), [`AREA ${36 + 2 * 4096}`, "DONE 11"]);
});

test("a file is read from bytes, a Blob, a stream and an iterable, whatever its pieces are", async () => {
  const image = memoryOf(3 * MIB, [0, 1, 400, 700]);
  const file = await written(image);
  async function* inPieces(size: number): AsyncGenerator<Uint8Array, void> {
    for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
    yield new Uint8Array();
  }
  const sources: ByteSource[] = [
    new Uint8Array(file),
    file,
    new Uint8Array(file).buffer,
    new Blob([new Uint8Array(file)]),
    new Blob([new Uint8Array(file)]).stream(),
    inPieces(1),
    inPieces(13),
    inPieces(5000),
  ];
  for (const source of sources) assertSame(await readPymem(source), image);
});

test("what is no file is a TypeError that says what was expected", async () => {
  for (const source of [undefined, null, 7, "text", {}, [1, 2]]) {
    await refused(source, /^a \.pymem is read from .+, expected a Uint8Array, an ArrayBuffer/);
    await assert.rejects(readPymem(source as unknown as ByteSource), TypeError);
  }
  const pieces = new ReadableStream({
    start(controller) {
      controller.enqueue("text");
    },
  });
  await refused(pieces, /^a \.pymem came with a piece that is "text", expected a Uint8Array$/);
});

test("a stream is let go of when its file is refused", async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(100));
    },
    cancel() {
      cancelled = true;
    },
  });
  await refused(stream, /^\.pymem: at byte 0: this is no \.pymem/);
  assert.ok(cancelled);
});

test("a stream that fails is told as it failed", async () => {
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new Error("the line is dead"));
    },
  });
  await assert.rejects(readPymem(stream), { message: "the line is dead" });
});

test("a memory that grows while it is saved is not half saved", async () => {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65 });
  const image = imageOf(marks, new Uint8Array(memory.buffer));
  for (let at = 0; at < image.u8.length; at += MIB) image.u8[at] = 1;
  await assert.rejects(
    async () => {
      let pieces = 0;
      for await (const piece of writePymem(image)) {
        assert.ok(piece.length > 0);
        if (pieces++ === 1) memory.grow(1);
      }
    },
    { message: /^the memory grew while it was saved: save a copy/, code: "PYMALLOC_CONFLICT" },
  );
});

test("damage is named with its offset", async () => {
  const file = await written(memoryOf(2 * MIB, [0, 300]));
  const at = /^\.pymem: at byte \d+: /.source;
  await refused(new Uint8Array(), /^\.pymem: at byte 0: this is no \.pymem/);
  await refused(Buffer.from("{}"), /^\.pymem: at byte 0: this is no \.pymem/);
  await refused(file.subarray(0, 7), /at byte 0: this \.pymem has version none, expected 1$/);
  const version = Buffer.from(file);
  version[7] = 2;
  await refused(version, /at byte 0: this \.pymem has version 2, expected 1$/);
  const text = Buffer.from(file.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
  await refused(text, /at byte 0: this is no \.pymem/);
  await refused(file.subarray(0, 13), /at byte 8: it is truncated: 5 of 12 bytes .* a chunk MARK$/);
  await refused(file.subarray(0, -1), /truncated: \d+ of \d+ bytes are left for the chunk DONE$/);
  await refused(
    Buffer.concat([file, Buffer.of(0)]),
    new RegExp(`^\\.pymem: at byte ${file.length}: bytes follow its end$`),
  );
  await refused(fileOf([done(0)]), /at byte 8: expected a chunk MARK, found "DONE"$/);
  await refused(
    fileOf([mark, mark]),
    new RegExp(`${at}expected a chunk AREA or DONE, found "MARK"`),
  );
  await refused(fileOf([mark, done(1)]), /the end says \{"areas":1\}, expected \{"areas":0\}$/);
});

test("areas are in order, inside of the memory, and as long as their pages", async () => {
  const whole = (...areas: Chunk[]) => fileOf([mark, ...areas, done(areas.length)]);
  assert.equal((await readPymem(whole(area(0, [0]), area(1, [255])))).u8[2 * MIB - 1], 7);
  await refused(whole(area(1, [0]), area(0, [0])), /area 0 comes after 1, expected one behind it/);
  await refused(whole(area(0, [0]), area(0, [0])), /area 0 comes after 0, expected one behind it/);
  await refused(whole(area(2, [0])), /area 2 comes after -1, .* below 2$/);
  await refused(whole(area(0xffffffff, [0])), /area 4294967295 comes after -1/);
  await refused(whole(area(0, [0, 1], 4000)), /page 1 of area 0 is not in the memory, or not in/);
  await refused(whole(area(0, [0], 5000)), /area 0 has 5036 bytes, its pages are 4132$/);
  await refused(
    whole({ kind: "AREA", payload: Buffer.alloc(35) }),
    /an area has 35 bytes, expected at least 36$/,
  );
  const small = { ...mark, payload: Buffer.from(JSON.stringify({ ...marks, bytes: 4096 })) };
  await refused(fileOf([small, area(0, [0, 1]), done(1)]), /page 1 of area 0 is not in the memory/);
});

test("a bomb does not go off", async () => {
  const zeros = Buffer.alloc(80 * MIB);
  const before = process.memoryUsage().arrayBuffers;
  const inArea = Buffer.concat([
    start,
    packed(mark),
    packed({ kind: "AREA", payload: zeros }, 4132),
  ]);
  await refused(inArea, /the chunk AREA is damaged: more than 4132 bytes come out of it$/);
  const inMarks = Buffer.concat([start, packed({ kind: "MARK", payload: zeros }, 100)]);
  await refused(inMarks, /the chunk MARK is damaged: more than 100 bytes come out of it$/);
  const claims = Buffer.concat([start, packed({ kind: "MARK", payload: zeros })]);
  await refused(claims, /the chunk MARK claims \d+ bytes, 83886080 uncompressed; at most 67108864/);
  const stored = Buffer.concat([start, Buffer.from("MARK"), Buffer.alloc(8, 0xff)]);
  await refused(stored, /the chunk MARK claims 4294967295 bytes, 4294967295 uncompressed/);
  assert.ok(process.memoryUsage().arrayBuffers < before + 64 * MIB);
});

test("each mark is looked at before it is believed", async () => {
  const wrong: [keyof ImageMarks | "bytes", unknown, RegExp][] = [
    ["bytes", 2 ** 32 + 4, /the mark bytes is 4294967300, expected a multiple of 4 up to 2\^32$/],
    ["bytes", 6, /bytes is 6/],
    ["bytes", "4", /bytes is "4"/],
    ["bytes", undefined, /bytes is undefined/],
    ["kind", "python", /the mark kind is "python", expected "pyodide" or "heap"$/],
    ["allocator", 3, /allocator is 3, expected a text$/],
    ["version", 3, /version is 3, expected a text$/],
    ["version", undefined, /version is undefined/],
    ["time", -1, /time is -1/],
    ["time", null, /time is null/],
    ["symbols", { a: 1.5 }, /symbols is an object \(Object\), expected an object of addresses$/],
    ["symbols", [1], /symbols is an object \(Array\)/],
    ["chunks", { from: 4 }, /chunks is .*expected an object with the addresses from and to/],
    ["chunks", { from: 8, to: 4 }, /chunks is .* in that order$/],
    ["stack", { from: 0, to: 2 ** 33 }, /stack is /],
    ["maximumBytes", 2 ** 33, /maximumBytes is 8589934592, expected bytes from 0 to 2\^32$/],
    ["limitBytes", -4, /limitBytes is -4/],
    ["heap", { root: 4, how: "stolen", ledger: 0, pools: true }, /heap is .*root, how, ledger/],
    ["heap", { root: 4, how: "own", ledger: 0 }, /heap is /],
    ["heap", null, /heap is null/],
    ["types", { x: "Point" }, /types is .*expected an object of texts by their address$/],
    ["types", { 4294967296: "Point" }, /types is /],
    ["types", { 4: 4 }, /types is /],
    ["proxies", {}, /proxies is .*expected a list of objects with object and stack$/],
    ["proxies", [{ object: 4 }], /proxies is /],
    ["proxies", [{ object: -4, stack: "" }], /proxies is /],
    ["proxies", [{ object: 4, stack: "", heldBy: 5 }], /proxies is /],
    ["proxies", [{ object: 4, stack: "", heldBy: [{ value: "1", name: "" }] }], /proxies is /],
    ["jsValues", { 1: {} }, /jsValues is .*expected an object of texts by their number$/],
  ];
  for (const [name, value, message] of wrong) {
    const text = JSON.stringify({ bytes: 4, ...marks, [name]: value });
    await refused(fileOf([{ kind: "MARK", payload: Buffer.from(text) }, done(0)]), message);
  }
  const long = JSON.stringify({ bytes: 4, ...marks, kind: "x".repeat(1e6) });
  await assert.rejects(
    readPymem(fileOf([{ kind: "MARK", payload: Buffer.from(long) }])),
    (error) => {
      return (error as Error).message.length < 300;
    },
  );
  for (const text of ["", "{", "7", "null"]) {
    const file = fileOf([{ kind: "MARK", payload: Buffer.from(text) }, done(0)]);
    await refused(file, /^\.pymem: at byte 8: the marks are .*expected an object$/);
  }
});

test("fields that a reader doesn't know are left alone", async () => {
  const text = JSON.stringify({ bytes: 4, ...marks, later: [1], __proto__: null });
  const payload = Buffer.from(text.replace("{", '{"__proto__":{"kind":"heap"},'));
  const found = await readPymem(fileOf([{ kind: "MARK", payload }, done(0)]));
  assert.deepEqual(found.marks, marks);
  assert.equal(Object.getPrototypeOf(found.marks), Object.prototype);
});

test("docs/pymem-format.md: its example is a memory, and is what the page says", async () => {
  const page = readFileSync(new URL("../../docs/pymem-format.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/```\n([\s\S]*?)```/g)].map(([, text]) => text as string);
  const [dump = "", payload = ""] = blocks.slice(-2);
  const bytesOf = (text: string) => {
    let bytes = Buffer.alloc(0);
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const [, offset, hex] = line.match(/^([0-9a-f]{4}) {2}([0-9a-f]{2}(?: [0-9a-f]{2})*)/) ?? [];
      assert.equal(Number.parseInt(offset ?? "", 16), bytes.length, line);
      bytes = Buffer.concat([bytes, Buffer.from((hex ?? "").replaceAll(" ", ""), "hex")]);
    }
    return bytes;
  };
  const file = bytesOf(dump);
  assert.match(page, new RegExp(`As a file of ${file.length} bytes:`));
  const [known, chunk] = chunksOf(file) as [Chunk, Chunk];
  const texts = dump.match(/(?<=[0-9a-f]{2} +)[ {]"[^\n]+/g)?.map((text) => text.trim());
  assert.equal(texts?.join(""), `${known.payload}{"areas":1}`);
  assert.deepEqual(chunk.payload.subarray(0, bytesOf(payload).length), bytesOf(payload));
  const { marks: found, u8 } = await readPymem(file);
  assert.equal(found.version, "0.1.0");
  assert.equal(u8.length, 8200);
  const nonzero = [...u8.entries()].filter(([, byte]) => byte !== 0);
  assert.deepEqual(nonzero, [
    [4096, 1],
    [8196, 2],
  ]);
});
