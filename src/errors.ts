/** Errors: the core speaks in codes, the sentences are here. */
import type { Address } from "./types.js";

/** What docs/invariants.md says at length. */
const invariants: Record<number, string> = {
  1: "each slot of the arena table holds an arena or is in the list of unused slots",
  2: "an arena's pools lie between its first pool boundary and its end",
  3: "the arena map has a bit for every pool of every arena",
  4: "the pools in an arena's free list are those without a size",
  5: "a pool knows its arena",
  6: "an arena's count of free pools is that of its list and its untouched rest",
  7: "at most one arena is wholly free, the others are given back",
  8: "each arena with free pools is in the list for their number",
  9: "a pool's blocks are of one size class and fill it from its header on",
  10: "a pool has no more blocks in use than carved, and no more carved than fit",
  11: "a pool marked full is in no list and has no free block, or one while it is current",
  12: "a pool's free list holds each of its free blocks once",
  13: "the list of a size class is circular, and it and the current pool are of that class",
  14: "an empty pool stays in the list of its class only while it is alone there",
  15: "a pool that is neither full nor free is in the list of its class",
  16: "arenas allocated = arenas reclaimed + current, and none is above the high-water mark",
};

export type PyMemErrorKind = "broken-invariant";

/** A heap that is not as it should be. */
export class PyMemError extends Error {
  override readonly name = "PyMemError";
  readonly kind: PyMemErrorKind;
  /** Where in the memory. */
  readonly address: Address;
  /** The number in docs/invariants.md. */
  readonly invariant: number;

  constructor(kind: PyMemErrorKind, address: Address, invariant: number) {
    super(`heap invariant ${invariant} is broken at ${hex(address)}: ${invariants[invariant]}`);
    this.kind = kind;
    this.address = address;
    this.invariant = invariant;
  }
}

/** An address as people write it. */
export function hex(p: Address): string {
  return `0x${(p >>> 0).toString(16)}`;
}

/** How a value is shown in a message: its type where its text would not help. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    return `an object (${value.constructor?.name ?? "no prototype"})`;
  }
  return String(value);
}

/** @throws TypeError that begins with `prefix` and names the first member that is no function */
export function requireFunctions(value: object, names: readonly string[], prefix: string): void {
  for (const name of names) {
    const member = (value as Record<string, unknown>)[name];
    if (typeof member !== "function") {
      throw new TypeError(`${prefix}${name} is ${show(member)}, expected a function`);
    }
  }
}

/** Is this an object, and not null? */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
