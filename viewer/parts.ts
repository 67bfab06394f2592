/** A budget of a memory, as rows that have names. */
import type { Budget } from "../inspect/inspect.js";
import type { Memory, Part } from "./report.js";

/** What the parts of a budget are called. */
const names: Readonly<Record<string, string>> = {
  program: "program's own data",
  stack: "C stack",
  pools: "pools",
  system: "system malloc",
  tables: "allocator's tables",
  other: "other",
  untouched: "never used yet",
  inUse: "in use",
  largestFree: "largest free piece",
};

/** `inUse` as words. */
function nameOf(key: string): string {
  return names[key] ?? key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** All parts, which sum up to the memory. */
export function partsOf({ parts }: Pick<Budget, "parts">): Part[] {
  return Object.entries(parts).flatMap(([key, value]): Part[] => {
    const group = nameOf(key);
    if (typeof value === "number") return [{ group, name: group, bytes: value }];
    return Object.entries(value).map(([inner, bytes]) => ({ group, name: nameOf(inner), bytes }));
  });
}

export function memoryOf(budget: Budget): Memory {
  const { total, maximum, limit, available, allocator, note } = budget;
  return { total, maximum, limit, available, allocator, note, parts: partsOf(budget) };
}
