/** The measured figures as Markdown: all of them for results.md, and the main ones for the README. */
import { megabytes, percent, whole } from "../process/process.js";
import type { GuestResults } from "./guests.js";
import type { JavaScriptResults } from "./javascript.js";
import type { MemoryResult } from "./memory.js";
import type { Spread } from "./placements.js";
import type { ProgramResult, PythonResults, Ratios } from "./python.js";
import type { Pattern, RecordsResults } from "./records.js";
import type { TraceMeans, TraceResults, TraceTimes } from "./traces.js";

/** With what a part was measured, and on what. */
export interface Conditions {
  readonly version: string;
  readonly node: string;
  readonly cpu: string;
  /** Bytes of build/core.wasm. */
  readonly coreBytes: number;
}

interface Measured<Figures> extends Conditions {
  readonly figures: Figures;
}

export interface Results {
  readonly javascript: Measured<JavaScriptResults>;
  readonly python: Measured<PythonResults>;
  readonly memory: Measured<readonly MemoryResult[]>;
  readonly traces: Measured<TraceResults>;
  readonly guests: Measured<GuestResults>;
  readonly records: Measured<RecordsResults>;
}

export type Part = keyof Results;

/** A table with the columns under each other; all but the first are numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((cells) => (cells[column] as string).length)),
  );
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, column) => {
      const width = widths[column] as number;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

const ns = (value: number) => `${value.toFixed(1)} ns`;
const ratio = (value: number) => value.toFixed(3);

function renderJavaScript({ pair, pairRatio, churn, thingRatio, createHeap }: JavaScriptResults) {
  const rows = [
    ["two calls of an empty export", ns(pair.empty), ""],
    ["**pymalloc**", `**${ns(pair.pymalloc)}**`, `**${ns(churn.pymalloc)}**`],
    ["TLSF (AssemblyScript's)", ns(pair.tlsf), ns(churn.tlsf)],
    ["@thi.ng/malloc", ns(pair.thing), ns(churn.thing)],
  ];
  return [
    table(
      ["malloc + free of 48 bytes, from JavaScript", "no other block", "10,000 live blocks"],
      rows,
    ),
    "",
    `A pair costs ${pairRatio.toFixed(2)} times two empty calls (median of the rounds); with 10,000 live`,
    `blocks @thi.ng/malloc takes ${thingRatio.toFixed(0)} times as long. \`createHeap()\` takes`,
    `${createHeap.median.toFixed(2)} ms (median; longest ${createHeap.longest.toFixed(2)} ms) in a process that made one before.`,
  ].join("\n");
}

const times = (ofMinima: number, median: number) => `${ratio(ofMinima)} (${ratio(median)})`;

/** The cells of the ratios; what only programs have comes in between. */
function pythonRow(of: Ratios, name: string, program?: ProgramResult): string[] {
  return [
    name,
    program ? `${program.milliseconds.toFixed(0)} ms` : "",
    times(of.ofMinima, of.median),
    `**${ratio(of.linkedOfMinima)}** (${ratio(of.linkedMedian)})`,
    times(of.mimallocOfMinima, of.mimallocMedian),
    program ? megabytes(program.heapBytes) : "",
    `${ratio(of.heapRatio)} / **${ratio(of.linkedHeapRatio)}**`,
    program ? percent(program.fromPools) : "",
    `${of.debugTime.toFixed(2)} / ${of.debugHeap.toFixed(2)}`,
  ];
}

const programRow = (program: ProgramResult) => pythonRow(program, program.name, program);

function renderPython({ pyodide, processes, rounds, programs, means, pure }: PythonResults) {
  const head = [
    ...["program", "time", "installed", "linked", "mimalloc's", "peak heap", "heap ratio"],
    ...["from pools", "debug mode"],
  ];
  return [
    table(head, [
      ...programs.map(programRow),
      pythonRow(means, "geometric mean"),
      ...pure.map(programRow),
    ]),
    "",
    `Pyodide ${pyodide}, ${rounds} paired rounds in each of ${processes} processes; ratios are to CPython's own malloc, of the`,
    "shortest rounds of all (in brackets the median of the rounds' ratios), with pymalloc installed at run time and",
    "linked in. The last rows only compute. Heap ratio: installed / linked.",
    "Debug mode: time / heap against pymalloc without it.",
  ].join("\n");
}

function renderMemory(results: readonly MemoryResult[]): string {
  const rows = results.map(({ program, bytes }) => [
    program,
    megabytes(bytes.malloc, 2),
    ...[bytes.pymalloc, bytes.linked, bytes.mimalloc].map((own) => ratio(own / bytes.malloc)),
  ]);
  return [
    table(["memory of", "CPython's own malloc", "installed", "linked", "mimalloc"], rows),
    "",
    "Bytes that the heap took from the memory, start of the interpreter included (medians over several starts).",
  ].join("\n");
}

/** A mean over the placements, with its range. */
const spread = ({ mean, least, most }: Spread) =>
  `${ratio(mean)} (${least.toFixed(2)} to ${most.toFixed(2)})`;

