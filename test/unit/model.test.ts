/** Random programs against a model: after every step the books balance and all content is there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Domain, Heap } from "../../src/index.js";
import { assertBalanced, assertFilled, fill, pooledHeap } from "../support/heaps.js";

interface Block {
  readonly p: number;
  readonly bytes: number;
  readonly seed: number;
}

/** What the heap should hold. */
interface Model {
  readonly blocks: Block[];
  seeds: number;
}

/** The heap, and the functions that are tested on it (a wrong one, in the test of this test). */
interface Real {
  readonly heap: Heap;
  readonly functions: Domain;
}

abstract class Step implements fc.Command<Model, Real> {
  check(_model: Readonly<Model>): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    this.act(model, real);
    assertBalanced(real.heap, model.blocks.length);
  }

  abstract act(model: Model, real: Real): void;
  abstract toString(): string;

  protected keep(model: Model, { heap }: Real, p: number, bytes: number): void {
    assert.ok(p !== 0 && p % 8 === 0);
    for (const other of model.blocks) {
      const apart = p + bytes <= other.p || other.p + other.bytes <= p;
      assert.ok(apart || bytes === 0 || other.bytes === 0, "blocks do not overlap");
    }
    const seed = model.seeds++;
    fill(heap, p, bytes, seed);
    model.blocks.push({ p, bytes, seed });
  }

  protected pick(model: Model, at: number): Block {
    return model.blocks[at % model.blocks.length] as Block;
  }

  protected drop(model: Model, block: Block): void {
    model.blocks.splice(model.blocks.indexOf(block), 1);
  }
}

class Malloc extends Step {
  constructor(
    readonly bytes: number,
    readonly times: number,
  ) {
    super();
  }
  act(model: Model, real: Real): void {
    for (let i = 0; i < this.times; i++) {
      this.keep(model, real, real.functions.malloc(this.bytes), this.bytes);
    }
  }
  toString = () => `malloc(${this.bytes}) x ${this.times}`;
}

class Calloc extends Step {
  constructor(
    readonly count: number,
    readonly size: number,
  ) {
    super();
  }
  act(model: Model, real: Real): void {
    const bytes = this.count * this.size;
    const p = real.functions.calloc(this.count, this.size);
    assert.ok(real.heap.u8.subarray(p, p + bytes).every((byte) => byte === 0));
    this.keep(model, real, p, bytes);
  }
  toString = () => `calloc(${this.count}, ${this.size})`;
}

class Realloc extends Step {
  constructor(
    readonly at: number,
    readonly bytes: number,
  ) {
    super();
  }
  override check = (model: Readonly<Model>) => model.blocks.length > 0;
  act(model: Model, real: Real): void {
    const block = this.pick(model, this.at);
    assertFilled(real.heap, block.p, block.bytes, block.seed);
    const p = real.functions.realloc(block.p, this.bytes);
    this.drop(model, block);
    assertFilled(real.heap, p, Math.min(block.bytes, this.bytes), block.seed);
    this.keep(model, real, p, this.bytes);
  }
  toString = () => `realloc(#${this.at}, ${this.bytes})`;
}

class Free extends Step {
  constructor(
    readonly at: number,
    readonly times: number,
  ) {
    super();
  }
  override check = (model: Readonly<Model>) => model.blocks.length > 0;
  act(model: Model, real: Real): void {
    for (let i = 0; i < this.times && model.blocks.length > 0; i++) {
      const block = this.pick(model, this.at);
      assertFilled(real.heap, block.p, block.bytes, block.seed);
      real.functions.free(block.p);
      this.drop(model, block);
    }
  }
  toString = () => `free(#${this.at}) x ${this.times}`;
}

class CheckAll extends Step {
  act(model: Model, { heap }: Real): void {
    for (const { p, bytes, seed } of model.blocks) assertFilled(heap, p, bytes, seed);
  }
  toString = () => "check all";
}

const size = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 64 }) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 530 }) },
  { weight: 1, arbitrary: fc.integer({ min: 500, max: 20_000 }) },
);
const times = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }));

const program = fc.commands<Model, Real>(
  [
    fc.tuple(size, times).map(([bytes, n]) => new Malloc(bytes, n)),
    fc.tuple(fc.nat(20), size).map(([count, bytes]) => new Calloc(count, bytes)),
    fc.tuple(fc.nat(10_000), size).map(([at, bytes]) => new Realloc(at, bytes)),
    fc.tuple(fc.nat(10_000), times).map(([at, n]) => new Free(at, n)),
    fc.constant(new CheckAll()),
  ],
  { maxCommands: 120, size: "max" },
);

/** Runs random programs; throws with the shortest one that fails. */
function runPrograms(functionsOf: (heap: Heap) => Domain, numRuns: number): void {
  fc.assert(
    fc.property(program, (steps) => {
      const heap = pooledHeap({ maximumBytes: 1 << 26 });
      fc.modelRun(
        () => ({ model: { blocks: [], seeds: 1 }, real: { heap, functions: functionsOf(heap) } }),
        steps,
      );
    }),
    { numRuns, seed: 20021229 },
  );
}

test("the books balance after every step of random programs, on the object domain", () => {
  runPrograms((heap) => heap.object, 300);
});

test("... and on the mem domain", () => {
  runPrograms((heap) => heap.mem, 100);
});

/** The model finds the fault, and finds it because the books don't balance. */
function assertCaught(functionsOf: (heap: Heap) => Domain): void {
  assert.throws(
    () => runPrograms(functionsOf, 100),
    (error: Error) => /live blocks/.test(String(error.cause)),
  );
}

test("the model catches a realloc that leaks the old block", () => {
  const leaky = (heap: Heap): Domain => ({
    ...heap.object,
    realloc(p, bytes) {
      const moved = heap.object.malloc(bytes);
      // The longest copy that stays inside the memory: at least what both blocks hold.
      const room = heap.u8.length - Math.max(p, moved);
      heap.u8.copyWithin(moved, p, p + Math.min(bytes, room));
      return moved;
    },
  });
  assertCaught(leaky);
});

test("the model catches a free that forgets the count", () => {
  const forgetful = (heap: Heap): Domain => ({
    ...heap.object,
    free: (p) => (heap.isPymallocAddress(p) ? heap.object.free(p) : heap.raw.free(p)),
  });
  assertCaught(forgetful);
});

test("the model catches a free that does nothing", () => {
  const idle = (heap: Heap): Domain => ({ ...heap.object, free: () => {} });
  assertCaught(idle);
});
