/**
 * The texts of a report for programs that the debug heap is linked into, whose memory has them: core/debug/report fills them in,
 * and imports the address of each by the name that it has here. A list has its texts one after the other, a 0 between them.
 */
import { invariantPattern, invariants, debugLayout as L } from "../../base/base.js";
import { prefixes } from "./dump.js";
import { numbers } from "./mistakes.js";
import * as patterns from "./patterns.js";

const { calls, sentences, ...texts } = patterns;

/** Texts by their numbers as a list that begins with the number `first`. */
function list(first: number, texts: Readonly<Record<number, string>>): string {
  const all = Object.entries(texts).filter(([number]) => Number(number) >= first);
  return all.map(([, text]) => text).join("\0");
}

function byNumber(texts: Readonly<Record<keyof typeof numbers, string>>): string {
  const entries = Object.entries(texts) as [keyof typeof numbers, string][];
  return list(1, Object.fromEntries(entries.map(([kind, text]) => [numbers[kind], text])));
}

/** All of them, by the names of core/debug/report/report-host.ts. */
export function reportTexts(): Record<string, string> {
  const kinds = Object.fromEntries(Object.keys(numbers).map((kind) => [kind, `${kind}: `]));
  return {
    errorName: "PyMemError: ",
    errorKinds: byNumber({ ...(kinds as typeof sentences), "broken-invariant": "" }),
    errorSentences: byNumber({ ...sentences, "broken-invariant": invariantPattern }),
    invariantTexts: list(L.LEDGER_HOLDS, invariants),
    callNames: list(0, calls),
    familyNames: ["raw", "mem", "object"].join("\0"),
    familyPrefixes: [prefixes.raw, prefixes.mem, prefixes.object].join("\0"),
    ...texts,
  };
}
