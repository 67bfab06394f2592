/**
 * What a trace consists of: the allocations, reallocations and frees of a program, in order.
 *
 * Blocks have numbers instead of addresses: the n-th block that was allocated is number n, from 0 on. A
 * realloc keeps the number of its block, wherever it goes.
 */

export const Op = { malloc: 0, calloc: 1, realloc: 2, free: 3 } as const;

/** A run of events: column by column, so that it can be copied into a memory. */
export interface EventChunk {
  readonly count: number;
  /** `Op` of each event. */
  readonly ops: Uint8Array;
  /** The block of each event. Those of malloc and calloc are the next number each. */
  readonly blocks: Uint32Array;
  /** The bytes that were asked for (of calloc the product); 0 for a free. */
  readonly sizes: Uint32Array;
}

/** What is known of a recording before it begins. */
export interface TraceHeader {
  /** The program as it was given on the command line, and its arguments. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** `sys.version` of the interpreter, and the version of Pyodide. */
  readonly python: string;
  readonly pyodide: string;
}

/** What is known afterwards. */
export interface TraceSummary {
  readonly events: number;
  readonly mallocs: number;
  readonly callocs: number;
  readonly reallocs: number;
  readonly frees: number;
  /** The largest sum of the sizes of live blocks, and the largest number of them. */
  readonly peakLiveBytes: number;
  readonly peakLiveBlocks: number;
}
