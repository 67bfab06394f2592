import { packageVersion } from "../base/base.js";
import type { Snapshot } from "../inspect/inspect.js";
import { memoryOf } from "./parts.js";
import { Most, type Report, type TypeRow } from "./report.js";
import {
  containersSheet,
  cyclesSheet,
  duplicatesSheet,
  pinsSheet,
  unreachableSheet,
} from "./sheets.js";
import { treeOf } from "./tree-of.js";

/** All that the page of a snapshot shows. @param title what it is called: the name of its file */
export function reportOf(snapshot: Snapshot, title: string): Report {
  const rows = snapshot.types();
  const types = rows.slice(0, Most.types).map(
    ({ type, count, own, retained }, at): TypeRow => ({
      name: type,
      count,
      own,
      retained,
      holders: at < Most.held ? holdersOf(snapshot, type) : undefined,
    }),
  );
  return {
    title,
    version: snapshot.version,
    time: snapshot.time,
    madeBy: packageVersion,
    objects: rows.reduce((sum, { count }) => sum + count, 0),
    memory: memoryOf(snapshot.memory()),
    types,
    typesLeft: rows.length - types.length,
    tree: treeOf(snapshot),
    sheets: [
      duplicatesSheet(snapshot),
      containersSheet(snapshot),
      cyclesSheet(snapshot),
      unreachableSheet(snapshot),
      pinsSheet(snapshot),
    ],
  };
}

function holdersOf(snapshot: Snapshot, type: string): TypeRow["holders"] {
  return snapshot
    .holders(type)
    .slice(0, Most.holders)
    .map(({ path, count, bytes }) => ({ path, count, bytes }));
}
