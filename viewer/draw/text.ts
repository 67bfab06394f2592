/** Numbers as text. */

/** A whole number, its thousands parted. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Bytes in the unit that reads best: `812 B`, `3.4 kB`, `12.0 MB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${whole(value)} B`;
  const [divisor, unit] =
    value < 999_950 ? [1e3, "kB"] : value < 999_950_000 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(value / divisor).toFixed(1)} ${unit}`;
}

/** A share of 0 to 1. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
