/** Traces for tests. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import fc from "fast-check";
import { type EventChunk, Op, type TraceHeader, type TraceSummary } from "../../trace/events.js";
import { readTrace } from "../../trace/reader.js";
import { TraceWriter } from "../../trace/writer.js";

export const header: TraceHeader = {
  program: "program.py",
  arguments: ["-x", "ü"],
  python: "3.14.2 (main)",
  pyodide: "314.0.7",
};

/** An event as [operation, block, size]. */
export type Event = readonly [op: keyof typeof Op, block: number, size?: number];

export function chunkOf(events: readonly Event[]): EventChunk {
  return {
    count: events.length,
    ops: Uint8Array.from(events, ([op]) => Op[op]),
    blocks: Uint32Array.from(events, ([, block]) => block),
    sizes: Uint32Array.from(events, ([, , size]) => size ?? 0),
  };
}

export function eventsOf({ count, ops, blocks, sizes }: EventChunk): Event[] {
  const names = Object.keys(Op) as (keyof typeof Op)[];
  return Array.from({ length: count }, (_, i) => {
    const name = names[ops[i] as number] as keyof typeof Op;
    const block = blocks[i] as number;
    return name === "free" ? [name, block] : [name, block, sizes[i] as number];
  });
}

/** A folder that is gone after the tests. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "pymalloc-trace-")));
  after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes a trace with a chunk for each of the lists. */
export function writeTrace(path: string, chunks: readonly (readonly Event[])[]): TraceSummary {
  const writer = new TraceWriter(path, header);
  for (const events of chunks) writer.write(chunkOf(events));
  return writer.finish().summary;
}

/** All events of a trace. */
export async function readEvents(path: string): Promise<Event[]> {
  const events: Event[] = [];
  for await (const chunk of (await readTrace(path)).chunks()) events.push(...eventsOf(chunk));
  return events;
}

const sizes = fc.oneof(
  fc.nat({ max: 600 }),
  fc.constantFrom(127, 128, 16383, 16384, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32 - 1),
);

/** Sequences that can have happened: each step's number chooses among the live blocks. */
export const sequences: fc.Arbitrary<Event[]> = fc
  .array(fc.tuple(fc.constantFrom(...(Object.keys(Op) as (keyof typeof Op)[])), fc.nat(), sizes))
  .map((steps) => {
    const live: number[] = [];
    let next = 0;
    return steps.map(([op, choice, size]): Event => {
      if (op === "malloc" || op === "calloc" || live.length === 0) {
        live.push(next);
        return [op === "calloc" ? op : "malloc", next++, size];
      }
      const at = choice % live.length;
      if (op === "realloc") return [op, live[at] as number, size];
      return [op, live.splice(at, 1)[0] as number];
    });
  });
