/** The texts that a linked program has behind its root. */
import { reportPatterns } from "../src/report.js";
import type { Address } from "../src/types.js";

const texts = {
  wordVariable: "PYTHONMALLOC",
  wordStatsVariable: "PYTHONMALLOCSTATS",
  wordDefault: "default",
  wordDebug: "debug",
  wordMalloc: "malloc",
  wordMallocDebug: "malloc_debug",
  wordPymalloc: "pymalloc",
  wordPymallocDebug: "pymalloc_debug",
  wordForeign:
    "pymalloc: this memory comes from a snapshot of another Pyodide; restore it in the one that made it\n",
  reportHead: reportPatterns.head,
  reportRow: reportPatterns.row,
  reportTail: reportPatterns.tail,
};

/** All of them, each with a 0 behind it, for the memory from `start` on; and where each is, by its name. */
export function layOutTexts(start: Address): {
  readonly bytes: Uint8Array;
  readonly addresses: Readonly<Record<string, Address>>;
} {
  const addresses: Record<string, Address> = {};
  let all = "";
  for (const [name, text] of Object.entries(texts)) {
    addresses[name] = start + all.length;
    all += `${text}\0`;
  }
  const bytes = new Uint8Array(Math.ceil(all.length / 8) * 8);
  bytes.set(new TextEncoder().encode(all));
  return { bytes, addresses };
}
