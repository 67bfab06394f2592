/** What the page of a report shows, as JSON: the command makes it of a snapshot, and the page has it in itself. */
import type { Budget } from "../inspect/inspect.js";

/** A part of the memory; all of them sum up to it. */
export interface Part {
  /** `pools`, `system malloc`; the part alone where it belongs to none. */
  readonly group: string;
  /** `in use`, `free`. */
  readonly name: string;
  readonly bytes: number;
}

/** Where every byte of the memory is, with its parts as a list. */
export interface Memory extends Omit<Budget, "largestFree" | "parts"> {
  readonly parts: readonly Part[];
}

/**
 * The dominator tree, a node after its parent; node 0 is all of it. What a node retains would be free if the node were. Small
 * objects of one type below one node are one node of the report, a group.
 */
export interface Tree {
  readonly parents: readonly number[];
  /** The names of types, with their modules, and which of them each node has. */
  readonly names: readonly string[];
  readonly types: readonly number[];
  /** By what it is held, in words: `global CACHE of app`; empty for a group. */
  readonly held: readonly string[];
  /** Which one it is: the name of a function, the characters of a str; empty for a group. */
  readonly labels: readonly string[];
  /** How many objects it stands for. */
  readonly counts: readonly number[];
  readonly own: readonly number[];
  readonly retained: readonly number[];
}

export interface TypeRow {
  /** With its module: `app.Order`. */
  readonly name: string;
  readonly count: number;
  readonly own: number;
  readonly retained: number;
  /** What its instances are held by, most of them first; undefined where nobody looked. */
  readonly holders?: readonly HolderRow[] | undefined;
  /** Ways to hold them that were left out. */
  readonly holdersLeft?: number | undefined;
}

export interface HolderRow {
  readonly path: string;
  readonly count: number;
  readonly bytes: number;
}

/** What a column of a sheet has in it. */
export type Unit = "text" | "count" | "bytes";

/** A question with its answer as a table: equal strings, empty containers, ... */
export interface Sheet {
  readonly title: string;
  /** What it means, in a sentence. */
  readonly meaning: string;
  readonly columns: readonly { readonly name: string; readonly unit: Unit }[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** Rows that were left out: the ones with the fewest bytes. */
  readonly left: number;
}

export interface Report {
  /** The name of the file, or of the program. */
  readonly title: string;
  /** Whose memory it is: "Python 3.14.2". */
  readonly subject: string;
  /** What is not exact in it; empty where everything is. */
  readonly note: string;
  /** When it was taken: milliseconds since 1970. */
  readonly time: number;
  /** The pymalloc that made the report. */
  readonly madeBy: string;
  readonly objects: number;
  readonly memory: Memory;
  readonly types: readonly TypeRow[];
  /** Types that were left out: the ones that retain least. */
  readonly typesLeft: number;
  readonly tree: Tree;
  readonly sheets: readonly Sheet[];
}

/** How much of it a page can show, and stays quick. */
export const Most = {
  /** Nodes of the tree. */
  nodes: 5000,
  types: 2000,
  /** Types of which the holders are looked for: those that retain most. */
  held: 300,
  holders: 15,
  rows: 200,
  /** Characters of a label. */
  label: 120,
} as const;
