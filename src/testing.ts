/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Helpers for tests of programs that allocate: `import { failAllocations } from "pymalloc/testing"`.
 *
 * They are hooks like any others (`heap.setAllocator`), so they see the calls that are made through the
 * heap's functions after they were set, and not those through functions that were copied out of it before.
 */
import {
  type Address,
  type Allocator,
  type DomainName,
  dispose,
  requireOptions,
  show,
  typeError,
} from "../base/base.js";
import { domainNames, type RemovableHook, readDomain, replacement } from "./domains.js";

/** What the helpers need of a heap. */
export interface HookableHeap {
  /** See `heap.getAllocator`. */
  getAllocator(domain: DomainName): Allocator;
  /** See `heap.setAllocator`. */
  setAllocator(domain: DomainName, allocator: Allocator): void;
}

/** Which allocations fail. */
export interface FailureOptions {
  /** The number of the first call that fails, the next one being 1. Default 1. */
  start?: number | undefined;
  /** The number of the first call after it that succeeds again; not below `start`. Default: none does. */
  stop?: number | undefined;
  /** Whose malloc, calloc and realloc calls are counted. Default: all three domains'. */
  domains?: readonly DomainName[] | undefined;
}

/** Allocations that fail, as `failAllocations` made them. */
export class FailingAllocations implements Disposable {
  readonly #heap: HookableHeap;
  readonly #domains: readonly DomainName[];
  #calls = 0;
  #failed = 0;
  #removed = false;

  /** @internal */
  constructor(heap: HookableHeap, start: number, stop: number, domains: readonly DomainName[]) {
    this.#heap = heap;
    this.#domains = domains;
    const fails = () => {
      this.#calls++;
      const failing = this.#calls >= start && this.#calls < stop && !this.#removed;
      if (failing) this.#failed++;
      return failing;
    };
    for (const domain of domains) {
      const inner = heap.getAllocator(domain);
      const { ctx } = inner;
      const hook: RemovableHook = {
        ctx: null,
        malloc: (_, bytes) => (fails() ? 0 : inner.malloc(ctx, bytes)),
        calloc: (_, count, size) => (fails() ? 0 : inner.calloc(ctx, count, size)),
        realloc: (_, p, bytes) => (fails() ? 0 : inner.realloc(ctx, p, bytes)),
        free: (_, p: Address) => inner.free(ctx, p),
        [replacement]: () => (this.#removed ? inner : undefined),
      };
      heap.setAllocator(domain, hook);
    }
  }

  /** malloc, calloc and realloc calls so far. What a pool's domain asks of a hooked raw domain counts, too. */
  get calls(): number {
    return this.#calls;
  }

  /** Those of them that failed. */
  get failed(): number {
    return this.#failed;
  }

  /**
   * Brings the allocators from before back. A second time it does nothing. Under another hook this one lets everything
   * pass, and is gone with that.
   */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    const heap = this.#heap;
    // In the place of what is removed the heap puts what that stood on.
    for (const domain of this.#domains) {
      heap.setAllocator(domain, heap.getAllocator(domain));
    }
  }

  /** Removes them, for `using`. */
  [dispose](): void {
    this.remove();
  }
}

function readCall(value: unknown, least: number, option: string): number {
  if (value === Number.POSITIVE_INFINITY && option === "stop") return value;
  if (typeof value !== "number" || !Number.isInteger(value) || value < least) {
    throw typeError(
      `failAllocations: ${option} is ${show(value)}, expected a whole number from ${least} on`,
    );
  }
  return value;
}

/**
 * Makes allocations fail (CPython: _testcapi.set_nomemory): the calls number `start` up to, not including, `stop`
 * return 0. Frees work as ever.
 *
 * @returns to be removed, or bound with `using`
 * @throws TypeError that names the option, its value and what was expected
 */
export function failAllocations(
  heap: HookableHeap,
  options: FailureOptions = {},
): FailingAllocations {
  requireOptions(options, ["start", "stop", "domains"], "failAllocations");
  const start = readCall(options.start ?? 1, 1, "start");
  const stop = readCall(options.stop ?? Number.POSITIVE_INFINITY, start, "stop");
  const { domains = domainNames } = options;
  if (!Array.isArray(domains)) {
    throw typeError(`failAllocations: domains is ${show(domains)}, expected an array`);
  }
  const names = domains.map((domain) => readDomain(domain, "failAllocations"));
  return new FailingAllocations(heap, start, stop, names);
}

/**
 * Runs a program again and again: its first allocation fails, then its second, and so on, until all were tried.
 * After each run the heap is validated.
 *
 * @param program has to do without the memory, and to leave nothing behind: each run meets the same heap
 * @returns how many allocations were tried
 * @throws what the program throws, or `heap.validate`
 */
export function failEachAllocation(
  heap: HookableHeap & { validate(): void },
  program: () => void,
): number {
  for (let n = 1; ; n++) {
    const failing = failAllocations(heap, { start: n, stop: n + 1 });
    try {
      program();
    } finally {
      failing.remove();
    }
    heap.validate();
    if (failing.failed === 0) return n - 1;
  }
}
