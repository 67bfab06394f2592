/**
 * Random programs with a random mistake in them: each is named, with its kind and its block. Random programs
 * without one are never accused. The longer profile makes 10,000 of each.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { layout } from "../../base/base.js";
import type { Heap, PyMemErrorKind } from "../../src/index.js";
import { assertFilled, fill, numbers, poolOf } from "../support/heaps.js";
import {
  changed,
  debugHeap,
  debugModes,
  type Family,
  families,
  faultOf,
  prefixes,
  serialOf,
} from "../support/mistakes.js";
import { long } from "../support/profile.js";

const ROUNDS = long ? 2500 : 250;

interface Block {
  readonly p: number;
  readonly size: number;
  readonly family: Family;
  readonly serial: number;
  readonly seed: number;
}

/** A correct program: it does what it likes with blocks of its own, and knows what is in each. */
class Program {
  readonly malloc: (typeof debugModes)[number];
  readonly heap: Heap;
  readonly quarantineBytes: number;
  readonly random: (bound: number) => number;
  readonly live: Block[] = [];
  /** The block that was freed last. */
  freed: Block | undefined;

  constructor(seed: number) {
    this.random = numbers(seed);
    this.malloc = debugModes[this.random(2)] as (typeof debugModes)[number];
    this.quarantineBytes = [8192, 65536, 256 * 1024][this.random(3)] as number;
    this.heap = debugHeap({ malloc: this.malloc, quarantineBytes: this.quarantineBytes });
  }

  size(): number {
    const kinds = [9, 65, 65, 65, 513, 3000];
    return this.random(kinds[this.random(kinds.length)] as number);
  }

  family(): Family {
    return families[this.random(3)] as Family;
  }

  /** Any block. @param least it has so many bytes */
  pick(least = 0): Block {
    const fitting = this.live.filter(({ size }) => size >= least);
    return fitting[this.random(fitting.length)] ?? this.born(this.family(), least + this.size());
  }

  keep(p: number, size: number, family: Family): Block {
    assert.notEqual(p, 0);
    const block = { p, size, family, serial: serialOf(this.heap), seed: this.random(1e9) };
    fill(this.heap, p, size, block.seed);
    this.live.push(block);
    return block;
  }

  born(family: Family, size: number): Block {
    const functions = this.heap[family];
    return this.keep(
      this.random(4) === 0 ? functions.calloc(1, size) : functions.malloc(size),
      size,
      family,
    );
  }

  drop(block: Block): void {
    this.live.splice(this.live.indexOf(block), 1);
    this.freed = block;
  }

  free(block: Block): void {
    assertFilled(this.heap, block.p, block.size, block.seed);
    this.heap[block.family].free(block.p);
    this.drop(block);
  }

  resize(block: Block): void {
    const size = this.size();
    const p = this.heap[block.family].realloc(block.p, size);
    assertFilled(this.heap, p, Math.min(size, block.size), block.seed);
    this.drop(block);
    this.keep(p, size, block.family);
  }

  /** The books: all is well, and as many blocks are live as we think. */
  check(): void {
    this.heap.validate();
    const pooled = this.malloc === "pymalloc_debug";
    const live = this.live.filter(({ family }) => family !== "raw").length;
    assert.equal(this.heap.getAllocatedBlocks(), pooled ? live : 0);
  }

  run(steps: number, checked = false): void {
    for (let step = 0; step < steps; step++) {
      if (checked) this.check();
      const action = this.random(10);
      if (action < 5 || this.live.length === 0) this.born(this.family(), this.size());
      else if (action < 8) this.free(this.pick());
      else if (action === 8) this.resize(this.pick());
      else if (this.random(5) === 0) this.check();
    }
  }

  /** Ends as a correct program does. */
  end(): void {
    while (this.live.length > 0) this.free(this.live[0] as Block);
    this.check();
  }
}

interface Expected {
  readonly address: number;
  /** The block that is named; none for a pointer to nowhere. */
  readonly block?: Block | undefined;
  /** The call that is wrong; none where the fault is found by whoever looks. */
  readonly call?: string | undefined;
}

/** Frees or resizes. Returns what was called. */
function touch(program: Program, family: Family, p: number): [string, () => unknown] {
  const { free, realloc } = program.heap[family];
  const size = program.size();
  return program.random(2) === 0
    ? [`${prefixes[family]}Free`, () => free(p)]
    : [`${prefixes[family]}Realloc`, () => realloc(p, size)];
}

