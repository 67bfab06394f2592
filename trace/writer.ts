/** Writing a trace, chunk by chunk. */
import {
  closeSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { notice, temporaryName, writing } from "../process/process.js";
import { encodeEvents } from "./columns.js";
import { Books } from "./event-books.js";
import type { EventChunk, TraceHeader, TraceSummary } from "./events.js";
import { ChunkType, MAX_EVENTS, packChunk, START } from "./format.js";

function json(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** What a trace is worth so far: it can be ended behind so many bytes, and take its name. */
interface UnfinishedTrace {
  readonly output: string;
  readonly bytes: number;
  readonly summary: TraceSummary;
}

/** Ends a trace whose writer was stopped: what was whole of it takes its name. @throws UsageError */
export function rescueTrace(temporary: string, unfinished: unknown): void {
  const { output, bytes, summary } = unfinished as UnfinishedTrace;
  writing(output, () => {
    truncateSync(temporary, bytes);
    writeFileSync(temporary, packChunk(ChunkType.summary, json(summary), 0), { flag: "a" });
    renameSync(temporary, output);
  });
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
    this.#temporary = temporaryName(path);
    notice({ kind: "leftover", path: this.#temporary });
    this.#file = writing(path, () => openSync(this.#temporary, "wx"));
    // A process may end before its time, as at an error that nobody foresaw.
    process.once("exit", this.#discard);
    this.#append(START);
    this.#append(writing(path, () => packChunk(ChunkType.header, json(header), 0)));
    this.#noticeState();
  }

  #append(bytes: Uint8Array): void {
    writing(this.#path, () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    });
    this.#bytes += bytes.length;
  }

  /** What is in the file by now could be ended here. */
  #noticeState(): void {
    const unfinished: UnfinishedTrace = {
      output: this.#path,
      bytes: this.#bytes,
      summary: this.#books.summary(),
    };
    notice({ kind: "leftover", path: this.#temporary, unfinished });
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
      this.#noticeState();
    }
  }

  /** Ends the trace and gives it its name. */
  finish(): { readonly bytes: number; readonly summary: TraceSummary } {
    const summary = this.#books.summary();
    this.#append(packChunk(ChunkType.summary, json(summary), 0));
    this.#close();
    writing(this.#path, () => renameSync(this.#temporary, this.#path));
    notice({ kind: "done", path: this.#temporary });
    return { bytes: this.#bytes, summary };
  }

  /** Takes away what was written, unless it is finished. */
  discard(): void {
    if (this.#open) this.#close();
    rmSync(this.#temporary, { force: true });
    notice({ kind: "done", path: this.#temporary });
  }

  #close(): void {
    this.#open = false;
    process.off("exit", this.#discard);
    closeSync(this.#file);
  }
}
