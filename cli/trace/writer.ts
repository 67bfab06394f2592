/** Writing a trace, chunk by chunk. */
import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { UsageError } from "../errors.js";
import { Books } from "./books.js";
import { encodeEvents } from "./columns.js";
import type { EventChunk, TraceHeader, TraceSummary } from "./events.js";
import { ChunkType, MAX_EVENTS, packChunk, START } from "./format.js";

function json(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * A trace that is being written, under a temporary name beside its own: under its own name there is only ever
 * a whole one. It needs memory for a chunk, and for the live blocks' sizes.
 */
export class TraceWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: number;
  readonly #books = new Books();
  readonly #discard = () => this.discard();
  #bytes = 0;
  #open = true;

  /** @throws UsageError where no file can be written */
  constructor(path: string, header: TraceHeader) {
    this.#path = path;
    this.#temporary = `${path}.${process.pid}.tmp`;
    this.#file = this.#attempt(() => openSync(this.#temporary, "wx"));
    // A process may end before its time, as at an error that nobody foresaw.
    process.once("exit", this.#discard);
    this.#append(START);
    this.#append(packChunk(ChunkType.header, json(header), 0));
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new UsageError(`${this.#path} can't be written: ${(error as Error).message}`);
    }
  }

  #append(bytes: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    });
    this.#bytes += bytes.length;
  }

  /** @throws DamageError when the events can't follow those before; UsageError when the disk is full */
  write({ count, ops, blocks, sizes }: EventChunk): void {
    for (let from = 0; from < count; from += MAX_EVENTS) {
      const to = Math.min(from + MAX_EVENTS, count);
      const part: EventChunk = {
        count: to - from,
        ops: ops.subarray(from, to),
        blocks: blocks.subarray(from, to),
        sizes: sizes.subarray(from, to),
      };
      this.#books.add(part);
      this.#append(packChunk(ChunkType.events, encodeEvents(part), part.count));
    }
  }

  /** Ends the trace and gives it its name. */
  finish(): { readonly bytes: number; readonly summary: TraceSummary } {
    const summary = this.#books.summary();
    this.#append(packChunk(ChunkType.summary, json(summary), 0));
    this.#close();
    this.#attempt(() => renameSync(this.#temporary, this.#path));
    return { bytes: this.#bytes, summary };
  }

  /** Takes away what was written, unless it is finished. */
  discard(): void {
    if (this.#open) this.#close();
    rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    this.#open = false;
    process.off("exit", this.#discard);
    closeSync(this.#file);
  }
}
