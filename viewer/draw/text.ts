/** Numbers as text. */

/** A whole number, its thousands parted. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Bytes in the unit that reads best: `812 B`, `3.4 kB`, `12.0 MB`. @param digits of gigabytes */
export function bytes(value: number, digits = 1): string {
  const size = Math.abs(value);
  if (size < 1000) return `${whole(value)} B`;
  if (size < 999_950) return `${(value / 1e3).toFixed(1)} kB`;
  if (size < 999_950_000) return `${(value / 1e6).toFixed(1)} MB`;
  return `${(value / 1e9).toFixed(digits)} GB`;
}

/** A share of 0 to 1. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
