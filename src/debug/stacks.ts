/** Stacks: where a program was when it allocated or freed a block. */

import { unsigned } from "../../base/base.js";

/** How stacks are taken, cheaply, and made into text when one is wanted. */
export interface Tracer {
  capture(): unknown;
  render(captured: unknown): string;
}

/** V8's name for the code of a WebAssembly module, in a line of a stack. */
const MODULE = /wasm:\/\/wasm\/[0-9a-f]+/;

/** How many lines a stack has: V8 has that to set. */
const limited = Error as { stackTraceLimit?: number };

/** How many of them are our own: between the caller's function and the error there is the debug heap. */
const OWN_LINES = 10;

/** Makes an error whose stack has as many lines of the caller's as it would have without ours. */
export function withCallersLines<E extends Error>(make: () => E): E {
  const limit = limited.stackTraceLimit;
  if (limit === undefined) return make();
  // Where nobody may set it, it stays.
  Reflect.set(limited, "stackTraceLimit", limit + OWN_LINES);
  try {
    return make();
  } finally {
    Reflect.set(limited, "stackTraceLimit", limit);
  }
}

/**
 * JavaScript stacks. The first lines are our own: the functions here, and the debug heap's module, which
 * the caller of malloc does not care for.
 */
export const javascriptTracer: Tracer = {
  capture: () => withCallersLines(() => new Error("stack")),
  render(captured) {
    const lines = (captured as Error).stack?.split("\n").slice(1) ?? [];
    const first = lines.findIndex((line) => MODULE.test(line));
    if (first < 0) return lines.join("\n");
    const ours = (lines[first] as string).match(MODULE)?.[0] as string;
    const rest = lines.slice(first);
    const theirs = rest.findIndex((line) => !line.includes(ours));
    return (theirs < 0 ? [] : rest.slice(theirs)).join("\n");
  },
};

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // JavaScript's stack is full, or its map.
  }
}

interface History {
  readonly allocated: unknown;
  freed: unknown;
}

/** Stacks of so many blocks that are gone are kept, the last ones: a second free may come late. */
const MOST_GONE = 4096;

/**
 * The stacks of each block, by its address, as long as it has its memory: from its birth until it leaves the quarantine.
 *
 * The debug heap tells of its blocks in the middle of its work, so none of these functions throws: where there is no
 * room left for a stack, in JavaScript's own or in the map, there is none of that block.
 */
export class Histories {
  readonly #histories = new Map<number, History>();
  readonly #gone = new Map<number, History>();
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  born(p: number): void {
    attempt(() => {
      this.#histories.set(unsigned(p), { allocated: this.#tracer.capture(), freed: undefined });
    });
  }

  died(p: number): void {
    attempt(() => {
      const history = this.#histories.get(unsigned(p));
      if (history !== undefined) history.freed = this.#tracer.capture();
    });
  }

  /** Its memory goes to others. */
  left(p: number): void {
    attempt(() => {
      const address = unsigned(p);
      const history = this.#histories.get(address);
      if (history === undefined) return;
      this.#histories.delete(address);
      this.#gone.delete(address); // so that it is the last one there
      this.#gone.set(address, history);
      if (this.#gone.size <= MOST_GONE) return;
      const [oldest] = this.#gone.keys();
      this.#gone.delete(oldest as number);
    });
  }

  /** How many blocks there are stacks of. */
  get size(): number {
    return this.#histories.size + this.#gone.size;
  }

  of(p: number): { allocationStack?: string; freeStack?: string } {
    const address = unsigned(p);
    const history = this.#histories.get(address) ?? this.#gone.get(address);
    if (history === undefined) return {};
    const { allocated, freed } = history;
    return {
      allocationStack: this.#tracer.render(allocated),
      ...(freed === undefined ? {} : { freeStack: this.#tracer.render(freed) }),
    };
  }
}
