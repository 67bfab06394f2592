import type { Budget } from "../../inspect/inspect.js";
import { percent } from "../../process/process.js";
import { partsOf } from "../../viewer/viewer.js";
import { bytesText, type Terminal } from "../terminal.js";

/** Where every byte of a memory is, with bars. */
export function budgetLines(budget: Budget, terminal: Terminal): string[] {
  const { total, maximum, limit, available, largestFree, allocator, note } = budget;
  const parts = partsOf(budget)
    .filter(({ bytes }) => bytes > 0)
    .map(({ group, name, bytes }) => ({
      title: group === name ? name : `${group}, ${name}`,
      size: bytesText(bytes),
      share: bytes / total,
    }));
  const width = Math.max(...parts.map(({ title }) => title.length));
  const room = Math.min(Math.max(terminal.columns - width - 24, 0), 40);
  const facts = [
    `${bytesText(available)} could be had without growing`,
    `the largest free piece is ${bytesText(largestFree)}`,
    ...(maximum > 0 ? [`it may grow to ${bytesText(maximum)}`] : []),
    ...(limit > 0 ? [`the limit is ${bytesText(limit)}`] : []),
  ];
  return [
    terminal.bold(`Memory: ${bytesText(total)} on ${allocator}`),
    ...parts.map(({ title, size, share }) => {
      const numbers = `${size.padStart(9)}  ${percent(share).padStart(6)}`;
      return `${title.padEnd(width)}  ${numbers}  ${terminal.bar(share, room)}`.trimEnd();
    }),
    terminal.dim(`${facts.join("; ")}${note === "" ? "" : `; ${note}`}`),
    "",
  ];
}
