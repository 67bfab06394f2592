/** Files .pymem for tests: memories, and files put together chunk by chunk. */
import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { readPymem, type SavedMemory, writePymem } from "../../inspect/formats/formats.js";
import type { ByteSource } from "../../inspect/formats/pieces.js";
import { type ImageMarks, imageOf, type MemoryImage } from "../../inspect/memory/memory.js";

export const MIB = 2 ** 20;

export const marks: ImageMarks = {
  kind: "pyodide",
  allocator: "mimalloc",
  version: "3.14.2",
  time: 1_790_000_000_000,
  symbols: { _PyRuntime: 65536, PyType_Type: 4_294_967_288 },
  chunks: { from: 4096, to: 65536 },
  stack: { from: 0, to: 0 },
  maximumBytes: 2 ** 32,
  limitBytes: 0,
  heap: { root: 1024, how: "linked", ledger: 0, pools: true },
  types: { 4096: "Punkt \u{1f600} \ud800" },
  proxies: [
    { object: 8192, stack: "at f (a.js:1)\n" },
    { object: 8200, stack: "", heldBy: [{ value: 1, name: ".onclick" }] },
  ],
  jsValues: { 7: "HTMLDivElement" },
};

/** A memory with some pages that have something in them. */
export function memoryOf(
  bytes: number,
  pages: readonly number[] = [],
  more: Partial<ImageMarks> = {},
) {
  const image = imageOf({ ...marks, ...more }, new Uint8Array(bytes));
  for (const page of pages) image.u8.fill(1 + (page % 255), 4096 * page, 4096 * page + 77);
  return image;
}

export async function written(image: MemoryImage): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writePymem(image)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export function assertSame({ marks, u8 }: SavedMemory, expected: MemoryImage): void {
  assert.deepEqual(marks, expected.marks);
  assert.equal(Buffer.compare(u8, expected.u8), 0);
  const { u32 } = imageOf(marks, u8);
  assert.equal(u32.length, expected.u32.length);
  assert.equal(u32.buffer, u8.buffer);
}

export interface Chunk {
  readonly kind: string;
  readonly payload: Buffer;
}

export function chunksOf(file: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at < file.length; ) {
    const end = at + 12 + file.readUInt32LE(at + 4);
    const payload = gunzipSync(file.subarray(at + 12, end));
    assert.equal(payload.length, file.readUInt32LE(at + 8));
    chunks.push({ kind: file.toString("latin1", at, at + 4), payload });
    at = end;
  }
  return chunks;
}

/** A chunk as it stands in a file; `length` is what it says of its payload. */
export function packed({ kind, payload }: Chunk, length = payload.length): Buffer {
  const body = gzipSync(payload);
  const header = Buffer.alloc(12);
  header.write(kind, "latin1");
  header.writeUInt32LE(body.length, 4);
  header.writeUInt32LE(length, 8);
  return Buffer.concat([header, body]);
}

export const start = Buffer.from("\x89PYM\r\n\x1a\x01", "latin1");

export function fileOf(chunks: readonly Chunk[]): Buffer {
  return Buffer.concat([start, ...chunks.map((chunk) => packed(chunk))]);
}

export const mark = {
  kind: "MARK",
  payload: Buffer.from(JSON.stringify({ bytes: 2 * MIB, ...marks })),
};
export const done = (areas: number) => ({
  kind: "DONE",
  payload: Buffer.from(JSON.stringify({ areas })),
});

/** The chunk of an area with these pages, each of one byte's value. */
export function area(number: number, pages: readonly number[], length = 4096): Chunk {
  const head = Buffer.alloc(36);
  head.writeUInt32LE(number, 0);
  for (const page of pages)
    head[4 + (page >> 3)] = (head[4 + (page >> 3)] as number) | (1 << (page & 7));
  return { kind: "AREA", payload: Buffer.concat([head, Buffer.alloc(pages.length * length, 7)]) };
}

export async function refused(source: unknown, message: RegExp): Promise<void> {
  await assert.rejects(readPymem(source as ByteSource), (error: Error & { code?: string }) => {
    assert.match(error.message, message);
    assert.equal(error.code, "PYMALLOC_INVALID_ARGUMENT");
    return true;
  });
}
