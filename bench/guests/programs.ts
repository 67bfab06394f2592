/** The programs that are measured as guests, and with which mallocs. */

/** Each is compiled once for each of the candidates. */
export const binaries = ["c", "rust", "sqlite"] as const;
export type Binary = (typeof binaries)[number];

/** Whose malloc a program lives from: that of its language, a heap's of ours, or the one that was linked in. */
export const candidates = ["stock", "hosted", "linked"] as const;
export type Candidate = (typeof candidates)[number];
export type OfOurs = Exclude<Candidate, "stock">;
export const ofOurs: readonly OfOurs[] = ["hosted", "linked"];

interface Program {
  readonly title: string;
  readonly binary: Binary;
  /** The function that is exported. It gives a number, the same for each candidate. */
  readonly name: string;
  /** What it is called with, and a number with which it ends at once. */
  readonly argument: number;
  readonly small: number;
}

export const programs: readonly Program[] = [
  { title: "trees, C", binary: "c", name: "trees", argument: 16, small: 3 },
  { title: "strings, C", binary: "c", name: "strings", argument: 100_000, small: 3 },
  { title: "trees, Rust", binary: "rust", name: "trees", argument: 16, small: 3 },
  { title: "strings, Rust", binary: "rust", name: "strings", argument: 100_000, small: 3 },
  { title: "SQLite", binary: "sqlite", name: "sqlite", argument: 100, small: 0 },
];

/** Where a compiled program is in the folder of all. */
export function fileOf(binary: Binary, candidate: Candidate): string {
  return `${binary}-${candidate}.wasm`;
}
