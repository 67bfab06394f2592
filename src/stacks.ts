/** Stacks: where a program was when it allocated or freed a block. */

import { unsigned } from "./memory.js";

/** How stacks are taken, cheaply, and made into text when one is wanted. */
export interface Tracer {
  capture(): unknown;
  render(captured: unknown): string;
}

/** V8's name for the code of a WebAssembly module, in a line of a stack. */
const MODULE = /wasm:\/\/wasm\/[0-9a-f]+/;

/**
 * JavaScript stacks. The first lines are our own: the functions here, and the debug heap's module, which
 * the caller of malloc does not care for.
 */
export const javascriptTracer: Tracer = {
  capture: () => new Error("stack"),
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

interface History {
  readonly allocated: unknown;
  freed: unknown;
}

/** The stacks of each block, by its address, from its birth to the birth of the next one there. */
export class Histories {
  readonly #histories = new Map<number, History>();
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  born(p: number): void {
    this.#histories.set(unsigned(p), { allocated: this.#tracer.capture(), freed: undefined });
  }

  died(p: number): void {
    const history = this.#histories.get(unsigned(p));
    if (history !== undefined) history.freed = this.#tracer.capture();
  }

  of(p: number): { allocationStack?: string; freeStack?: string } {
    const history = this.#histories.get(unsigned(p));
    if (history === undefined) return {};
    const { allocated, freed } = history;
    return {
      allocationStack: this.#tracer.render(allocated),
      ...(freed === undefined ? {} : { freeStack: this.#tracer.render(freed) }),
    };
  }
}
