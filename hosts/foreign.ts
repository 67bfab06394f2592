/** A memory that someone else owns, with the malloc that owns it. */
import { isWebAssembly, type SystemMalloc, unsigned } from "../base/base.js";
import type { Host } from "./host.js";

type Numbers = (...numbers: number[]) => number;

/**
 * The malloc family as our modules call it. Exports stay what they are, so that no call leaves WebAssembly; functions of
 * JavaScript's get addresses and sizes as C has them, unsigned, and may return either sign.
 */
export function givenHost(memory: WebAssembly.Memory, given: SystemMalloc): Host {
  const forCore = (name: keyof SystemMalloc) => {
    const theirs = given[name] as Numbers;
    if (isWebAssembly(theirs)) return theirs;
    return (...numbers: number[]) => unsigned(theirs.apply(given, numbers.map(unsigned)));
  };
  const system: SystemMalloc = {
    malloc: forCore("malloc"),
    calloc: forCore("calloc"),
    realloc: forCore("realloc"),
    free: forCore("free"),
    ...(given.memalign === undefined ? {} : { memalign: forCore("memalign") }),
  };
  return { memory, system };
}
