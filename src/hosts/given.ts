/** A memory that someone else owns, with the malloc that owns it. */
import { unsigned } from "../memory.js";
import type { SystemMalloc } from "../types.js";
import type { Host } from "./host.js";

/** Is this a function of WebAssembly's? Only those can be put into a table. */
function isExport(value: CallableFunction): boolean {
  try {
    new WebAssembly.Table({ element: "anyfunc", initial: 1 }).set(0, value);
    return true;
  } catch {
    return false;
  }
}

type Numbers = (...numbers: number[]) => number;

/**
 * The malloc family as our modules call it. Exports stay what they are, so that no call leaves WebAssembly; functions of
 * JavaScript's get addresses and sizes as C has them, unsigned, and may return either sign.
 */
export function givenHost(memory: WebAssembly.Memory, given: SystemMalloc): Host {
  const forCore = (name: keyof SystemMalloc) => {
    const theirs = given[name] as Numbers;
    if (isExport(theirs)) return theirs;
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