function renderTraces({ processes, rounds, traces, means }: TraceResults): string {
  const base = means.findIndex(({ allocator }) => allocator === "dlmalloc");
  const others = means.filter((_, index) => index !== base);
  const ratios = (all: readonly Pick<TraceMeans, "warm" | "fresh">[]) =>
    all.flatMap(({ warm, fresh }, index) => (index === base ? [] : [spread(warm), spread(fresh)]));
  const times = table(
    ["time of", "dlmalloc", ...others.flatMap(({ allocator }) => [allocator, "untouched"])],
    [
      ...traces.map(({ name, results }) => [
        name,
        ns((results[base] as TraceTimes).nanoseconds.mean),
        ...ratios(results),
      ]),
      ["**geometric mean**", "", ...ratios(means)],
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
    `\`pymalloc replay\` with ${processes} placements of the code: in each the shortest of ${rounds} rounds in turn, against dlmalloc's; shown`,
    "are the mean and the range of the placements. Time per event over used memory, and over untouched memory. Each is",
    "called by WebAssembly from another instance. Memory: what is taken from the system against the most live bytes",
    "(its mean is over the traces above 1 MB).",
  ].join("\n");
}

function renderGuests({ processes, rounds, programs }: GuestResults): string {
  const rows = programs.map(({ name, ours, stock, ofMinima, median, memory, memoryAfter }) => [
    name,
    `${stock.toFixed(1)} ms`,
    `${ours.toFixed(1)} ms`,
    `**${ratio(ofMinima)}** (${ratio(median)})`,
    `**${ratio(memory)}** (${ratio(memoryAfter)})`,
  ]);
  const head = ["C program", "wasi-libc's malloc", "pymalloc", "time ratio", "memory ratio"];
  return [
    table(head, rows),
    "",
    `\`bench/guests/programs.c\`, compiled twice by clang, ${rounds} rounds in turn in each of ${processes} processes: shortest rounds, in`,
    "brackets the median of the rounds' ratios. Memory: its length after the first run, in brackets after all rounds.",
  ].join("\n");
}

function renderRecords({ rounds, operations, entries, slots, patterns }: RecordsResults): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const tableOf = (pattern: Pattern, name: string, hasCopy: boolean) =>
    table(
      [
        ...[name, "CPU an operation", "memory", "longest stall", "longest pause", "all pauses"],
        ...(hasCopy ? ["copy"] : []),
      ],
      patterns[pattern].map((result) => [
        result.title,
        `${result.nanoseconds.toFixed(0)} ns`,
        megabytes(result.residentBytes, 0),
        ...[result.longestBatch, result.longestPause, result.pauses].map(ms),
        ...(hasCopy ? [ms(result.copy ?? 0)] : []),
      ]),
    );
  return [
    tableOf("cache", `cache of ${whole(entries)} records`, true),
    "",
    tableOf("strings", `${whole(slots)} byte strings, 8 to 400 long`, false),
    "",
    `${whole(operations)} operations on what is empty at first, each line in processes of its own, ${rounds} rounds in turn.`,
    "Above: when the cache is full, the record that was not used for the longest time goes.",
    "Below: every other operation replaces a string by one of another length.",
    "Times are the shortest of the rounds. CPU: with the garbage collector's threads. Memory: what the resident set",
    "grew by (median). Longest stall: the longest that a thousand operations took. Pauses: the garbage collector's.",
    "Copy: of everything, for another thread.",
  ].join("\n");
}

const renderers: { readonly [P in Part]: (figures: Results[P]["figures"]) => string } = {
  javascript: renderJavaScript,
  python: renderPython,
  memory: renderMemory,
  traces: renderTraces,
  guests: renderGuests,
  records: renderRecords,
};

/** In the order of results.md. */
export const PARTS = Object.keys(renderers) as Part[];

export function renderPart<P extends Part>(part: P, results: Results): string {
  const { version, node, cpu, coreBytes, figures } = results[part];
  const on = `_${cpu}; Node ${node}; pymalloc ${version}, its core ${whole(coreBytes)} bytes long._`;
  return `${renderers[part](figures)}\n\n${on}`;
}

/** The tables of a part alone, for a page of the guide. */
export function renderTables(part: Part, results: Results): string {
  const blocks = renderPart(part, results).split("\n\n");
  return blocks.filter((block) => block.startsWith("|")).join("\n\n");
}

/** The parts that the README's four figures are of. */
const MAIN: readonly Part[] = ["python", "traces", "javascript"];

/** The four main figures, with the commands that measure them again and the machine, for the README. */
export function renderSummary(results: Results): string {
  const { python, traces, javascript } = results;
  const { linkedOfMinima, linkedMedian, linkedHeapRatio } = python.figures.means;
  const ours = traces.figures.means.find(({ allocator }) => allocator === "pymalloc");
  if (ours === undefined) throw new Error("there are no figures of pymalloc on the traces");
  const { pymalloc, empty } = javascript.figures.pair;
  const again = (part: Part) => `\`npm run bench -- ${part}\``;
  const rows = [
    [
      `time of ${python.figures.programs.length} Python programs, linked against stock`,
      `**${ratio(linkedOfMinima)}** (median ${ratio(linkedMedian)})`,
      again("python"),
    ],
    ["peak heap of the same", `**${ratio(linkedHeapRatio)}**`, again("python")],
    [
      `time of ${traces.figures.traces.length} recorded traces, against dlmalloc`,
      `**${ratio(ours.warm.mean)}** (${ours.warm.least.toFixed(2)} to ${ours.warm.most.toFixed(2)})`,
      again("traces"),
    ],
    [
      "malloc + free from JavaScript (two empty calls)",
      `**${ns(pymalloc)}** (${ns(empty)})`,
      again("javascript"),
    ],
  ];
  const machines = MAIN.map((part) => `${results[part].cpu}; Node ${results[part].node}`);
  return [
    table(["measured", "figure", "again with"], rows),
    "",
    `Ratios are geometric means; less is better. Measured on: ${[...new Set(machines)].join(", and ")}.`,
  ].join("\n");
}
