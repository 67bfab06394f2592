/** Tables with bars, as wide as the terminal. */
import { isatty } from "node:tty";
import { printable, whole } from "../process/process.js";
import { bytes, type Sheet, type Unit } from "../viewer/viewer.js";

/** What a column that is no number has at least, where there is not room for all. */
const LEAST_TEXT = 12;

/** Characters of a bar, where there is room for it. */
const BARS = { least: 6, most: 30 } as const;

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Bytes in the unit that reads best. */
export function bytesText(size: number): string {
  return bytes(size, 2);
}

function cellText(value: string | number, unit: Unit): string {
  if (typeof value === "string") return printable(value);
  return unit === "bytes" ? bytesText(value) : whole(value);
}

/** The length of a text on a terminal: what is composed counts once. */
function lengthOf(text: string): number {
  return [...text].length;
}

function fit(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text + " ".repeat(width - characters.length);
  return `${characters.slice(0, width - 1).join("")}…`;
}

/** Where a report is printed: how wide it is, and whether it has colours. */
export class Terminal {
  readonly columns: number;
  readonly #colors: boolean;

  constructor(fd: 1 | 2) {
    const stream = fd === 1 ? process.stdout : process.stderr;
    this.columns = Math.max(stream.columns ?? 100, 40);
    const { NO_COLOR, TERM } = process.env;
    this.#colors = isatty(fd) && !NO_COLOR && TERM !== "dumb";
  }

  #colored(code: number, text: string): string {
    return this.#colors && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
  }

  bold(text: string): string {
    return this.#colored(1, text);
  }

  dim(text: string): string {
    return this.#colored(2, text);
  }

  /** A bar as long as a share of 0 to 1 of `width`. */
  bar(share: number, width: number): string {
    const eighths = Math.round(Math.min(Math.max(share, 0), 1) * width * 8);
    return this.#colored(34, "█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] as string));
  }

  /** A sheet of at most so many rows; the last of its columns that is in bytes has a bar. */
  sheet({ title, meaning, columns, rows, left }: Sheet, most: number): string[] {
    const shown = rows.slice(0, most);
    const texts = shown.map((row) =>
      row.map((value, at) => cellText(value, columns[at]?.unit ?? "text")),
    );
    const natural = columns.map(({ name }, at) =>
      texts.reduce((widest, row) => Math.max(widest, lengthOf(row[at] as string)), name.length),
    );
    const isText = columns.map(({ unit }) => unit === "text");
    const barred = columns.findLastIndex(({ unit }) => unit === "bytes");
    const widths = this.#widths(natural, isText, barred >= 0);
    const used = widths.reduce((sum, width) => sum + width + 2, 0);
    const barWidth = Math.min(this.columns - used, BARS.most);
    const largest = shown.reduce((size, row) => Math.max(size, Math.abs(Number(row[barred]))), 1);
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, at) => {
          const width = widths[at] as number;
          return isText[at] ? fit(cell, width) : cell.padStart(width);
        })
        .join("  ");
    const lines = texts.map((cells, n) => {
      const share = Math.abs(Number(shown[n]?.[barred])) / largest;
      const bar = barred >= 0 && barWidth >= BARS.least ? `  ${this.bar(share, barWidth)}` : "";
      return (line(cells) + bar).trimEnd();
    });
    const more = rows.length - shown.length + left;
    return [
      this.bold(title),
      this.dim(meaning),
      this.dim(line(columns.map(({ name }) => name)).trimEnd()),
      ...lines,
      ...(more > 0 ? [this.dim(`and ${whole(more)} more`)] : []),
      "",
    ];
  }

  /** Numbers have the room that they need; texts share what is left, and a bar has the rest. */
  #widths(natural: readonly number[], isText: readonly boolean[], hasBar: boolean): number[] {
    const widths = [...natural];
    const wanted = hasBar ? BARS.least + 10 : 0;
    const taken = () => widths.reduce((sum, width) => sum + width + 2, wanted);
    while (taken() > this.columns) {
      const texts = widths.map((width, at) => (isText[at] ? width : 0));
      const widest = texts.indexOf(Math.max(...texts));
      const width = widths[widest] as number;
      if (!isText[widest] || width <= LEAST_TEXT) break;
      widths[widest] = Math.max(LEAST_TEXT, width - Math.max(taken() - this.columns, 1));
    }
    return widths;
  }
}
