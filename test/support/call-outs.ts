/** Callbacks that do what a plan says whenever the heap calls out, and the model of what the heap should hold. */
import assert from "node:assert/strict";
import type { SystemMalloc } from "../../base/types.js";
import type { Allocator, DomainName, Heap } from "../../src/index.js";
import { assertFilled, fill, layout } from "./heaps.js";

/** What a callback throws: before it does anything, so the block that it was called for is as it was. */
class Thrown extends Error {
  constructor(readonly spared: number) {
    super("thrown by a callback");
  }
}

interface Block {
  readonly domain: DomainName;
  readonly p: number;
  readonly bytes: number;
  readonly seed: number;
}

export const domains: readonly DomainName[] = ["raw", "mem", "object"];

/** Calls inside of each other; who is called deeper behaves. */
const DEEPEST = 3;

/** A heap, what it should hold, and callbacks that do what the numbers of a plan say. */
export class World {
  readonly live: Block[] = [];
  readonly arenas = new Map<number, number>();
  readonly calls = { reentered: 0, thrown: 0, refused: 0 };
  heap!: Heap;
  #plan: number[] = [];
  #depth = 0;
  #seeds = 1;
  #armed = false;

  #draw(bound: number): number {
    return (this.#plan.shift() ?? 0) % bound;
  }

  /** Runs a step of a program with callbacks that follow the plan. */
  step(plan: readonly number[], run: () => void): void {
    this.#plan = [...plan];
    this.#armed = true;
    run();
    this.#armed = false;
    this.assertBalanced();
  }

