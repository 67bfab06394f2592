import type { Snapshot } from "../../inspect/inspect.js";
import { printable } from "../../process/process.js";
import {
  containersSheet,
  cyclesSheet,
  dominatorsSheet,
  duplicatesSheet,
  pinsSheet,
  typesSheet,
  unreachableSheet,
} from "../../viewer/viewer.js";
import type { Terminal } from "../terminal.js";
import { budgetLines } from "./budget.js";

/** What fills a memory: the answers to all questions, as tables of so many rows. */
export function summaryLines(snapshot: Snapshot, terminal: Terminal, top: number): string[] {
  const { version, time, image } = snapshot;
  const what =
    image.marks.kind === "pyodide" ? `Python ${version}` : `a heap of pymalloc ${version}`;
  // Each of the smaller questions has a few rows only, and none where nothing is found.
  const more = [
    duplicatesSheet(snapshot),
    containersSheet(snapshot),
    cyclesSheet(snapshot),
    unreachableSheet(snapshot),
    pinsSheet(snapshot),
  ].filter(({ rows }) => rows.length > 0);
  return [
    `Taken of ${printable(what)}, ${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`,
    "",
    ...budgetLines(snapshot.memory(), terminal),
    ...terminal.sheet(typesSheet(snapshot), top),
    ...terminal.sheet(dominatorsSheet(snapshot, top), top),
    ...more.flatMap((sheet) => terminal.sheet(sheet, Math.ceil(top / 2))),
  ].slice(0, -1);
}
