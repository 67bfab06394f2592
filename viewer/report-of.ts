import { packageVersion } from "../base/base.js";
import type { TypeRow as InspectedType, Node, Snapshot } from "../inspect/inspect.js";
import { holdersOf } from "./holders-of.js";
import { memoryOf } from "./parts.js";
import { Most, type Report, type TypeRow } from "./report.js";
import { otherSheets } from "./sheets.js";
import { treeOf } from "./tree-of.js";

/** The nodes of each type, by its name. */
function nodesByType({ graph, analysis }: Snapshot): Map<string, Node[]> {
  const byNumber = graph.types.map((): Node[] => []);
  for (let node = 1; node < graph.nodes; node++) byNumber[graph.typeOf[node] as number]?.push(node);
  const byName = new Map<string, Node[]>();
  // Types of one name, as a class that was defined twice has, are one row.
  for (const [type, nodes] of byNumber.entries()) {
    const name = analysis.words.typeName(type);
    const known = byName.get(name);
    byName.set(name, known === undefined ? nodes : known.concat(nodes));
  }
  return byName;
}

function typeRows(snapshot: Snapshot, rows: readonly InspectedType[]): TypeRow[] {
  const nodes = nodesByType(snapshot);
  return rows.slice(0, Most.types).map(({ type: name, count, own, retained }, at) => {
    const row = { name, count, own, retained };
    if (at >= Most.held) return row;
    const { rows: holders, left } = holdersOf(snapshot, nodes.get(name) ?? [], Most.holders);
    return { ...row, holders, holdersLeft: left };
  });
}

/** Whose memory it is: `Python 3.14.2`. */
export function subjectOf({ image, version }: Snapshot): string {
  return `${image.marks.kind === "pyodide" ? "Python" : "a heap of pymalloc"} ${version}`;
}

/** All that the page of a snapshot shows. @param title what it is called: the name of its file */
export function reportOf(snapshot: Snapshot, title: string): Report {
  const rows = snapshot.types();
  const types = typeRows(snapshot, rows);
  return {
    title,
    subject: subjectOf(snapshot),
    note: snapshot.note,
    time: snapshot.time,
    madeBy: packageVersion,
    objects: rows.reduce((sum, { count }) => sum + count, 0),
    memory: memoryOf(snapshot.memory()),
    types,
    typesLeft: rows.length - types.length,
    tree: treeOf(snapshot),
    sheets: otherSheets(snapshot, Most.rows),
  };
}
