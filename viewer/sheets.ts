/** What a snapshot answers, as tables: each of at most so many rows, the ones with the most bytes first. */
import type { Snapshot } from "../inspect/inspect.js";
import { Most, type Sheet, type Unit } from "./report.js";

type Cell<Row> = (row: Row) => string | number;

/** A sheet of rows that are sorted already. */
function sheetOf<Row>(
  title: string,
  meaning: string,
  all: readonly Row[],
  columns: readonly (readonly [name: string, unit: Unit, cell: Cell<Row>])[],
  most: number = Most.rows,
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

export function typesSheet(snapshot: Snapshot, most?: number): Sheet {
  return sheetOf(
    "Types",
    "Own bytes are those of the objects; retained ones would be free with them.",
    snapshot.types(),
    [
      ["type", "text", ({ type }) => type],
      ["objects", "count", ({ count }) => count],
      ["own", "bytes", ({ own }) => own],
      ["retained", "bytes", ({ retained }) => retained],
    ],
    most,
  );
}

export function dominatorsSheet(snapshot: Snapshot, most: number): Sheet {
  return sheetOf(
    "Who keeps the most alive",
    "An object retains what would be free if it were.",
    snapshot.dominators(most),
    [
      ["object", "text", ({ type, label }) => (label === "" ? type : `${type} ${label}`)],
      ["objects", "count", ({ count }) => count],
      ["own", "bytes", ({ own }) => own],
      ["retained", "bytes", ({ retained }) => retained],
    ],
  );
}

export function duplicatesSheet(snapshot: Snapshot): Sheet {
  return sheetOf(
    "Duplicates",
    "Equal values that are there more than once; one of each would do.",
    snapshot.duplicates(),
    [
      ["type", "text", ({ type }) => type],
      ["value", "text", ({ label }) => label],
      ["objects", "count", ({ count }) => count],
      ["wasted", "bytes", ({ wasted }) => wasted],
    ],
  );
}

export function containersSheet(snapshot: Snapshot): Sheet {
  return sheetOf(
    "Containers with room to spare",
    "Empty ones, and those that have more memory than their items need.",
    snapshot.containers(),
    [
      ["type", "text", ({ type }) => type],
      ["what", "text", ({ what }) => what],
      ["objects", "count", ({ count }) => count],
      ["wasted", "bytes", ({ wasted }) => wasted],
    ],
  );
}

export function cyclesSheet(snapshot: Snapshot): Sheet {
  return sheetOf(
    "Cycles that wait for the collector",
    "Nobody reaches them, and they hold each other.",
    snapshot.cycles(),
    [
      ["types", "text", ({ types }) => types],
      ["cycles", "count", ({ count }) => count],
      ["objects", "count", ({ objects }) => objects],
      ["bytes", "bytes", ({ bytes }) => bytes],
    ],
  );
}

export function unreachableSheet(snapshot: Snapshot): Sheet {
  return sheetOf(
    "Blocks that nobody reaches",
    "C code may have lost them, or hold them where no root was found.",
    snapshot.unreachable(),
    [
      ["type", "text", ({ type }) => type],
      ["size", "count", ({ size }) => size],
      ["blocks", "count", ({ count }) => count],
      ["bytes", "bytes", ({ bytes }) => bytes],
    ],
  );
}

export function pinsSheet(snapshot: Snapshot): Sheet {
  return sheetOf(
    "Arenas that a few blocks keep",
    "Nearly all of each is free, and it goes back when these blocks are gone.",
    snapshot.pins(),
    [
      ["arena", "text", ({ address }) => `0x${address.toString(16)}`],
      ["held by", "text", ({ types }) => types],
      ["blocks", "count", ({ blocks }) => blocks],
      ["free", "bytes", ({ size, used }) => size - used],
    ],
  );
}
