/**
 * What a linked guest may not do: with objects that are dead, with a domain or a function that there is not. Where it has a debug heap
 * it says so first, in a host's words (link/texts.ts). Then comes a trap, before anything is changed.
 */

import { OBJECT } from "../debug/debug";
import { listed, reportLine } from "../debug/report/report";
import { REFUSED, REFUSED_OBJECT } from "../objects/objects";
import { debugs, noFunctions, objectsRoot, refusedObjects } from "./guest-host";

/** An object that is dead was counted, freed or made anew: the root of the objects has which. */
export function refuseObject(): void {
  if (debugs !== 0) {
    const which = load<u32>(objectsRoot, REFUSED) - 1;
    reportLine(listed(refusedObjects, which), load<u32>(objectsRoot, REFUSED_OBJECT));
  }
  unreachable();
}

/** @param text of the call that names the domain */
export function requireDomain(domain: u32, text: usize): void {
  if (domain <= OBJECT) return;
  if (debugs !== 0) reportLine(text, <i32>domain);
  unreachable();
}

/** None of so many pointers to functions may be NULL, where that is looked at. @param first number of the first one's text */
export function requireFunctions(pointers: usize, count: u32, first: u32): void {
  if (debugs === 0) return;
  for (let at: u32 = 0; at < count; at++) {
    if (load<u32>(pointers + at * sizeof<u32>()) !== 0) continue;
    reportLine(listed(noFunctions, first + at), 0);
    unreachable();
  }
}
