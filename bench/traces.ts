/** The committed traces, played on every allocator: time and memory. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Contestant, makeContestants } from "../cli/replay/contestants.js";
import { type ReplayResult, replay } from "../cli/replay/replay.js";
import { makeTape } from "../cli/replay/tape.js";
import { readTrace } from "../cli/trace/reader.js";
import { geometricMean } from "./paired.js";

export interface TraceResult {
  readonly name: string;
  readonly events: number;
  readonly peakLiveBytes: number;
  readonly results: readonly ReplayResult[];
}

/** An allocator over all traces. */
export interface TraceMeans {
  readonly allocator: string;
  readonly title: string;
  /** Geometric means of the ratios to dlmalloc's time: over used memory, and over untouched memory. */
  readonly warm: number;
  readonly fresh: number;
  /** Geometric mean of memory taken / peak live bytes, over the traces above 1 MB of live bytes. */
  readonly memory: number;
}

export interface TraceResults {
  readonly rounds: number;
  readonly traces: readonly TraceResult[];
  readonly means: readonly TraceMeans[];
}

const folder = fileURLToPath(new URL("traces/", import.meta.url));
const MEGABYTE = 1e6;

/** What the table compares; the two that are no allocators are for `pymalloc replay`. */
const COMPARED = ["pymalloc", "dlmalloc", "mimalloc", "pymalloc-tlsf", "tlsf"];

export async function benchTraces(rounds: number): Promise<TraceResults> {
  const contestants = await makeContestants(COMPARED);
  const traces: TraceResult[] = [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".pmt"));
  for (const file of files.sort()) {
    const trace = await readTrace(`${folder}${file}`);
    const tape = await makeTape(trace.chunks());
    const options = { contestants, base: "dlmalloc", rounds, freshRounds: 3, step() {} };
    traces.push({
      name: file.replace(".pmt", ""),
      events: tape.events,
      peakLiveBytes: tape.peak.bytes,
      results: replay(tape, options),
    });
  }
  const means = COMPARED.map((allocator, index) => {
    const of = (value: (result: ReplayResult) => number, among = traces) =>
      geometricMean(among.map(({ results }) => value(results[index] as ReplayResult)));
    const long = traces.filter(({ peakLiveBytes }) => peakLiveBytes > MEGABYTE);
    return {
      allocator,
      title: (contestants[allocator] as Contestant).title,
      warm: of(({ warm }) => warm.ratio),
      fresh: of(({ fresh }) => fresh.ratio),
      memory: of(({ perLiveByte }) => perLiveByte, long),
    };
  });
  return { rounds, traces, means };
}
