/** Statistics of a trace for a terminal. */

import { megabytes, percent, printable, whole } from "../process/process.js";
import { SMALL_BYTES } from "./live.js";
import type { Trace } from "./reader.js";
import type { Range, TraceStatistics } from "./statistics.js";

interface Row {
  readonly label: string;
  readonly count: number;
}

/** A bar that takes this share of the width, to an eighth of a character. */
function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return "█".repeat(Math.floor(eighths / 8)) + ["", ..."▏▎▍▌▋▊▉"][eighths % 8];
}

/** Rows with their counts, their shares of `total`, and bars up to the last column. */
function chart(title: string, rows: readonly Row[], total: number, columns: number): string[] {
  const labels = Math.max(...rows.map(({ label }) => label.length));
  const counts = Math.max(...rows.map(({ count }) => whole(count).length));
  const most = Math.max(...rows.map(({ count }) => count), 1);
  const lines = rows.map(({ label, count }) => {
    const share = percent(count / Math.max(total, 1)).padStart(7);
    const left = `  ${label.padStart(labels)}  ${whole(count).padStart(counts)}  ${share}  `;
    return (left + bar(count / most, Math.max(columns - left.length, 10))).trimEnd();
  });
  return ["", title, "", ...lines];
}

function rangeLabel(from: number, to: number): string {
  return from === to ? whole(from) : `${whole(from)} to ${whole(to)}`;
}

/** Size classes put together by powers of two. */
function sizeRows(classes: readonly Range[]): Row[] {
  const groups = new Map<number, number>();
  for (const { to, count } of classes) {
    const limit = 2 ** Math.ceil(Math.log2(to));
    groups.set(limit, (groups.get(limit) ?? 0) + count);
  }
  return [...groups].map(([to, count]) => ({
    label: rangeLabel(to === 8 ? 0 : to / 2 + 1, to),
    count,
  }));
}

function lifetimeRows({ lifetimes, neverFreed }: TraceStatistics): Row[] {
  const freed = lifetimes.map(({ from, to, count }) => ({ label: rangeLabel(from, to), count }));
  return [...freed, { label: "never freed", count: neverFreed }];
}

const TOP = 10;

/** The report; its bars reach up to `columns`. */
export function renderStatistics(
  { header, bytes }: Trace,
  statistics: TraceStatistics,
  columns: number,
): string {
  const { events, peak, requests, small, sizes, lifo, reallocs, classes } = statistics;
  const each = (bytes / Math.max(events.events, 1)).toFixed(2);
  const part = (count: number) => percent(count / Math.max(reallocs.count, 1));
  const born = events.mallocs + events.callocs;
  const lines = [
    `program     ${printable([header.program, ...header.arguments].join(" "))}`,
    `recorded    in ${printable(`Python ${header.python.split(" ")[0]}, Pyodide ${header.pyodide}`)}`,
    `events      ${whole(events.events)} in ${whole(bytes)} bytes, ${each} each`,
    `            ${whole(events.mallocs)} malloc, ${whole(events.callocs)} calloc, ` +
      `${whole(events.reallocs)} realloc, ${whole(events.frees)} free`,
    `peak        ${megabytes(peak.bytes)} in ${whole(peak.blocks)} live blocks`,
    `requests    ${whole(requests.count)} for ${megabytes(requests.bytes)} in all`,
    `            up to ${SMALL_BYTES} bytes: ${percent(small.requests)}, of the bytes ${percent(small.bytes)}`,
    `reallocs    ${percent(reallocs.share)} of the events`,
    `            ${part(reallocs.grow)} grow, ${part(reallocs.shrink)} shrink, ` +
      `${part(reallocs.keep)} keep their class`,
    `LIFO        ${percent(lifo.share)} of the frees are of the newest live block of its class`,
  ];
  if (requests.count === 0) return `${lines.join("\n")}\n`;
  const top = sizes
    .slice(0, TOP)
    .map(({ bytes, requests }) => ({ label: whole(bytes), count: requests }));
  lines.push(
    ...chart("Requests by size, in bytes", sizeRows(classes), requests.count, columns),
    ...chart("The most frequent sizes", top, requests.count, columns),
    ...chart(
      "Blocks by lifetime, in allocations between birth and death",
      lifetimeRows(statistics),
      born,
      columns,
    ),
  );
  return `${lines.join("\n")}\n`;
}
