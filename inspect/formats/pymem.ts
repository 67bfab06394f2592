/**
 * The memory itself in a file, `.pymem`: save now, look later. Its bytes, compressed and without the pages that are all zero,
 * and what has to be known to read them. docs/pymem-format.md describes it byte by byte.
 */
import { conflict, outOfMemory, rangeError } from "../../base/base.js";
import type { MemoryImage } from "../memory/memory.js";
import {
  AREA_BYTES,
  AREA_HEAD_BYTES,
  type Chunk,
  type ChunkKind,
  PAGE_BYTES,
  packChunk,
  readChunk,
  readStart,
  START,
  unpackChunk,
} from "./chunks.js";
import { marksFromJson, marksToJson } from "./marks.js";
import { type ByteSource, DamageError, Pieces } from "./pieces.js";

/** So many chunks are compressed at once: browsers and Node have threads for it. */
const AT_ONCE = 4;

const PAGES_OF_AREA = AREA_BYTES / PAGE_BYTES;

/** Are all words of it 0? */
function isZero(words: Uint32Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (words[i] !== 0) return false;
  return true;
}

/** The payload of the chunk of an area; undefined when all its pages are zero. */
function areaOf({ u8, u32 }: MemoryImage, area: number): Uint8Array<ArrayBuffer> | undefined {
  const payload = new Uint8Array(AREA_HEAD_BYTES + AREA_BYTES);
  new DataView(payload.buffer).setUint32(0, area, true);
  let at = AREA_HEAD_BYTES;
  for (let page = 0; page < PAGES_OF_AREA; page++) {
    const from = area * AREA_BYTES + page * PAGE_BYTES;
    const to = Math.min(from + PAGE_BYTES, u8.length);
    if (from >= to || isZero(u32, from >>> 2, to >>> 2)) continue;
    const bits = 4 + (page >>> 3);
    payload[bits] = (payload[bits] as number) | (1 << (page & 7));
    payload.set(u8.subarray(from, to), at);
    at += to - from;
  }
  return at === AREA_HEAD_BYTES ? undefined : payload.subarray(0, at);
}

function json(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

/**
 * Saves a memory, in pieces: each about 1 MiB of it, compressed. The program in it must not run until the last one was taken,
 * unless the image is a copy.
 *
 * @throws Error when the memory grew meanwhile
 */
export async function* writePymem(image: MemoryImage): AsyncGenerator<Uint8Array, void> {
  const bytes = image.u8.length;
  yield START.slice();
  yield await packChunk("MARK", json(marksToJson(image.marks, bytes)));
  const coming: Promise<Uint8Array>[] = [];
  let areas = 0;
  for (let area = 0; area * AREA_BYTES < bytes; area++) {
    if (image.u8.length !== bytes) {
      throw conflict("the memory grew while it was saved: save a copy of it, or let it rest");
    }
    const payload = areaOf(image, area);
    if (payload === undefined) continue;
    areas++;
    coming.push(packChunk("AREA", payload));
    if (coming.length === AT_ONCE) yield (await coming.shift()) as Uint8Array;
  }
  for (const chunk of coming) yield await chunk;
  yield await packChunk("DONE", json(JSON.stringify({ areas })));
}

/** Puts the pages of an area where they belong. @returns the area's number */
function placeArea(bytes: Uint8Array, payload: Uint8Array<ArrayBuffer>, after: number): number {
  const areas = Math.ceil(bytes.length / AREA_BYTES);
  const { buffer, byteOffset, length } = payload;
  if (length < AREA_HEAD_BYTES) {
    throw new DamageError(`an area has ${length} bytes, expected at least ${AREA_HEAD_BYTES}`);
  }
  const area = new DataView(buffer, byteOffset).getUint32(0, true);
  if (area <= after || area >= areas) {
    throw new DamageError(
      `area ${area} comes after ${after}, expected one behind it and below ${areas}`,
    );
  }
  let at = AREA_HEAD_BYTES;
  for (let page = 0; page < PAGES_OF_AREA; page++) {
    if (((payload[4 + (page >>> 3)] as number) & (1 << (page & 7))) === 0) continue;
    const from = area * AREA_BYTES + page * PAGE_BYTES;
    const pageLength = Math.min(PAGE_BYTES, bytes.length - from);
    if (pageLength <= 0 || at + pageLength > length) {
      throw new DamageError(
        `page ${page} of area ${area} is not in the memory, or not in the file`,
      );
    }
    bytes.set(payload.subarray(at, at + pageLength), from);
    at += pageLength;
  }
  if (at !== length) throw new DamageError(`area ${area} has ${length} bytes, its pages are ${at}`);
  return area;
}

function room(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw outOfMemory(`there is no room for a memory of ${bytes} bytes`);
  }
}

