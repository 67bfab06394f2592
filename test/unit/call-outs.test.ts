/**
 * Calls out of the heap: whatever allocators that were set, arena allocators and the system malloc do when they are called
 * (use the heap, throw, refuse), the invariants hold at that moment, the books balance and no content is lost.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SystemMalloc } from "../../base/types.js";
import { standaloneHost } from "../../hosts/own.js";
import { createHeap, type DomainName, type Heap } from "../../src/index.js";
import { domains, World } from "../support/call-outs.js";
import { assertFilled, fill, layout } from "../support/heaps.js";
import { long } from "../support/profile.js";

interface Setup {
  readonly name: string;
  readonly make: (world: World) => Heap;
  readonly hooked: readonly DomainName[];
  readonly arenas: boolean;
}

const own = () => createHeap({ malloc: "pymalloc", maximumBytes: 1 << 26 });
const given = (world: World) => {
  const { memory, system } = standaloneHost(16, 1024);
  return createHeap({ malloc: "pymalloc", memory, system: world.disturbed(system) });
};

const setups: readonly Setup[] = [
  { name: "an arena allocator", make: own, hooked: [], arenas: true },
  { name: "allocators of all three domains", make: own, hooked: domains, arenas: false },
  { name: "the system malloc", make: given, hooked: [], arenas: false },
  { name: "all of them", make: given, hooked: domains, arenas: true },
];

type Action = (world: World) => void;

const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 64 }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 530 }) },
  { weight: 1, arbitrary: fc.integer({ min: 500, max: 20_000 }) },
);
const domain = fc.constantFrom(...domains);
const times = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }));
const at = fc.nat(10_000);

function repeat(n: number, action: Action): Action {
  return (world) => {
    for (let i = 0; i < n; i++) action(world);
  };
}

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(times, domain, bytes).map(([n, d, size]) => repeat(n, (w) => w.malloc(d, size))),
  fc.tuple(times, domain, bytes).map(([n, d, size]) => repeat(n, (w) => w.calloc(d, size))),
  fc.tuple(times, at, bytes).map(([n, index, size]) => repeat(n, (w) => w.realloc(index, size))),
  fc.tuple(times, at).map(([n, index]) => repeat(n, (w) => w.free(index))),
  // More than the first tables have room for.
  fc.constant(repeat(600, (w) => w.malloc("object", 500))),
);
const plan = fc.array(fc.nat(5000), { maxLength: 60, size: "max" });
const program = fc.array(fc.tuple(action, plan), { maxLength: 30, size: "max" });

for (const { name, make, hooked, arenas } of setups) {
  test(`${name} may use the heap, throw and refuse at any call`, () => {
    const total = { reentered: 0, thrown: 0, refused: 0 };
    const property = fc.property(program, (steps) => {
      const world = new World();
      world.heap = make(world);
      for (const each of hooked) world.hook(each);
      if (arenas) world.hookArenas();
      for (const [run, numbers] of steps) world.step(numbers, () => run(world));
      while (world.live.length > 0) world.free(0);
      world.assertBalanced();
      for (const key of ["reentered", "thrown", "refused"] as const) total[key] += world.calls[key];
    });
    fc.assert(property, { numRuns: long ? 150 : 25, seed: 15, endOnFailure: true });
    for (const [kind, count] of Object.entries(total)) assert.ok(count > 20, `${kind}: ${count}`);
  });
}

test("an arena allocator that allocates is not asked for the next arena for that", () => {
  const heap = own();
  const { ctx, alloc, free } = heap.getArenaAllocator();
  let [depth, deepest] = [0, 0];
  const kept: number[] = [];
  const use = <T>(call: () => T): T => {
    deepest = Math.max(deepest, ++depth);
    kept.push(heap.object.malloc(40));
    heap.validate();
    const result = call();
    kept.push(heap.object.calloc(5, 100));
    heap.validate();
    depth--;
    return result;
  };
  heap.setArenaAllocator({
    ctx: null,
    alloc: (_, bytes) => use(() => alloc(ctx, bytes)),
    free: (_, p, bytes) => use(() => free(ctx, p, bytes)),
  });
  const blocks = Array.from({ length: 5000 }, (_, i) => heap.object.malloc(1 + (i % 512)));
  assert.equal(deepest, 1);
  for (const p of blocks) heap.object.free(p);
  assert.ok(kept.length > 300);
  assert.equal(heap.getAllocatedBlocks(), kept.length);
  for (const p of kept.splice(0)) heap.object.free(p);
  assert.equal(heap.getAllocatedBlocks(), kept.length, "what the last frees kept");
  heap.validate();
});

test("what an arena allocator throws comes out, and costs no slot and no arena", () => {
  const heap = own();
  const inner = heap.getArenaAllocator();
  let throws = false;
  const fail = () => {
    if (throws) throw new RangeError("not now");
  };
  heap.setArenaAllocator({
    ctx: null,
    alloc(_, bytes) {
      fail();
      return inner.alloc(inner.ctx, bytes);
    },
    free(_, p, bytes) {
      inner.free(inner.ctx, p, bytes);
      fail();
    },
  });
  let caught = 0;
  const attempt = (call: () => void) => {
    try {
      call();
    } catch (error) {
      assert.ok(error instanceof RangeError);
      caught++;
    }
  };
  for (let round = 0; round < 20; round++) {
    throws = false;
    const blocks = Array.from({ length: 2000 }, () => heap.object.malloc(100));
    throws = true;
    for (const p of blocks) attempt(() => heap.object.free(p));
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
    assert.ok(heap.stats().arenas.current <= layout.LONGEST_ARENA / layout.UNIT_SIZE);
  }
  const slots = heap.u32[(heap.root + layout.BOOKS) / 4 + 1] as number;
  assert.ok(slots <= 32, `${slots} slots for at most ${2000 / 150} arenas`);
  attempt(() => Array.from({ length: 2000 }, () => heap.object.malloc(100)));
  assert.ok(caught > 200, `${caught}`);
  heap.validate();
});

test("a realloc that moves the last block out of an arena throws before it, or not at all", () => {
  const heap = own();
  const inner = heap.getArenaAllocator();
  let [throws, thrown] = [false, 0];
  heap.setArenaAllocator({
    ctx: null,
    alloc: (_, bytes) => inner.alloc(inner.ctx, bytes),
    free(_, p, bytes) {
      inner.free(inner.ctx, p, bytes);
      if (!throws) return;
      thrown++;
      throw new RangeError("not now");
    },
  });
  const blocks = Array.from({ length: 3000 }, () => heap.object.malloc(100));
  for (const [seed, p] of blocks.entries()) fill(heap, p, 100, seed);
  throws = true;
  for (const [seed, p] of blocks.entries()) {
    let moved = p;
    for (let attempt = 0; attempt < 3 && moved === p; attempt++) {
      try {
        moved = heap.object.realloc(p, 600);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
      heap.validate();
      assertFilled(heap, moved, 100, seed);
    }
    assert.notEqual(moved, p);
    assert.equal(heap.getAllocatedBlocks(), blocks.length - seed);
    throws = false;
    heap.object.free(moved);
    throws = true;
  }
  assert.ok(thrown > 10, `${thrown}`);
  assert.equal(heap.getAllocatedBlocks(), 0);
});

test("a system realloc that throws leaves the tables as they were", () => {
  const { memory, system } = standaloneHost(16, 1024);
  for (const name of ["malloc", "realloc", "free"] as const) {
    for (let n = 1; n < 40; n++) {
      let left = Number.POSITIVE_INFINITY;
      const call = system[name] as (...args: number[]) => number;
      const sometimes: SystemMalloc = {
        ...system,
        [name](...args: number[]): number {
          if (--left === 0) throw new RangeError("not now");
          return call(...args);
        },
      };
      const heap = createHeap({ malloc: "pymalloc", memory, system: sometimes });
      left = n;
      const blocks: number[] = [];
      let caught = 0;
      for (let i = 0; i < 1500; i++) {
        try {
          blocks.push(heap.object.malloc(400));
        } catch {
          caught++;
          heap.validate();
        }
      }
      assert.ok(caught <= 1);
      left = Number.POSITIVE_INFINITY;
      for (const p of blocks) heap.object.free(p);
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0);
    }
  }
});

test("a system malloc that throws loses nothing that it gave", () => {
  for (const name of ["malloc", "realloc"] as const) {
    for (let n = 1; n < 400; n += n < 60 ? 1 : 7) {
      const { memory, system } = standaloneHost(16, 1024);
      const given = new Set<number>();
      let left = Number.POSITIVE_INFINITY;
      const fail = (called: string) => {
        if (called === name && --left === 0) throw new RangeError("not now");
      };
      const take = (p: number) => {
        if (p !== 0) given.add(p);
        return p;
      };
      const counting: SystemMalloc = {
        malloc(bytes) {
          fail("malloc");
          return take(system.malloc(bytes));
        },
        calloc: (count, size) => take(system.calloc(count, size)),
        realloc(p, bytes) {
          fail("realloc");
          const moved = system.realloc(p, bytes);
          if (moved !== 0) given.delete(p);
          return take(moved);
        },
        free(p) {
          given.delete(p);
          system.free(p);
        },
      };
      const heap = createHeap({ malloc: "pymalloc", memory, system: counting });
      left = n;
      const large: number[] = [];
      const blocks: number[] = [];
      for (let i = 0; i < 1500; i++) {
        try {
          blocks.push(heap.object.malloc(100 + (i % 400)));
          if (i % 10 === 0) large.push(heap.raw.malloc(600 + ((i * 997) % 9000)));
          // Holes, for arenas of all lengths.
          if (i % 30 === 0) heap.raw.free(large.shift() ?? 0);
        } catch (error) {
          assert.ok(error instanceof RangeError);
          heap.validate();
        }
      }
      for (const p of blocks) heap.object.free(p);
      for (const p of large) heap.raw.free(p);
      heap.validate();
      const [table = 0, slots = 0] = heap.u32.subarray((heap.root + layout.BOOKS) / 4);
      const bases = Array.from(
        { length: slots },
        (_, slot) => heap.u32[(table + slot * layout.ARENA_SLOT_SIZE) / 4],
      );
      const arenas = bases.filter((base) => base !== 0).length;
      assert.equal(
        given.size,
        3 + arenas,
        `${name} ${n}: the root, two tables and ${arenas} arenas`,
      );
    }
  }
});
