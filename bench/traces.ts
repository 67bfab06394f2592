/** The committed traces, played on every allocator: time and memory. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makeContestants, makeTape, type ReplayResult, replay } from "../measure/measure.js";
import { readTrace } from "../trace/trace.js";
import { geometricMean } from "./paired.js";
import { placeContestants, type Spread, spreadOf } from "./placements.js";
import { inProcess } from "./processes.js";

/** A trace in one process. */
interface PlayedTrace {
  readonly name: string;
  readonly events: number;
  readonly peakLiveBytes: number;
  readonly results: readonly ReplayResult[];
}

/** An allocator on a trace. */
export interface TraceTimes extends Omit<ReplayResult, "warm" | "fresh"> {
  /** Nanoseconds an event, over used memory. */
  readonly nanoseconds: Spread;
  /** Ratios to dlmalloc's time in the same process: over used memory, and over untouched memory. */
  readonly warm: Spread;
  readonly fresh: Spread;
}

export interface TraceResult extends Omit<PlayedTrace, "results"> {
  readonly results: readonly TraceTimes[];
}

/** An allocator over all traces. */
export interface TraceMeans {
  readonly allocator: string;
  readonly title: string;
  /** Geometric means of the ratios. */
  readonly warm: Spread;
  readonly fresh: Spread;
  /** Geometric mean of memory taken / peak live bytes, over the traces above 1 MB of live bytes. */
  readonly memory: number;
}

export interface TraceResults {
  /** Each with a placement of the code of its own. */
  readonly processes: number;
  /** In each process; of them the shortest counts. */
  readonly rounds: number;
  readonly traces: readonly TraceResult[];
  readonly means: readonly TraceMeans[];
}

/** What the table compares; the two that are no allocators are for `pymalloc replay`. */
const COMPARED = ["pymalloc", "dlmalloc", "mimalloc", "pymalloc-tlsf", "tlsf"];
const BASE = "dlmalloc";

const folder = fileURLToPath(new URL("traces/", import.meta.url));
const MEGABYTE = 1e6;

/** Plays each of the traces in this process. @param seed of the placement */
export async function playTraces(rounds: number, seed: number): Promise<PlayedTrace[]> {
  const contestants = await makeContestants(COMPARED);
  placeContestants(Object.values(contestants), seed);
  const traces: PlayedTrace[] = [];
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

/** The figures of one allocator on one trace, of all processes. The memory is the same in each. */
function timesOf(results: readonly ReplayResult[]): TraceTimes {
  return {
    ...(results[0] as ReplayResult),
    nanoseconds: spreadOf(results.map(({ warm }) => warm.min)),
    warm: spreadOf(results.map(({ warm }) => warm.ratio)),
    fresh: spreadOf(results.map(({ fresh }) => fresh.ratio)),
  };
}

/** Plays the traces in several processes, one after the other. */
export async function benchTraces(processes: number, rounds: number): Promise<TraceResults> {
  const played: PlayedTrace[][] = [];
  for (let seed = 1; seed <= processes; seed++) {
    played.push(await inProcess("traces-process.ts", [`${rounds}`, `${seed}`]));
  }
  const [first] = played as [PlayedTrace[]];
  const traces = first.map((trace, at) => ({
    ...trace,
    results: trace.results.map((_, index) =>
      timesOf(played.map((process) => process[at]?.results[index] as ReplayResult)),
    ),
  }));
  const means = COMPARED.map((allocator, index) => {
    const over = (value: (result: ReplayResult) => number, among: readonly PlayedTrace[]) =>
      geometricMean(among.map(({ results }) => value(results[index] as ReplayResult)));
    return {
      allocator,
      title: first[0]?.results[index]?.title ?? allocator,
      warm: spreadOf(played.map((process) => over(({ warm }) => warm.ratio, process))),
      fresh: spreadOf(played.map((process) => over(({ fresh }) => fresh.ratio, process))),
      memory: over(
        ({ perLiveByte }) => perLiveByte,
        first.filter(({ peakLiveBytes }) => peakLiveBytes > MEGABYTE),
      ),
    };
  });
  return { processes, rounds, traces, means };
}
