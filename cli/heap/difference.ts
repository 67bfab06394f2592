import type { Difference } from "../../inspect/inspect.js";
import { printable, whole } from "../../process/process.js";
import { bytesText, type Terminal } from "../terminal.js";

/** A number with its sign, as text that was made without. */
function signed(value: number, text: string): string {
  return value > 0 ? `+${text}` : text;
}

function countText(count: number): string {
  return signed(count, whole(count)).padStart(11);
}

function sizeText(bytes: number): string {
  return signed(bytes, bytesText(bytes)).padStart(10);
}

function more(left: number, terminal: Terminal): string[] {
  return left > 0 ? [terminal.dim(`and ${whole(left)} more`)] : [];
}

/** What changed between two snapshots. The first line says what grew most, and by what it is held. */
export function differenceLines(difference: Difference, terminal: Terminal, top: number): string[] {
  const { types, holders } = difference;
  const [first = ""] = difference.toString(0).split("\n");
  const lines = [terminal.bold(printable(first))];
  if (holders.length === 0) return lines;
  lines.push("", terminal.bold("By what holds it"));
  for (const { type, path, count, bytes, with: kept } of holders.slice(0, top)) {
    const inside = kept.map((other) => `${whole(other.count)} ${other.type}`);
    const what = inside.length === 0 ? type : `${type}, with ${inside.join(", ")}`;
    lines.push(
      `${countText(count)}  ${sizeText(bytes)}  ${printable(what)}`,
      terminal.dim(`${" ".repeat(25)}${printable(path)}`),
    );
  }
  lines.push(...more(holders.length - top, terminal), "", terminal.bold("By type"));
  const changed = types.filter(({ count, bytes, new: made }) => count || bytes || made.count);
  for (const { type, count, bytes, new: made, gone, grown } of changed.slice(0, top)) {
    const parts = [
      ...(made.count > 0 ? [`${whole(made.count)} new`] : []),
      ...(gone.count > 0 ? [`${whole(gone.count)} gone`] : []),
      ...(grown.count > 0 ? [`${whole(grown.count)} resized`] : []),
    ];
    const numbers = `${countText(count)}  ${sizeText(bytes)}`;
    lines.push(`${numbers}  ${printable(type)}  ${terminal.dim(parts.join(", "))}`);
  }
  return [...lines, ...more(changed.length - top, terminal)];
}
