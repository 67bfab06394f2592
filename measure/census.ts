/** Counting what an interpreter asks for, while it runs. */
import { censusModule, type PyMemFunctions } from "../base/base.js";
import {
  type InstalledPymalloc,
  interpose,
  type PyodideLike,
  programOf,
} from "../python/python.js";

/** The exports of measure/wasm/census.ts. */
interface Census extends PyMemFunctions {
  requests(): number;
  fromPools(): number;
  peakBlocks(): number;
}

/** What happened between `startCensus` and its end, in the mem and object domains. */
export interface CensusResult {
  /** malloc, calloc and realloc calls. */
  readonly requests: number;
  /** Those of them that pools served. */
  readonly fromPools: number;
  /** By how many blocks the live ones exceeded those at the start, at most. */
  readonly peakBlocks: number;
}

/** Starts counting; the function that is returned stops it and says what was counted. */
export function startCensus(pyodide: PyodideLike, heap: InstalledPymalloc): () => CensusResult {
  const program = programOf(pyodide, "startCensus");
  const census = { addressInRange: heap.isPymallocAddress };
  const { instances, remove } = interpose<Census>(program, censusModule, census);
  return () => {
    remove();
    const sum = (of: (census: Census) => number) => instances.reduce((n, c) => n + of(c), 0);
    return {
      requests: sum((c) => c.requests()),
      fromPools: sum((c) => c.fromPools()),
      peakBlocks: sum((c) => c.peakBlocks()),
    };
  };
}