/** Does the work, which is about what is at this offset. */
async function at<T>(offset: number, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    throw rangeError(`.pymem: at byte ${offset}: ${error.message}`);
  }
}

function chunkOf(pieces: Pieces, expected: readonly ChunkKind[]): Promise<Chunk> {
  return at(pieces.offset, () => readChunk(pieces, expected));
}

/** What a chunk of JSON says, by the function that reads it. */
function jsonOf<T>(chunk: Chunk, parse: (text: string) => T): Promise<T> {
  return at(chunk.offset, async () => {
    const payload = await unpackChunk(chunk);
    return parse(new TextDecoder().decode(payload));
  });
}

/** Fills a memory with the areas of a file, to its end. */
async function readAreas(pieces: Pieces, memory: Uint8Array): Promise<void> {
  const coming: { readonly chunk: Chunk; readonly payload: Promise<Uint8Array<ArrayBuffer>> }[] =
    [];
  let areas = 0;
  let last = -1;
  async function place(): Promise<void> {
    const next = coming.shift();
    if (next === undefined) return;
    last = await at(next.chunk.offset, async () => placeArea(memory, await next.payload, last));
    areas++;
  }
  async function next(): Promise<Chunk> {
    try {
      return await chunkOf(pieces, ["AREA", "DONE"]);
    } catch (error) {
      // The first damage is the one to tell.
      while (coming.length > 0) await place();
      throw error;
    }
  }
  let chunk = await next();
  for (; chunk.kind === "AREA"; chunk = await next()) {
    const payload = unpackChunk(chunk);
    // One that fails while an earlier one is waited for is not unseen: its turn comes.
    payload.catch(() => undefined);
    coming.push({ chunk, payload });
    if (coming.length === AT_ONCE) await place();
  }
  while (coming.length > 0) await place();
  const said = await jsonOf(chunk, (text) => text);
  await at(chunk.offset, () => {
    const found = JSON.stringify({ areas });
    if (said !== found)
      throw new DamageError(`the end says ${said.slice(0, 80)}, expected ${found}`);
  });
}

/** What a file has of a memory; `imageOf` makes an image of it. */
export type SavedMemory = Pick<MemoryImage, "marks" | "u8">;

/**
 * Reads a saved memory.
 *
 * @throws TypeError for what no bytes can come from; RangeError that names the offset, what is there and what was expected,
 * when it is no whole and undamaged .pymem
 */
export async function readPymem(source: ByteSource): Promise<SavedMemory> {
  const pieces = new Pieces(source);
  try {
    await at(0, () => readStart(pieces));
    const { marks, bytes } = await jsonOf(await chunkOf(pieces, ["MARK"]), marksFromJson);
    const memory = room(bytes);
    await readAreas(pieces, memory);
    const end = pieces.offset;
    await at(end, async () => {
      if ((await pieces.upTo(1)).length > 0) throw new DamageError("bytes follow its end");
    });
    return { marks, u8: memory };
  } finally {
    await pieces.close();
  }
}
