/**
 * The frame of a .pymem, as docs/pymem-format.md describes it: seven bytes of magic, one with the version, then chunks, each
 * compressed by itself. So several are compressed at once, each with its own checksum, and a reader needs no more memory for
 * a chunk than its kind may have.
 */
import { rangeError } from "../../base/base.js";
import { DamageError, type Pieces } from "./pieces.js";

const VERSION = 1;

/** A byte beyond ASCII and both line ends, which show what a transfer as text has done to the file; then the version. */
export const START = Uint8Array.of(0x89, 0x50, 0x59, 0x4d, 0x0d, 0x0a, 0x1a, VERSION);

/** Bytes of the memory in one chunk. */
export const AREA_BYTES = 2 ** 20;
/** Bytes of a page: those that are all zero are left out. */
export const PAGE_BYTES = 4096;
/** What stands before the pages in a chunk: the number of its area, and a bit for each page. */
export const AREA_HEAD_BYTES = 4 + AREA_BYTES / PAGE_BYTES / 8;

/** The longest that a chunk of each kind may be, uncompressed. */
const longest = { MARK: 2 ** 26, AREA: AREA_HEAD_BYTES + AREA_BYTES, DONE: 1024 } as const;
export type ChunkKind = keyof typeof longest;

/** What compressing adds at most to what it can't make shorter. */
const OVERHEAD_BYTES = 4096;

const HEADER_BYTES = 12;

export interface Chunk {
  readonly kind: ChunkKind;
  /** Where in the file its header begins. */
  readonly offset: number;
  /** How long its payload is uncompressed. */
  readonly length: number;
  /** The payload as it is in the file. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What comes of bytes that go through a stream: `length` at most, or it fails. */
async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  // What goes wrong shows where it is read.
  const written = Promise.all([writer.write(bytes), writer.close()]).catch(() => undefined);
  const result = new Uint8Array(length);
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > length) {
      await reader.cancel().catch(() => undefined);
      throw new DamageError(`more than ${length} bytes come out of it`);
    }
    result.set(value, at);
    at += value.length;
  }
  await written;
  return result.subarray(0, at);
}

/** A whole chunk. @throws RangeError when the payload is longer than its kind may be */
export async function packChunk(
  kind: ChunkKind,
  payload: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  if (payload.length > longest[kind]) {
    throw rangeError(
      `.pymem: a chunk ${kind} of ${payload.length} bytes, expected at most ${longest[kind]}`,
    );
  }
  const room = payload.length + OVERHEAD_BYTES;
  const body = await through(payload, new CompressionStream("gzip"), room);
  const chunk = new Uint8Array(HEADER_BYTES + body.length);
  const view = new DataView(chunk.buffer);
  for (let i = 0; i < kind.length; i++) chunk[i] = kind.charCodeAt(i);
  view.setUint32(4, body.length, true);
  view.setUint32(8, payload.length, true);
  chunk.set(body, HEADER_BYTES);
  return chunk;
}

/** Reads what a file begins with. @throws DamageError when it is no .pymem, or of another version */
export async function readStart(pieces: Pieces): Promise<void> {
  const found = await pieces.upTo(START.length);
  const magic = START.length - 1;
  if (!START.subarray(0, magic).every((byte, i) => byte === found[i])) {
    throw new DamageError("this is no .pymem: it doesn't begin like one");
  }
  if (found[magic] !== VERSION) {
    throw new DamageError(`this .pymem has version ${found[magic] ?? "none"}, expected ${VERSION}`);
  }
}

/** Reads a chunk, still compressed. @throws DamageError unless it is whole and of an expected kind */
export async function readChunk(pieces: Pieces, expected: readonly ChunkKind[]): Promise<Chunk> {
  const { offset } = pieces;
  const words = expected.join(" or ");
  const header = await pieces.take(HEADER_BYTES, `a chunk ${words}`);
  const name = String.fromCharCode(...header.subarray(0, 4));
  const kind = expected.find((known) => known === name);
  if (kind === undefined)
    throw new DamageError(`expected a chunk ${words}, found ${JSON.stringify(name)}`);
  const view = new DataView(header.buffer);
  const stored = view.getUint32(4, true);
  const length = view.getUint32(8, true);
  const most = longest[kind];
  if (length > most || stored > most + OVERHEAD_BYTES) {
    throw new DamageError(
      `the chunk ${kind} claims ${stored} bytes, ${length} uncompressed; at most ${most} are possible`,
    );
  }
  return { kind, offset, length, body: await pieces.take(stored, `the chunk ${kind}`) };
}

/** A chunk's payload. @throws DamageError unless it is whole and undamaged */
export async function unpackChunk({ kind, length, body }: Chunk): Promise<Uint8Array<ArrayBuffer>> {
  let payload: Uint8Array<ArrayBuffer>;
  try {
    payload = await through(body, new DecompressionStream("gzip"), length);
  } catch (error) {
    throw new DamageError(`the chunk ${kind} is damaged: ${(error as Error).message}`);
  }
  if (payload.length === length) return payload;
  throw new DamageError(
    `the chunk ${kind} is ${payload.length} bytes uncompressed, expected ${length}`,
  );
}
