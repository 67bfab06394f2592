/** The committed traces, played on every allocator: time and memory. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  makeContestants,
  makeTape,
  median,
  type ReplayResult,
  replay,
  type Times,
} from "../measure/measure.js";
import { readTrace } from "../trace/trace.js";
import { geometricMean } from "./paired.js";
import { inProcess } from "./processes.js";

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
  readonly processes: number;
  /** In each process. */
  readonly rounds: number;
  readonly traces: readonly TraceResult[];
  readonly means: readonly TraceMeans[];
}

/** What the table compares; the two that are no allocators are for `pymalloc replay`. */
const COMPARED = ["pymalloc", "dlmalloc", "mimalloc", "pymalloc-tlsf", "tlsf"];
const BASE = "dlmalloc";

const folder = fileURLToPath(new URL("traces/", import.meta.url));
const MEGABYTE = 1e6;

/** Plays each of the traces in this process. */
export async function playTraces(rounds: number): Promise<TraceResult[]> {
  const contestants = await makeContestants(COMPARED);
  const traces: TraceResult[] = [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".pmt"));
  for (const file of files.sort()) {
    const trace = await readTrace(`${folder}${file}`);
    const tape = await makeTape(trace.chunks());
    const options = { contestants, base: BASE, rounds, freshRounds: 3, step() {} };
    traces.push({
      name: file.replace(".pmt", ""),
      events: tape.events,
      peakLiveBytes: tape.peak.bytes,
      results: replay(tape, options),
    });
  }
  return traces;
}

/** The shortest round of all processes against the base's shortest; and the median of the processes' medians. */
function together(times: readonly Times[], base: readonly Times[]): Times {
  const min = Math.min(...times.map((one) => one.min));
  return {
    min,
    median: median(times.map((one) => one.median)),
    ratio: min / Math.min(...base.map((one) => one.min)),
  };
}

/** One result of several processes. The memory is the same in each. */
function merge(processes: readonly TraceResult[][]): TraceResult[] {
  return (processes[0] as TraceResult[]).map((trace, at) => {
    const of = (index: number, when: "warm" | "fresh") =>
      processes.map((traces) => (traces[at] as TraceResult).results[index]?.[when] as Times);
    const base = COMPARED.indexOf(BASE);
    const results = trace.results.map((result, index) => ({
      ...result,
      warm: together(of(index, "warm"), of(base, "warm")),
      fresh: together(of(index, "fresh"), of(base, "fresh")),
    }));
    return { ...trace, results };
  });
}

/**
 * Plays the traces in several processes, one after the other: where an engine happens to put the compiled code
 * makes an allocator up to a third slower for the whole life of a process.
 */
export async function benchTraces(processes: number, rounds: number): Promise<TraceResults> {
  const played: TraceResult[][] = [];
  for (let index = 0; index < processes; index++) {
    played.push(await inProcess("traces-process.ts", [`${rounds}`]));
  }
  const traces = merge(played);
  const means = COMPARED.map((allocator, index) => {
    const of = (value: (result: ReplayResult) => number, among = traces) =>
      geometricMean(among.map(({ results }) => value(results[index] as ReplayResult)));
    const long = traces.filter(({ peakLiveBytes }) => peakLiveBytes > MEGABYTE);
    return {
      allocator,
      title: traces[0]?.results[index]?.title ?? allocator,
      warm: of(({ warm }) => warm.ratio),
      fresh: of(({ fresh }) => fresh.ratio),
      memory: of(({ perLiveByte }) => perLiveByte, long),
    };
  });
  return { processes, rounds, traces, means };
}
