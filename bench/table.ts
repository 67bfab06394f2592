/** Tables of Markdown, and figures in them. */
import type { Spread } from "./placements.js";

/** A table with the columns under each other; all but the first are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
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

/** Nanoseconds. */
export const ns = (value: number) => `${value.toFixed(1)} ns`;

export const ratio = (value: number) => value.toFixed(3);

/** A mean ratio, and its range. */
export const ratios = ({ mean, least, most }: Spread) =>
  `${ratio(mean)} (${least.toFixed(2)} to ${most.toFixed(2)})`;

/** Mean nanoseconds, and their range. */
export const times = ({ mean, least, most }: Spread) =>
  `${ns(mean)} (${least.toFixed(1)} to ${most.toFixed(1)})`;
