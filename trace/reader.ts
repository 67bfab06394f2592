/** Reading a trace, chunk by chunk. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { UsageError } from "../process/process.js";
import { decodeEvents } from "./columns.js";
import { Books } from "./event-books.js";
import type { EventChunk, TraceHeader, TraceSummary } from "./events.js";
import {
  CHUNK_HEADER_BYTES,
  type ChunkHeader,
  ChunkType,
  checkStart,
  DamageError,
  readChunkHeader,
  START,
  TraceError,
  unpackChunk,
} from "./format.js";

export interface Trace {
  readonly header: TraceHeader;
  readonly summary: TraceSummary;
  /** Length of the file. */
  readonly bytes: number;
  /**
   * The events, a chunk at a time, each checked: a block is live when it is freed or reallocated, and in the end
   * everything is as the summary says. It can be called any number of times.
   *
   * @throws TraceError that names the offset
   */
  chunks(): AsyncGenerator<EventChunk, void>;
}

/** A chunk, and where it begins. */
interface Located extends ChunkHeader {
  readonly offset: number;
}

/** An open file whose damages are told with its name and the offset. */
class TraceFile {
  readonly path: string;
  readonly bytes: number;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.path = path;
    this.#handle = handle;
    this.bytes = bytes;
  }

  /** Opens the file for as long as `use` takes. @throws UsageError when it can't be read */
  static async with<T>(path: string, use: (file: TraceFile) => Promise<T>): Promise<T> {
    const file = await TraceFile.open(path);
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }

  static async open(path: string): Promise<TraceFile> {
    try {
      // A pipe is not to be opened: that waits for whoever writes into it.
      const { size } = await stat(path).then((found) => {
        if (found.isFile()) return found;
        throw new UsageError(`${path} is not a file, expected a trace`);
      });
      return new TraceFile(path, await open(path), size);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      throw new UsageError(
        code === "ENOENT" ? `no such file: ${path}` : `${path} can't be read: ${message}`,
      );
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #read(offset: number, length: number, what: string): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.min(length, this.bytes - offset));
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await this.#handle.read(
        bytes,
        done,
        bytes.length - done,
        offset + done,
      );
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    if (bytes.length === length) return bytes;
    const left = `${bytes.length} of ${length} bytes are left`;
    throw new TraceError(this.path, offset, `the trace is truncated: ${left} for ${what}`);
  }

  /** Does the work, whose damages are at this offset. */
  #at<T>(offset: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      throw new TraceError(this.path, offset, error.message);
    }
  }

  /** The chunks in order: a header, events, a summary, and nothing after it. */
  async *chunks(): AsyncGenerator<Located, void> {
    const start = await this.#read(0, Math.min(START.length, this.bytes), "the start");
    this.#at(0, () => checkStart(start));
    let offset = START.length;
    let expected: readonly ChunkType[] = [ChunkType.header];
    while (expected.length > 0) {
      const bytes = await this.#read(
        offset,
        CHUNK_HEADER_BYTES,
        `a chunk ${expected.join(" or ")}`,
      );
      const header = this.#at(offset, () => readChunkHeader(bytes));
      const { type, stored } = header;
      if (!expected.includes(type)) {
        const wanted = expected.join(" or ");
        throw new TraceError(this.path, offset, `expected a chunk ${wanted}, found ${type}`);
      }
      const end = offset + CHUNK_HEADER_BYTES + stored;
      if (end > this.bytes) {
        const left = this.bytes - offset - CHUNK_HEADER_BYTES;
        const problem = `the trace is truncated: ${left} of ${stored} bytes of the chunk ${type}`;
        throw new TraceError(this.path, offset, problem);
      }
      yield { ...header, offset };
      offset = end;
      expected = type === ChunkType.summary ? [] : [ChunkType.events, ChunkType.summary];
    }
    if (offset !== this.bytes) {
      const problem = `${this.bytes - offset} bytes follow the end of the trace`;
      throw new TraceError(this.path, offset, problem);
    }
  }

  /** What a chunk holds, read by `decode`. */
  async payload<T>(chunk: Located, decode: (payload: Buffer) => T): Promise<T> {
    const { offset, stored, type } = chunk;
    const body = await this.#read(offset + CHUNK_HEADER_BYTES, stored, `the chunk ${type}`);
    return this.#at(offset, () => decode(unpackChunk(chunk, body)));
  }
}

const headerFields: Record<keyof TraceHeader, string> = {
  program: "string",
  arguments: "object",
  python: "string",
  pyodide: "string",
};

const summaryFields: Record<keyof TraceSummary, string> = {
  events: "number",
  mallocs: "number",
  callocs: "number",
  reallocs: "number",
  frees: "number",
  peakLiveBytes: "number",
  peakLiveBlocks: "number",
};

/** A JSON object with these fields. Others may come in later versions, and are left alone. */
function parseJson<T>(payload: Buffer, fields: Record<keyof T & string, string>): T {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch {
    value = undefined;
  }
  for (const [field, type] of Object.entries(fields)) {
    const found = (value as Record<string, unknown> | null | undefined)?.[field];
    if (typeof found !== type) throw new DamageError(`expected JSON with the ${type} "${field}"`);
  }
  return value as T;
}

function parseHeader(payload: Buffer): TraceHeader {
  const header = parseJson<TraceHeader>(payload, headerFields);
  const words: unknown = header.arguments;
  if (Array.isArray(words) && words.every((word) => typeof word === "string")) return header;
  throw new DamageError('expected JSON with a list of strings "arguments"');
}

/**
 * Opens a trace. Its ends are read and the chunks between them are counted off, so that a truncated file is
 * found out before any event of it is used.
 *
 * @throws UsageError when it can't be read; TraceError, which names the offset, when it is no whole trace
 */
export async function readTrace(path: string): Promise<Trace> {
  return await TraceFile.with(path, async (file) => {
    let header: TraceHeader | undefined;
    let summary: TraceSummary | undefined;
    for await (const chunk of file.chunks()) {
      if (chunk.type === ChunkType.header) header = await file.payload(chunk, parseHeader);
      if (chunk.type === ChunkType.summary) {
        summary = await file.payload(chunk, (payload) =>
          parseJson<TraceSummary>(payload, summaryFields),
        );
      }
    }
    return {
      header: header as TraceHeader,
      summary: summary as TraceSummary,
      bytes: file.bytes,
      chunks: () => readChunks(path),
    };
  });
}

async function* readChunks(path: string): AsyncGenerator<EventChunk, void> {
  const file = await TraceFile.open(path);
  try {
    const books = new Books();
    for await (const chunk of file.chunks()) {
      if (chunk.type === ChunkType.events) {
        yield await file.payload(chunk, (payload) => {
          const events = decodeEvents(payload, chunk.events, books.blocks);
          books.add(events);
          return events;
        });
      } else if (chunk.type === ChunkType.summary) {
        await file.payload(chunk, (payload) => checkSummary(payload, books.summary()));
      }
    }
  } finally {
    await file.close();
  }
}

function checkSummary(payload: Buffer, booked: TraceSummary): void {
  const summary = parseJson<TraceSummary>(payload, summaryFields);
  for (const field of Object.keys(summaryFields) as (keyof TraceSummary)[]) {
    if (summary[field] !== booked[field]) {
      const found = `the events before it make ${booked[field]}`;
      throw new DamageError(`the summary's ${field} is ${summary[field]}, ${found}`);
    }
  }
}
