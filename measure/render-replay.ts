/** The results of a replay as text. */
import { megabytes, percent, printable, table, whole } from "../process/process.js";
import type { JavaScriptResult } from "./javascript-records.js";
import type { Breakdown, ReplayResult } from "./replay.js";

export interface ReplayReport {
  readonly trace: string;
  readonly program: string;
  readonly events: number;
  readonly peakLiveBytes: number;
  readonly peakLiveBlocks: number;
  readonly rounds: number;
  readonly base: string;
  readonly results: readonly ReplayResult[];
  readonly javascript?: JavaScriptResult;
}

const ns = (time: number) => time.toFixed(2);
const ratio = (value: number) => value.toFixed(3);

const parts: Record<keyof Breakdown, string> = {
  requested: "asked for by the program",
  roundingUp: "rounding up to a size class",
  freeBlocks: "free blocks in pools",
  poolHeaders: "pool headers",
  poolTails: "what is left at the end of pools (quantization)",
  unusedPools: "unused pools",
  arenaAlignment: "arena alignment",
  systemMalloc: "the system malloc's: large blocks' headers, holes, tables",
  taken: "taken from the memory",
};

function renderBreakdown({ title }: ReplayResult, breakdown: Breakdown): string[] {
  const rows = Object.entries(parts).map(([key, name]) => {
    const bytes = breakdown[key as keyof Breakdown];
    return [`  ${name}`, whole(bytes), percent(bytes / breakdown.taken)];
  });
  return ["", `${title}, at the moment of the most live bytes:`, ...table(rows)];
}

export function renderReplay(report: ReplayReport): string {
  const { results, javascript } = report;
  const head = [
    "allocator",
    "warm",
    "median",
    "ratio",
    "fresh",
    "ratio",
    "memory",
    "per live byte",
  ];
  const rows = results.map(({ title, warm, fresh, takenBytes, perLiveByte }) => [
    title,
    ns(warm.min),
    ns(warm.median),
    ratio(warm.ratio),
    ns(fresh.min),
    ratio(fresh.ratio),
    megabytes(takenBytes, 2),
    ratio(perLiveByte),
  ]);
  const failed = results.filter(({ failures, allocator }) => failures > 0 && allocator !== "floor");
  return [
    "",
    `${printable(`${report.trace}: ${report.program}`)}, ${whole(report.events)} events, at most ${whole(report.peakLiveBlocks)} live`,
    `blocks of ${whole(report.peakLiveBytes)} bytes; ${report.rounds} rounds, in turn. Nanoseconds per event (shortest, median), each`,
    `allocator called by WebAssembly from another instance; ratios are to ${report.base}. "Fresh" is the first pass`,
    "over a memory that nobody used. Memory is what was taken from it at most.",
    "",
    ...table([head, ...rows]),
    ...failed.map(({ title, failures }) => `${title}: ${whole(failures)} requests got no memory`),
    ...(javascript === undefined
      ? []
      : [
          "",
          `@thi.ng/malloc, called from JavaScript on the first ${whole(javascript.events)} events: ${ns(javascript.min)} ns per event,`,
          `${javascript.ratio.toFixed(1)} times ${report.base} called from there (${ns(javascript.baseMin)} ns)`,
        ]),
    ...results.flatMap((result) =>
      result.breakdown === undefined ? [] : renderBreakdown(result, result.breakdown),
    ),
    "",
  ].join("\n");
}