/** What is written over shows when the block is touched, or to validate. */
function overwrite(program: Program, block: Block, offset: number) {
  const { heap } = program;
  const at = block.p + offset;
  const saved = heap.u8[at] as number;
  heap.u8[at] = changed(heap, at, 1 + program.random(255));
  const [call, touches] = touch(program, block.family, block.p);
  const looks = program.random(3) === 0;
  return {
    expected: { address: block.p, block, call: looks ? "validate" : call },
    trigger: looks ? () => heap.validate() : touches,
    undo: () => {
      heap.u8[at] = saved;
    },
  };
}

/** A pointer at which no block begins. */
function strayPointer(program: Program): { p: number; block?: Block } {
  const { heap } = program;
  const block = program.pick(1);
  const nowhere = [0xcdcdcdcd, 0xdddddddd, 0xfdfdfdfd, heap.u8.length + 8 * program.random(99)];
  const inPool = program.live.filter(({ p }) => heap.isPymallocAddress(p));
  switch (program.random(4)) {
    case 0:
      return { p: block.p + 1 + program.random(block.size + 7), block };
    case 1:
      return { p: block.p - 1 - program.random(7), block };
    case 2:
      if (inPool.length > 0) {
        const { p } = inPool[program.random(inPool.length)] as Block;
        return { p: poolOf(heap, p) + program.random(layout.POOL_HEADER) };
      }
      return { p: heap.root + program.random(1000) };
    default:
      return { p: nowhere[program.random(nowhere.length)] as number };
  }
}

interface Mistake {
  readonly expected: Expected;
  readonly trigger: () => unknown;
  /** Makes it as if it had not been done. */
  readonly undo?: () => void;
}

const mistakes: Partial<Record<PyMemErrorKind, (program: Program) => Mistake>> = {
  "buffer-overflow"(program) {
    const block = program.pick();
    return overwrite(program, block, block.size + program.random(8));
  },
  "buffer-underflow"(program) {
    return overwrite(program, program.pick(), -1 - program.random(8));
  },
  "use-after-free-write"(program) {
    const { heap } = program;
    const block = program.pick(1);
    program.free(block);
    const at = block.p + program.random(block.size);
    const saved = heap.u8[at] as number;
    heap.u8[at] = changed(heap, at, 1 + program.random(255));
    if (program.random(2) === 0) {
      const expected = { address: block.p, block, call: "validate" };
      const undo = () => {
        heap.u8[at] = saved;
      };
      return { expected, trigger: () => heap.validate(), undo };
    }
    let pushing = 0;
    const trigger = () => {
      for (let bytes = 0; bytes <= program.quarantineBytes; bytes += 1000) {
        pushing = heap.mem.malloc(1000 - 16);
        heap.mem.free(pushing);
      }
    };
    // What was being freed when the other one left is live still.
    const undo = () => heap.mem.free(pushing);
    return { expected: { address: block.p, block, call: "quarantine" }, trigger, undo };
  },
  "double-free"(program) {
    const block = program.pick();
    program.free(block);
    const [call, trigger] = touch(program, block.family, block.p);
    return { expected: { address: block.p, block, call }, trigger };
  },
  "wrong-family"(program) {
    const block = program.pick();
    const others = families.filter((family) => family !== block.family);
    const [call, trigger] = touch(program, others[program.random(2)] as Family, block.p);
    return { expected: { address: block.p, block, call }, trigger };
  },
  "invalid-pointer"(program) {
    const { p, block } = strayPointer(program);
    const [call, trigger] = touch(program, program.family(), p);
    return { expected: { address: p, block, call }, trigger };
  },
};

for (const [kind, make] of Object.entries(mistakes)) {
  test(`${ROUNDS} random programs with a ${kind}: each is named`, () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const program = new Program(seed);
      program.run(20 + program.random(200));
      const { expected, trigger, undo } = make(program);
      const fault = faultOf(trigger);
      const { address, block, call } = expected;
      assert.deepEqual(
        [fault.kind, fault.address >>> 0, fault.call],
        [kind, address >>> 0, call],
        `seed ${seed}: ${fault.message}`,
      );
      if (block !== undefined) {
        assert.deepEqual(
          [fault.block, fault.size, fault.family, fault.serial],
          [block.p, block.size, block.family, block.serial],
          `seed ${seed}: ${fault.message}`,
        );
      }
      undo?.();
      // Nothing was changed: without its mistake the program goes on.
      program.run(50);
      program.end();
    }
  });
}

test(`${ROUNDS} random programs without a mistake: none is accused`, () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const program = new Program(seed * 7919);
    program.run(70 + program.random(300));
    program.end();
  }
});

test("the books of a random program balance after every step", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const program = new Program(seed * 104_729);
    program.run(300, true);
    program.end();
  }
});
