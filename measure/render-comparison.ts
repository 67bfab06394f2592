/** Reports as text. */

import { megabytes, percent, printable, table, whole } from "../process/process.js";
import type { Comparison } from "./compare.js";
import type { AllocatorResult } from "./side-by-side.js";

const titles: Partial<Record<AllocatorResult["allocator"], string>> = {
  malloc: "CPython's own malloc (dlmalloc)",
  mimalloc: "CPython's mimalloc",
  pymalloc: "pymalloc",
  linked: "pymalloc, linked in",
};

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`;
}

/** The rows of `--compare`. */
export function renderComparison(comparison: Comparison): string {
  const { program, pyodide, status, rounds, sameOutput, allocators } = comparison;
  const { notLinked, debug, faults = [], census, stats } = comparison;
  if (allocators.length === 0) {
    return `${printable(program)} ended with status ${status}: nothing to compare\n`;
  }
  const rows = allocators.map(({ allocator, seconds, ratio, heapBytes, heapRatio }) => [
    titles[allocator] ?? allocator,
    milliseconds(Math.min(...seconds)),
    ratio.ofMinima.toFixed(3),
    `${ratio.median.toFixed(3)} (${ratio.lowerQuartile.toFixed(3)} to ${ratio.upperQuartile.toFixed(3)})`,
    megabytes(heapBytes),
    heapRatio.toFixed(3),
  ]);
  const head = ["allocator", "time", "ratio", "median (quartiles)", "peak heap", "ratio"];
  const lines = [
    "",
    `${printable(program)} in Pyodide ${pyodide}: ${rounds} rounds on each allocator, in turn; time is that of the`,
    "shortest round, its ratio is to CPython's own malloc, the median is that of the rounds' ratios",
    "",
    ...table([head, ...rows]),
    "",
    `output          ${sameOutput ? "the same on all allocators" : "NOT the same on all allocators"}`,
  ];
  if (notLinked !== undefined) lines.push(`linked          not compared: ${printable(notLinked)}`);
  if (debug !== undefined) {
    const [time, heap] = [debug.ratio.ofMinima, debug.heapRatio].map((ratio) => ratio.toFixed(2));
    lines.push(
      `debug mode      ${time} times the time of pymalloc without it, ${heap} times its heap`,
    );
  }
  if (faults.length > 0) {
    const many = faults.length === 1 ? "a mistake" : `${faults.length} mistakes`;
    lines.push(
      `                it found ${many}, the first: ${faults[0]}`,
      "                (pymalloc run --malloc debug tells more)",
    );
  }
  if (census !== undefined) {
    const share = percent(census.fromPools / Math.max(census.requests, 1));
    const requests = whole(census.requests);
    lines.push(`requests        ${requests} in one run; pools served ${share} of them`);
    lines.push(`blocks          ${whole(census.peakBlocks)} more at the peak than before`);
  }
  if (stats !== undefined) {
    const { inUse, total } = stats.bytes;
    lines.push(
      `arenas          ${stats.arenas.highwater} at the peak, ${stats.arenas.current} after the run: ` +
        `${megabytes(total)}, of which ${megabytes(inUse)} in use`,
    );
  }
  return `${lines.join("\n")}\n`;
}
