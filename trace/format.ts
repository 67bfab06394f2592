/**
 * The frame of a trace file, as docs/trace-format.md describes it: eight bytes of magic and version, then
 * chunks, each with a header of 16 bytes and a payload that zlib compressed.
 */
import { constants, deflateSync, inflateSync } from "node:zlib";
import { UsageError } from "../process/process.js";

/** A byte beyond ASCII and both line ends, which show what a transfer as text has done to the file. */
const MAGIC = Buffer.from("\x89PMT\r\n\x1a", "latin1");

export const VERSION = 1;

/** The magic, then one byte with the version. */
export const START = Buffer.concat([MAGIC, Buffer.of(VERSION)]);

export const ChunkType = { header: "HEAD", events: "EVTS", summary: "DONE" } as const;
export type ChunkType = (typeof ChunkType)[keyof typeof ChunkType];

/** Limits of a chunk. They bound the memory that any file can make a reader take. */
export const MAX_EVENTS = 65536;
export const MAX_BYTES = 1 << 20;

export const CHUNK_HEADER_BYTES = 16;

export interface ChunkHeader {
  readonly type: ChunkType;
  /** Bytes of the payload: in the file, and inflated. */
  readonly stored: number;
  readonly inflated: number;
  /** 0 in chunks of another type. */
  readonly events: number;
}

/** What is wrong with a part of a file; who reads the file says which, and where. */
export class DamageError extends Error {
  override readonly name = "DamageError";
}

/** A file that is no trace, or a damaged one. */
export class TraceError extends UsageError {
  /** Where in the file: what is wrong begins there. */
  readonly offset: number;

  constructor(path: string, offset: number, problem: string) {
    super(`${path}: at byte ${offset}: ${problem}`);
    this.offset = offset;
  }
}

/** @throws DamageError unless a file that starts like this is a trace of our version */
export function checkStart(bytes: Uint8Array): void {
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) {
    throw new DamageError("this is not a trace of pymalloc record");
  }
  const version = bytes[MAGIC.length];
  if (version !== VERSION) {
    throw new DamageError(`this trace has version ${version ?? "none"}, expected ${VERSION}`);
  }
}

/** A whole chunk. @throws RangeError when the payload is beyond the limits */
export function packChunk(type: ChunkType, payload: Uint8Array, events: number): Buffer {
  const body = deflateSync(payload, { level: constants.Z_BEST_COMPRESSION });
  if (payload.length > MAX_BYTES || body.length > MAX_BYTES || events > MAX_EVENTS) {
    throw new RangeError(`trace: a chunk ${type} of ${payload.length} bytes is too long`);
  }
  const header = Buffer.alloc(CHUNK_HEADER_BYTES);
  header.write(type, 0, "latin1");
  header.writeUInt32LE(body.length, 4);
  header.writeUInt32LE(payload.length, 8);
  header.writeUInt32LE(events, 12);
  return Buffer.concat([header, body]);
}

/** @throws DamageError when it is none, or demands more than the limits */
export function readChunkHeader(bytes: Buffer): ChunkHeader {
  const name = bytes.toString("latin1", 0, 4);
  const type = Object.values(ChunkType).find((known) => known === name);
  if (type === undefined) {
    throw new DamageError(
      `expected the start of a chunk, found ${JSON.stringify(name)} (is the length of the one before it wrong?)`,
    );
  }
  const [stored, inflated, events] = [4, 8, 12].map((at) => bytes.readUInt32LE(at)) as [
    number,
    number,
    number,
  ];
  if (stored > MAX_BYTES || inflated > MAX_BYTES) {
    throw new DamageError(
      `the chunk ${type} claims ${stored} bytes, ${inflated} inflated; the limit is ${MAX_BYTES}`,
    );
  }
  const most = type === ChunkType.events ? MAX_EVENTS : 0;
  if (events > most) {
    throw new DamageError(`the chunk ${type} claims ${events} events; the limit is ${most}`);
  }
  return { type, stored, inflated, events };
}

/** Inflates a payload. @throws DamageError unless it is whole and undamaged */
export function unpackChunk({ type, inflated }: ChunkHeader, body: Buffer): Buffer {
  let result: { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
  try {
    // With `info`, the stream is told as well: bytes after its end would be ignored otherwise.
    const options = { maxOutputLength: Math.max(inflated, 1), info: true };
    result = inflateSync(body, options) as unknown as typeof result;
  } catch (error) {
    throw new DamageError(`the chunk ${type} is damaged: ${(error as Error).message}`);
  }
  if (result.engine.bytesWritten !== body.length || result.buffer.length !== inflated) {
    throw new DamageError(
      `the chunk ${type} is damaged: ${result.engine.bytesWritten} of ${body.length} bytes ` +
        `inflate to ${result.buffer.length}, expected ${inflated}`,
    );
  }
  return result.buffer;
}
