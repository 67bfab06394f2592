import type { Snapshot } from "../../inspect/inspect.js";
import { printable } from "../../process/process.js";
import { dominatorsSheet, otherSheets, subjectOf, typesSheet } from "../../viewer/viewer.js";
import type { Terminal } from "../terminal.js";
import { budgetLines } from "./budget.js";

/** Milliseconds since 1970 as a time; what a file says may be none. */
function timeText(time: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "at an unknown time";
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** What fills a memory: the answers to all questions, as tables of so many rows. */
export function summaryLines(snapshot: Snapshot, terminal: Terminal, top: number): string[] {
  const { time, note } = snapshot;
  // Of each of the smaller questions a few rows are enough.
  const few = Math.ceil(top / 2);
  return [
    `Taken of ${printable(subjectOf(snapshot))}, ${timeText(time)}`,
    ...(note === "" ? [] : [note]),
    "",
    ...budgetLines(snapshot.memory(), terminal),
    ...terminal.sheet(typesSheet(snapshot, top), top),
    ...terminal.sheet(dominatorsSheet(snapshot, top), top),
    ...otherSheets(snapshot, few).flatMap((sheet) => terminal.sheet(sheet, few)),
  ].slice(0, -1);
}