  /** What every callback does first; true when it is to refuse. @param p the block that it is called for */
  act(p: number, mayRefuse: boolean): boolean {
    if (!this.#armed) return false;
    this.heap.validate();
    switch (this.#draw(8)) {
      case 1:
      case 2:
      case 3:
        this.#useHeap();
        return false;
      case 4:
        this.calls.thrown++;
        throw new Thrown(p);
      case 5:
        if (mayRefuse) this.calls.refused++;
        return mayRefuse;
      default:
        return false;
    }
  }

  /** ... and last. */
  actAfter(): void {
    if (!this.#armed) return;
    this.heap.validate();
    if (this.#draw(4) === 1) this.#useHeap();
  }

  #useHeap(): void {
    if (this.#depth === DEEPEST) return;
    this.#depth++;
    this.calls.reentered++;
    for (let n = 1 + this.#draw(3); n > 0; n--) {
      const domain = domains[this.#draw(3)] as DomainName;
      const bytes = [8, 24, 40, 200, 512, 600, 3000][this.#draw(7)] as number;
      const kind = this.#draw(4);
      if (kind === 0) this.malloc(domain, bytes);
      else if (kind === 1) this.calloc(domain, bytes);
      else if (kind === 2) this.realloc(this.#draw(1000), bytes);
      else this.free(this.#draw(1000));
    }
    this.#depth--;
    this.heap.validate();
  }

  /** The call's result; undefined when a callback threw, which then did not happen for another block than `p`. */
  #attempt<T>(call: () => T): { result: T } | { spared: number } {
    try {
      return { result: call() };
    } catch (error) {
      if (error instanceof Thrown) return error;
      throw error;
    }
  }

  #keep(domain: DomainName, p: number, bytes: number): void {
    if (p === 0) return;
    assert.equal(p % 8, 0);
    const seed = this.#seeds++;
    fill(this.heap, p, bytes, seed);
    this.live.push({ domain, p, bytes, seed });
  }

  malloc(domain: DomainName, bytes: number): void {
    const done = this.#attempt(() => this.heap[domain].malloc(bytes));
    if ("result" in done) this.#keep(domain, done.result, bytes);
  }

  calloc(domain: DomainName, bytes: number): void {
    const done = this.#attempt(() => this.heap[domain].calloc(1, bytes));
    if (!("result" in done)) return;
    const p = done.result;
    if (p !== 0) assert.ok(this.heap.u8.subarray(p, p + bytes).every((byte) => byte === 0));
    this.#keep(domain, p, bytes);
  }

  /** Nobody else may touch the block meanwhile. */
  #take(at: number): Block | undefined {
    const [block] = this.live.length === 0 ? [] : this.live.splice(at % this.live.length, 1);
    if (block !== undefined) assertFilled(this.heap, block.p, block.bytes, block.seed);
    return block;
  }

  realloc(at: number, bytes: number): void {
    const block = this.#take(at);
    if (block === undefined) return;
    const done = this.#attempt(() => this.heap[block.domain].realloc(block.p, bytes));
    if ("result" in done && done.result !== 0) {
      assertFilled(this.heap, done.result, Math.min(bytes, block.bytes), block.seed);
      this.#keep(block.domain, done.result, bytes);
    } else {
      assertFilled(this.heap, block.p, block.bytes, block.seed);
      this.live.push(block);
    }
  }

  free(at: number): void {
    const block = this.#take(at);
    if (block === undefined) return;
    const done = this.#attempt(() => this.heap[block.domain].free(block.p));
    // What is thrown when an arena or a table goes back comes after the block's death.
    if ("spared" in done && done.spared === block.p) this.live.push(block);
  }

  assertBalanced(): void {
    const { heap, live, arenas } = this;
    heap.validate();
    const stats = heap.stats();
    const { total, ...parts } = stats.bytes;
    assert.equal(
      Object.values(parts).reduce((sum, part) => sum + part, 0),
      total,
      "the parts sum to the whole",
    );
    const counted = live.filter(({ domain }) => domain !== "raw").length;
    assert.equal(heap.getAllocatedBlocks(), counted, "live blocks");
    if (arenas.size > 0 || stats.arenas.current === 0) {
      const units = layout.LONGEST_ARENA / layout.UNIT_SIZE;
      assert.equal(stats.arenas.current, arenas.size * units, "arenas that were given out");
    }
  }

  /** An allocator, or a system malloc, that misbehaves in front of another. */
  disturbed(inner: SystemMalloc): SystemMalloc {
    const after = (p: number): number => {
      this.actAfter();
      return p;
    };
    return {
      malloc: (bytes) => (this.act(0, true) ? 0 : after(inner.malloc(bytes))),
      calloc: (count, size) => (this.act(0, true) ? 0 : after(inner.calloc(count, size))),
      realloc: (p, bytes) => (this.act(p, true) ? 0 : after(inner.realloc(p, bytes))),
      free: (p) => {
        this.act(p, false);
        inner.free(p);
        this.actAfter();
      },
    };
  }

  hook(domain: DomainName): void {
    const { ctx, ...inner } = this.heap.getAllocator(domain);
    const { malloc, calloc, realloc, free } = this.disturbed({
      malloc: (bytes) => inner.malloc(ctx, bytes),
      calloc: (count, size) => inner.calloc(ctx, count, size),
      realloc: (p, bytes) => inner.realloc(ctx, p, bytes),
      free: (p) => inner.free(ctx, p),
    });
    const hook: Allocator = {
      ctx: null,
      malloc: (_, bytes) => malloc(bytes),
      calloc: (_, count, size) => calloc(count, size),
      realloc: (_, p, bytes) => realloc(p, bytes),
      free: (_, p) => free(p),
    };
    this.heap.setAllocator(domain, hook);
  }

  hookArenas(): void {
    const inner = this.heap.getArenaAllocator();
    this.heap.setArenaAllocator({
      ctx: null,
      alloc: (_, bytes) => {
        if (this.act(0, true)) return 0;
        const p = inner.alloc(inner.ctx, bytes);
        if (p !== 0) this.arenas.set(p, bytes);
        this.actAfter();
        return p;
      },
      free: (_, p, bytes) => {
        assert.equal(this.arenas.get(p), bytes, "an arena goes back once, with its length");
        this.arenas.delete(p); // whatever becomes of this call: the heap is done with it
        this.act(p, false);
        inner.free(inner.ctx, p, bytes);
        this.actAfter();
      },
    });
  }
}
