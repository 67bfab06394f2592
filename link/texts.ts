/** The texts that a linked program has behind its root. */

import { type Address, objectsLayout as L } from "../base/base.js";
import { reportTexts } from "../src/debug/debug.js";
import { allocatorMembers, arenaMembers, expectedDomain } from "../src/domains.js";
import { noFunction } from "../src/guests/guests.js";
import { refusal } from "../src/objects/objects.js";
import { reportPatterns } from "../src/report/report.js";

const texts = {
  wordVariable: "PYTHONMALLOC",
  wordStatsVariable: "PYTHONMALLOCSTATS",
  wordSwitch: "WITH_PYMALLOC",
  wordDefault: "default",
  wordDebug: "debug",
  wordMimalloc: "mimalloc",
  wordMimallocDebug: "mimalloc_debug",
  wordPymalloc: "pymalloc",
  wordPymallocDebug: "pymalloc_debug",
  reportHead: reportPatterns.head,
  reportRow: reportPatterns.row,
  reportTail: reportPatterns.tail,
};

/** What is said when they are gone, since the memory is another program's. */
export const foreignText = "pymalloc: this is another Pyodide's snapshot\n";

/** A text in whole words of 8 bytes, the last filled up with zeros. */
export function inWords(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / 8) * 8);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}

/** Texts, and where each is, by its name. */
export interface Laid {
  readonly bytes: Uint8Array;
  readonly addresses: Readonly<Record<string, Address>>;
}

/** Texts, each with a 0 behind it, for the memory from `start` on. What is the end of another is not there twice. */
export function layOut(wanted: Readonly<Record<string, string>>, start: Address): Laid {
  const addresses: Record<string, Address> = {};
  let all = "";
  const longestFirst = Object.entries(wanted).sort(([, a], [, b]) => b.length - a.length);
  for (const [name, text] of longestFirst) {
    const there = all.indexOf(`${text}\0`);
    addresses[name] = start + (there < 0 ? all.length : there);
    if (there < 0) all += `${text}\0`;
  }
  return { bytes: inWords(all), addresses };
}

/** Those of a linked Pyodide. @param withPydebug those of the debug heap's reports as well */
export function layOutTexts(start: Address, withPydebug: boolean): Laid {
  return layOut(withPydebug ? { ...texts, ...reportTexts() } : texts, start);
}

/** What core/guest/refusals.ts says, as a host's heap would be quoted in JavaScript: the names are of core/guest/guest-host.ts. */
function refusalTexts(): Record<string, string> {
  const numbers = [L.REFUSED_INCREF, L.REFUSED_DECREF, L.REFUSED_INIT, L.REFUSED_INIT_VAR];
  const pointers = [
    ...allocatorMembers.map((name) => `PyMem_SetAllocator: ${name}`),
    ...arenaMembers.map((name) => `PyObject_SetArenaAllocator: ${name}`),
  ];
  return {
    refusedObjects: [...numbers, L.REFUSED_DEL]
      .map((number) => `RangeError: ${refusal(number, "%h")}`)
      .join("\0"),
    unknownDomainToGet: `TypeError: PyMem_GetAllocator: domain is %d, ${expectedDomain}`,
    unknownDomainToSet: `TypeError: PyMem_SetAllocator: domain is %d, ${expectedDomain}`,
    noFunctions: pointers.map((where) => `TypeError: ${noFunction(where, 0)}`).join("\0"),
  };
}

/** Those of a guest that the debug heap is linked into. */
export function layOutGuestTexts(start: Address): Laid {
  return layOut({ ...reportTexts(), ...refusalTexts() }, start);
}
