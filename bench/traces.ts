/** The committed traces, played on every allocator: time and memory. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makeContestants, makeTape, type ReplayResult, replay } from "../measure/measure.js";
import { megabytes, whole } from "../process/process.js";
import { readTrace } from "../trace/trace.js";
import type { Engine } from "./engines.js";
import { geometricMean } from "./paired.js";
import { inPlacements, PLACEMENTS, placeContestants, type Spread, spreadOf } from "./placements.js";
import { ns, ratio, ratios, table } from "./table.js";

/** A trace in one process. */
interface PlayedTrace {
  readonly name: string;
  readonly events: number;
  readonly peakLiveBytes: number;
  readonly results: readonly ReplayResult[];
}

/** An allocator on a trace. */
interface TraceTimes extends Omit<ReplayResult, "warm" | "fresh"> {
  /** Nanoseconds an event, over used memory. */
  readonly nanoseconds: Spread;
  /** Ratios to dlmalloc's time in the same process: over used memory, and over untouched memory. */
  readonly warm: Spread;
  readonly fresh: Spread;
}

interface TraceResult extends Omit<PlayedTrace, "results"> {
  readonly results: readonly TraceTimes[];
}

/** An allocator over all traces. */
interface TraceMeans {
  readonly allocator: string;
  readonly title: string;
  /** Geometric means of the ratios. */
  readonly warm: Spread;
  readonly fresh: Spread;
  /** Geometric mean of memory taken / peak live bytes, over the traces above 1 MB of live bytes. */
  readonly memory: number;
}

export interface TraceResults {
  readonly placements: number;
  /** In each placement; of them the shortest counts. */
  readonly rounds: number;
  readonly traces: readonly TraceResult[];
  readonly means: readonly TraceMeans[];
}

/** What the table compares; the two that are no allocators are for `pymalloc replay`. */
const COMPARED = ["pymalloc", "dlmalloc", "mimalloc", "pymalloc-own", "malloc"];
const BASE = "dlmalloc";

const folder = fileURLToPath(new URL("traces/", import.meta.url));
const MEGABYTE = 1e6;
const ROUNDS = 4;
const FRESH_ROUNDS = 3;

/** Plays each of the traces in this process. @param seed of the placement */
export async function playTraces(seed: number): Promise<PlayedTrace[]> {
  const contestants = await makeContestants(COMPARED);
  placeContestants(Object.values(contestants), seed);
  const traces: PlayedTrace[] = [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".pmt"));
  for (const file of files.sort()) {
    const trace = await readTrace(`${folder}${file}`);
    const tape = await makeTape(trace.chunks());
    const rounds = { rounds: ROUNDS, freshRounds: FRESH_ROUNDS };
    traces.push({
      name: file.replace(".pmt", ""),
      events: tape.events,
      peakLiveBytes: tape.peak.bytes,
      results: replay(tape, { contestants, base: BASE, ...rounds, step() {} }),
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

/** Plays the traces on an engine. */
export async function benchTraces(engine: Engine): Promise<TraceResults> {
  const played = await inPlacements((seed) => engine.run(import.meta.url, playTraces, seed));
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
  return { placements: PLACEMENTS, rounds: ROUNDS, traces, means };
}

export function renderTraces({ placements, rounds, traces, means }: TraceResults): string {
  const base = means.findIndex(({ allocator }) => allocator === BASE);
  const others = means.filter((_, index) => index !== base);
  const columns = (all: readonly Pick<TraceMeans, "warm" | "fresh">[]) =>
    all.flatMap(({ warm, fresh }, index) => (index === base ? [] : [ratios(warm), ratios(fresh)]));
  const times = table(
    ["time of", "dlmalloc", ...others.flatMap(({ allocator }) => [allocator, "untouched"])],
    [
      ...traces.map(({ name, results }) => [
        name,
        ns((results[base] as TraceTimes).nanoseconds.mean),
        ...columns(results),
      ]),
      ["**geometric mean**", "", ...columns(means)],
    ],
  );
  const memory = table(
    ["memory of", "events", "live at most", ...means.map(({ allocator }) => allocator)],
    [
      ...traces.map(({ name, events, peakLiveBytes, results }) => [
        name,
        whole(events),
        megabytes(peakLiveBytes),
        ...results.map(({ perLiveByte }) => ratio(perLiveByte)),
      ]),
      ["**geometric mean**", "", "", ...means.map((mean) => ratio(mean.memory))],
    ],
  );
  return [
    times,
    "",
    memory,
    "",
    `\`pymalloc replay\` with ${placements} placements of the code: in each the shortest of ${rounds} rounds in turn, against dlmalloc's; shown`,
    "are the mean and the range of the placements. Time per event over used memory, and over untouched memory. Each is",
    "called by WebAssembly from another instance. Memory: what is taken from the system against the most live bytes",
    "(its mean is over the traces above 1 MB).",
  ].join("\n");
}
