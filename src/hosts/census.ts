/** Counting what an interpreter asks for, while it runs. */
import { type Census, instantiate } from "../core.js";
import { AllocatorTable, Domains, pointersOf, programOf, recordOf } from "./cpython.js";
import type { InstalledPymalloc, PyodideLike } from "./pyodide.js";

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
  const allocators = new AllocatorTable(program);
  const { memory, table } = program;
  const counters = [Domains.mem, Domains.object].map((domain) => {
    const before = allocators.get(domain);
    const counter = instantiate("census", {
      env: { memory, table },
      census: { addressInRange: heap.isPymallocAddress },
      ...pointersOf(before),
    }) as unknown as Census;
    allocators.set(domain, recordOf(program, 0, counter));
    return { domain, before, ...counter };
  });
  return () => {
    for (const { domain, before } of counters) allocators.set(domain, before);
    const sum = (of: (census: Census) => number) => counters.reduce((n, c) => n + of(c), 0);
    return {
      requests: sum((c) => c.requests()),
      fromPools: sum((c) => c.fromPools()),
      peakBlocks: sum((c) => c.peakBlocks()),
    };
  };
}
