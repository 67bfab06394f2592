/** What is made of all measured figures: the page of results, the picture, and the tables of the README and the guide. */
import { whole } from "../process/process.js";
import { drawPython } from "./chart.js";
import { type Figures, type Part, partNames, partOf } from "./parts.js";
import type { Measured, Results } from "./results.js";
import { ns, ratio, ratios, table, times } from "./table.js";

/** The tables of a part, and with what they were measured. */
export function renderPart<P extends Part>(part: P, measured: Measured<P>): string {
  const { version, engine, processor, cores, coreBytes } = measured;
  const on = `${processor}, ${cores} cores; ${engine}; pymalloc ${version}, its core ${whole(coreBytes)} bytes long`;
  return `${partOf(part).render(measured.figures)}\n\n_${on}._`;
}

/** A part as it was measured on each processor and engine. */
function allOf<P extends Part>(part: P, results: readonly Results[]): Measured<P>[] {
  return results.flatMap((one) => (one[part] as Measured<P> | undefined) ?? []);
}

/** The one whose figure is the highest, which is the worst of times and memory. */
function worst<P extends Part>(
  part: P,
  results: readonly Results[],
  figure: (figures: Figures[P]) => number,
): Measured<P> {
  const [first, ...others] = allOf(part, results);
  if (first === undefined) throw new Error(`bench/results has no figures of the part ${part}`);
  return others.reduce(
    (most, one) => (figure(one.figures) > figure(most.figures) ? one : most),
    first,
  );
}

const linked = ({ means }: Figures["python"]) => means.linked.mean;
const linkedHeap = ({ means }: Figures["python"]) => means.linkedHeap;
const ours = ({ means }: Figures["traces"]) =>
  means.find(({ allocator }) => allocator === "pymalloc") as (typeof means)[number];
const pair = ({ pair }: Figures["javascript"]) => pair.pymalloc.mean;

/** The main figures of each processor and engine, side by side. */
function renderOverview(results: readonly Results[]): string {
  const rows = results.flatMap(({ python, traces, javascript }) => {
    const measured = python ?? traces ?? javascript;
    if (measured === undefined) return [];
    const name = `${measured.processor}, ${measured.engine}`;
    const interpreters = python
      ? [ratios(python.figures.means.linked), ratio(linkedHeap(python.figures))]
      : ["", ""];
    const played = traces
      ? [ratios(ours(traces.figures).warm), ratios(ours(traces.figures).fresh)]
      : ["", ""];
    return [
      [name, ...interpreters, ...played, javascript ? times(javascript.figures.pair.pymalloc) : ""],
    ];
  });
  const head = ["", "Python, linked", "its heap", "traces", "untouched memory", "pair"];
  return [
    table(head, rows),
    "",
    "Times and heaps against the other malloc, geometric means; a pair of malloc and free from JavaScript. Less is better.",
  ].join("\n");
}

/** The files of bench/results/ that are made of the figures, by their names. */
export function resultFiles(results: readonly Results[]): Readonly<Record<string, string>> {
  const sections = partNames.map((part) =>
    [
      `## ${partOf(part).title}`,
      ...allOf(part, results).map((measured) => renderPart(part, measured)),
    ].join("\n\n"),
  );
  const python = worst("python", results, linked);
  return {
    "results.md": `${["# Results", renderOverview(results), ...sections].join("\n\n")}\n`,
    "python.svg": drawPython(python.figures, python.engine),
  };
}

/** The tables of records alone, for the guide. */
export function renderRecordTables(results: readonly Results[]): string {
  const measured = worst("records", results, ({ patterns }) =>
    Math.max(...patterns.cache.map(({ nanoseconds }) => nanoseconds)),
  );
  const blocks = renderPart("records", measured).split("\n\n");
  return blocks.filter((block) => block.startsWith("|")).join("\n\n");
}

/** The four main figures, with the commands that measure them again, for the README: each the worst there is. */
export function renderSummary(results: readonly Results[]): string {
  const time = worst("python", results, linked).figures;
  const heap = worst("python", results, linkedHeap).figures;
  const traces = worst("traces", results, (figures) => ours(figures).warm.mean).figures;
  const calls = worst("javascript", results, pair).figures;
  const range = (least: number, most: number) => `${least.toFixed(2)} to ${most.toFixed(2)}`;
  const again = (part: Part) => `\`npm run bench -- ${part}\``;
  const { warm } = ours(traces);
  const { least, most } = time.means.linked;
  const rows = [
    [
      `time of ${time.programs.length} Python programs, linked against stock`,
      `**${ratio(linked(time))}** (${range(least, most)})`,
      again("python"),
    ],
    ["peak heap of the same", `**${ratio(linkedHeap(heap))}**`, again("python")],
    [
      `time of ${traces.traces.length} recorded traces, against dlmalloc`,
      `**${ratio(warm.mean)}** (${range(warm.least, warm.most)})`,
      again("traces"),
    ],
    [
      "malloc + free from JavaScript (two empty calls)",
      `**${ns(pair(calls))}** (${ns(calls.pair.empty.mean)})`,
      again("javascript"),
    ],
  ];
  return [
    table(["measured", "figure", "again with"], rows),
    "",
    "Ratios are geometric means; less is better. The worst of all [processors and engines](bench/results/results.md).",
  ].join("\n");
}
