/**
 * The texts of a report for programs that the debug heap is linked into, whose memory has them: core/debug/report fills them in,
 * and imports the address of each by the name that it has here. A list has its texts one after the other, a 0 between them.
 */
import {
  invariantPattern,
  invariants,
  debugLayout as L,
  type PyMemErrorKind,
} from "../../base/base.js";
import { prefixes } from "./dump.js";
import { numbers } from "./mistakes.js";
import * as patterns from "./patterns.js";

const { calls, sentences, ...texts } = patterns;

/** Texts by their numbers as a list that begins with the number `first`. */
function list(first: number, texts: Readonly<Record<number, string>>): string {
  const all = Object.entries(texts).filter(([number]) => Number(number) >= first);
  return all.map(([, text]) => text).join("\0");
}

/** A text of each kind, by their numbers. */
function byKind(textOf: (kind: PyMemErrorKind) => string): string {
  const all = Object.entries(numbers) as [PyMemErrorKind, number][];
  return list(1, Object.fromEntries(all.map(([kind, number]) => [number, textOf(kind)])));
}

/** All of them, by the names of core/debug/report/report-host.ts. */
export function reportTexts(): Record<string, string> {
  const patternOf = { ...sentences, "broken-invariant": invariantPattern };
  return {
    errorName: "PyMemError: ",
    errorKinds: byKind((kind) => kind),
    errorSentences: byKind((kind) => patternOf[kind]),
    invariantTexts: list(L.LEDGER_HOLDS, invariants),
    callNames: list(0, calls),
    familyNames: ["raw", "mem", "object"].join("\0"),
    familyPrefixes: [prefixes.raw, prefixes.mem, prefixes.object].join("\0"),
    ...texts,
  };
}
