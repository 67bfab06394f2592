/** Tables that are sorted by a press on a column's head. */
import { bar } from "../draw/bar.js";
import { button, type Content, element } from "../draw/element.js";
import { bytes, whole } from "../draw/text.js";
import type { Unit } from "../report.js";

export interface Column<Row> {
  readonly name: string;
  readonly unit: Unit;
  value(row: Row): string | number;
  /** What is shown, where that is not the value alone. */
  show?(row: Row): Content;
  /** Has a bar that compares it with the largest of the column. */
  readonly bar?: boolean;
}

/** Rows that are made at once: more come when they are asked for. */
const PAGE = 25;

function textOf(value: string | number, unit: Unit): string {
  if (typeof value === "string") return value;
  return unit === "bytes" ? bytes(value) : whole(value);
}

export class Table<Row> {
  readonly element: HTMLElement;
  readonly #columns: readonly Column<Row>[];
  readonly #body = element("tbody");
  readonly #heads: HTMLElement[];
  readonly #more: HTMLButtonElement;
  readonly #largest: readonly number[];
  readonly #isChosen: (row: Row) => boolean;
  #rows: readonly Row[];
  #shown = PAGE;
  #by: number;
  #descends = true;

  /** @param by the column that it is sorted by at first @param isChosen the row stands out */
  constructor(
    caption: string,
    columns: readonly Column<Row>[],
    rows: readonly Row[],
    by: number,
    isChosen: (row: Row) => boolean = () => false,
  ) {
    this.#columns = columns;
    this.#rows = rows;
    this.#by = by;
    this.#isChosen = isChosen;
    this.#largest = columns.map((column) =>
      column.bar ? rows.reduce((most, row) => Math.max(most, Number(column.value(row))), 1) : 0,
    );
    this.#heads = columns.map(({ name, unit }, at) =>
      element(
        "th",
        { scope: "col", class: unit },
        button(name, () => this.#sortBy(at)),
      ),
    );
    this.#more = button("", () => {
      const from = this.#shown;
      this.#shown += 4 * PAGE;
      this.draw();
      // Where the reader was: the button may be gone.
      this.#body.rows[from]?.querySelector("button")?.focus();
    });
    this.element = element(
      "div",
      { class: "table" },
      element(
        "table",
        {},
        element("caption", {}, caption),
        element("thead", {}, element("tr", {}, ...this.#heads)),
        this.#body,
      ),
      this.#more,
    );
    this.draw();
  }

  /** Shows other rows. */
  set rows(rows: readonly Row[]) {
    this.#rows = rows;
    this.#shown = PAGE;
    this.draw();
  }

  #sortBy(at: number): void {
    this.#descends = at === this.#by ? !this.#descends : this.#columns[at]?.unit !== "text";
    this.#by = at;
    this.draw();
  }

  #sorted(): Row[] {
    const column = this.#columns[this.#by] as Column<Row>;
    const compare = (a: Row, b: Row) => {
      const [one, other] = [column.value(a), column.value(b)];
      return typeof one === "string" ? one.localeCompare(String(other)) : one - Number(other);
    };
    return [...this.#rows].sort(this.#descends ? (a, b) => compare(b, a) : compare);
  }

  draw(): void {
    for (const [at, head] of this.#heads.entries()) {
      const direction = this.#descends ? "descending" : "ascending";
      head.setAttribute("aria-sort", at === this.#by ? direction : "none");
    }
    const rows = this.#sorted();
    this.#body.replaceChildren(...rows.slice(0, this.#shown).map((row) => this.#rowOf(row)));
    const left = rows.length - this.#shown;
    this.#more.hidden = left <= 0;
    this.#more.textContent = `show more (${whole(left)} are left)`;
  }

  #rowOf(row: Row): HTMLElement {
    const cells = this.#columns.map((column, at) => {
      const { unit, show, bar: hasBar } = column;
      const value = column.value(row);
      const content = show?.(row) ?? textOf(value, unit);
      const bars = hasBar ? [bar(Number(value) / (this.#largest[at] as number))] : [];
      return element("td", { class: unit, "data-name": column.name }, ...bars, content);
    });
    return element("tr", { "aria-current": this.#isChosen(row) ? "true" : undefined }, ...cells);
  }
}
