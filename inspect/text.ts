/** Numbers and rows as text. */

/** A whole number with its sign, its thousands parted: `+3,000`. */
export function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toLocaleString("en-US")}`;
}

/** Bytes with their sign, in the unit that they are read best in: `+1.4 MB`. */
export function signedBytes(bytes: number): string {
  const size = Math.abs(bytes);
  const sign = bytes < 0 ? "-" : "+";
  if (size >= 1e6) return `${sign}${(size / 1e6).toFixed(1)} MB`;
  return size >= 1e4 ? `${sign}${(size / 1e3).toFixed(1)} kB` : `${sign}${size} bytes`;
}

/** Rows whose columns stand under each other: numbers to the right, others to the left. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? "").length));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const isNumber = /^[-+]?\d/.test(cell);
        return isNumber ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
      })
      .join("  ")
      .trimEnd(),
  );
}
