/** What a snapshot answers, as tables: each of at most so many rows, the ones with the most bytes first. */
import type { Node, Snapshot } from "../inspect/inspect.js";
import type { Sheet, Unit } from "./report.js";

type Columns<Row> = readonly (readonly [
  name: string,
  unit: Unit,
  cell: (row: Row) => string | number,
])[];

/** A sheet of rows that are sorted already; `left` of them are not among these. */
function sheetOf<Row>(
  [title, meaning]: readonly [title: string, meaning: string],
  all: readonly Row[],
  most: number,
  columns: Columns<Row>,
): Sheet {
  const rows = all.slice(0, most);
  return {
    title,
    meaning,
    columns: columns.map(([name, unit]) => ({ name, unit })),
    rows: rows.map((row) => columns.map(([, , cell]) => cell(row))),
    left: all.length - rows.length,
  };
}

export function typesSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    ["Types", "Own bytes are those of the objects; retained ones would be free with them."],
    snapshot.types(),
    most,
    [
      ["type", "text", ({ type }) => type],
      ["objects", "count", ({ count }) => count],
      ["own", "bytes", ({ own }) => own],
      ["retained", "bytes", ({ retained }) => retained],
    ],
  );
}

/** By what an object is held, in words: `global CACHE of app`; empty where nothing holds it. */
export function heldBy(snapshot: Snapshot, node: Node): string {
  const [path] = snapshot.pathsTo(node, { limit: 1 });
  return path?.steps.findLast(({ text }) => text !== "")?.text ?? "";
}

export function dominatorsSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    ["Who keeps the most alive", "An object retains what would be free if it were."],
    snapshot.dominators(most),
    most,
    [
      ["object", "text", ({ type, label }) => (label === "" ? type : `${type} ${label}`)],
      ["held by", "text", ({ node }) => heldBy(snapshot, node)],
      ["own", "bytes", ({ own }) => own],
      ["retained", "bytes", ({ retained }) => retained],
    ],
  );
}

/** The answers to the smaller questions, without those that nothing was found for. */
export function otherSheets(snapshot: Snapshot, most: number): Sheet[] {
  const sheets = [
    duplicatesSheet(snapshot, most),
    containersSheet(snapshot, most),
    cyclesSheet(snapshot, most),
    unreachableSheet(snapshot, most),
    pinsSheet(snapshot, most),
  ];
  return sheets.filter(({ rows }) => rows.length > 0);
}

function duplicatesSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    ["Duplicates", "Equal values that are there more than once; one of each would do."],
    snapshot.duplicates(most),
    most,
    [
      ["type", "text", ({ type }) => type],
      ["value", "text", ({ label }) => label],
      ["objects", "count", ({ count }) => count],
      ["wasted", "bytes", ({ wasted }) => wasted],
    ],
  );
}

function containersSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    [
      "Containers with room to spare",
      "Empty ones, and those that have more memory than their items need.",
    ],
    snapshot.containers(),
    most,
    [
      ["type", "text", ({ type }) => type],
      ["what", "text", ({ what }) => what],
      ["objects", "count", ({ count }) => count],
      ["wasted", "bytes", ({ wasted }) => wasted],
    ],
  );
}

function cyclesSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    ["Cycles that wait for the collector", "Nobody reaches them, and they hold each other."],
    snapshot.cycles(),
    most,
    [
      ["types", "text", ({ types }) => types],
      ["cycles", "count", ({ count }) => count],
      ["objects", "count", ({ objects }) => objects],
      ["bytes", "bytes", ({ bytes }) => bytes],
    ],
  );
}

function unreachableSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    [
      "Blocks that nobody reaches",
      "C code may have lost them, or hold them where no root was found; free ones are kept for the next object of their type.",
    ],
    snapshot.unreachable(),
    most,
    [
      ["type", "text", ({ type }) => type],
      ["size", "count", ({ size }) => size],
      ["blocks", "count", ({ count }) => count],
      ["bytes", "bytes", ({ bytes }) => bytes],
    ],
  );
}

function pinsSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    [
      "Arenas that a few blocks keep",
      "Nearly all of each is free, and it goes back when these blocks are gone.",
    ],
    snapshot.pins(),
    most,
    [
      ["arena", "text", ({ address }) => `0x${address.toString(16)}`],
      ["held by", "text", ({ types }) => types],
      ["blocks", "count", ({ blocks }) => blocks],
      ["free", "bytes", ({ size, used }) => size - used],
    ],
  );
}
