import { section } from "../draw/element.js";
import { whole } from "../draw/text.js";
import type { Report, Sheet } from "../report.js";
import { Table } from "./table.js";

function sheetOf({ title, meaning, columns, rows, left }: Sheet, at: number): HTMLElement {
  const cut = left > 0 ? ` The ${whole(rows.length)} largest; ${whole(left)} are left out.` : "";
  const by = columns.findIndex(({ unit }) => unit === "bytes");
  const table = new Table(
    title,
    columns.map(({ name, unit }, column) => ({
      name,
      unit,
      value: (row: Sheet["rows"][number]) => row[column] as string | number,
      bar: column === by,
    })),
    rows,
    Math.max(by, 0),
  );
  return section(`sheet-${at}`, title, meaning + cut, table.element);
}

/** The questions that have an answer. */
export function sheetsOf({ sheets }: Report): HTMLElement[] {
  return sheets.filter(({ rows }) => rows.length > 0).map(sheetOf);
}
