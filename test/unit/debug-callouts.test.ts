/**
 * Calls out of the debug heap: a malloc below it that refuses, throws, or uses the heap itself, and handlers of faults that
 * throw. Whatever happens out there the books are right, no block is lost, and none is accused.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { standaloneHost } from "../../hosts/own.js";
import { createHeap, type Heap, PyMemError, type SystemMalloc } from "../../src/index.js";
import { assertFilled, fill, numbers } from "../support/heaps.js";
import { debugHeap, families, faultOf } from "../support/mistakes.js";
import { long } from "../support/profile.js";

const TRIALS = long ? 2000 : 60;

/** No block of the program is as long, with its pads; all that the debug heap asks for itself is longer. */
const LONGEST = 3000;

class Unruly extends Error {}

/** A malloc in JavaScript, in front of one that works. It calls `first` before it serves, which may also refuse. */
class Below {
  readonly memory: WebAssembly.Memory;
  readonly system: SystemMalloc;
  /** Sizes of the blocks that were given and did not come back. */
  readonly given = new Map<number, number>();
  first: (freed: number) => boolean = () => true;

  constructor() {
    const { memory, system } = standaloneHost(4, 1000);
    this.memory = memory;
    const note = (p: number, bytes: number) => {
      if (p !== 0) this.given.set(p, bytes);
      return p;
    };
    this.system = {
      malloc: (bytes) => (this.first(0) ? note(system.malloc(bytes), bytes) : 0),
      calloc: (count, size) => (this.first(0) ? note(system.calloc(count, size), count * size) : 0),
      // Only the pools resize anything.
      realloc: (p, bytes) => {
        const moved = this.first(0) ? system.realloc(p, bytes) : 0;
        if (moved !== 0) this.given.delete(p);
        return note(moved, bytes);
      },
      free: (p) => {
        if (p === 0) return;
        this.given.delete(p);
        system.free(p);
        this.first(p);
      },
    };
  }
}

interface Block {
  readonly family: (typeof families)[number];
  readonly p: number;
  readonly size: number;
}

/** A correct program, whose calls may end by what is thrown below. */
class Program {
  readonly live: Block[] = [];
  /** The blocks that are just being freed or resized. */
  readonly busy: Block[] = [];
  readonly heap: Heap;
  readonly random: (bound: number) => number;

  constructor(heap: Heap, random: (bound: number) => number) {
    this.heap = heap;
    this.random = random;
  }

  keep(family: Block["family"], p: number, size: number): void {
    if (p === 0) return;
    fill(this.heap, p, size, p);
    this.live.push({ family, p, size });
  }

  step(): void {
    const { heap, live, random } = this;
    const size = random([30, 300, LONGEST][random(3)] as number);
    if (live.length === 0 || random(20) < 11) {
      const family = families[random(3)] as Block["family"];
      this.keep(family, heap[family].malloc(size), size);
      return;
    }
    const [block] = live.splice(random(live.length), 1) as [Block];
    const { family, p } = block;
    assertFilled(heap, p, block.size, p);
    this.busy.push(block);
    try {
      if (random(3) > 0) {
        heap[family].free(p);
        return;
      }
      const moved = heap[family].realloc(p, size);
      if (moved === 0) live.push(block);
      else assertFilled(heap, moved, Math.min(size, block.size), p);
      this.keep(family, moved, size);
    } catch (error) {
      // What throws in the middle has left the block as it was.
      assertFilled(heap, p, block.size, p);
      live.push(block);
      throw error;
    } finally {
      this.busy.pop();
    }
  }
}

function attempt(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Unruly)) throw error;
  }
}

test("a malloc below that refuses, throws and uses the heap breaks nothing, and nothing is lost", () => {
  for (let seed = 1; seed <= TRIALS; seed++) {
    const random = numbers(seed);
    const below = new Below();
    const { memory, system } = below;
    const quarantineBytes = [0, 20_000, 200_000][random(3)] as number;
    const heap = createHeap({ malloc: "malloc_debug", quarantineBytes, memory, system });
    below.given.clear(); // the heap's root
    const program = new Program(heap, random);
    let depth = 0;
    below.first = (freed) => {
      const wild = random(12);
      if (wild === 0 && freed === 0) return false;
      // When its own memory goes back, the block is gone, whatever the malloc says of it.
      if (wild === 1 && !program.busy.some(({ p }) => p - 8 === freed)) throw new Unruly();
      if (wild === 2 && depth < 3) {
        depth++;
        for (let steps = random(4); steps > 0; steps--) attempt(() => program.step());
        depth--;
      }
      return true;
    };
    for (let steps = 0; steps < 400; steps++) attempt(() => program.step());
    below.first = () => true;
    heap.validate();
    for (const { family, p, size } of program.live) {
      assertFilled(heap, p, size, p);
      heap[family].free(p);
    }
    heap.validate();
    const own = [...below.given.values()].filter((bytes) => bytes <= LONGEST + 16);
    assert.equal(own.length, heap.stats().debug?.heldBlocks, `seed ${seed}: blocks are lost`);
  }
});

test("in the pools' debug mode, too, where the malloc below is asked for arenas and large blocks", () => {
  for (let seed = 1; seed <= TRIALS; seed++) {
    const random = numbers(seed);
    const below = new Below();
    const heap = createHeap({ malloc: "debug", memory: below.memory, system: below.system });
    const program = new Program(heap, random);
    let refuses = false;
    below.first = () => !(refuses && random(3) === 0);
    for (let steps = 0; steps < 400; steps++) {
      refuses = random(4) === 0;
      program.step();
    }
    below.first = () => true;
    heap.validate();
    for (const { family, p } of program.live) heap[family].free(p);
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  }
});

test("a realloc that meets a damaged block in the quarantine has not moved anything", () => {
  const heap = debugHeap({ quarantineBytes: 200 });
  const p = heap.mem.malloc(80);
  const q = heap.mem.malloc(120);
  heap.mem.free(p);
  heap.u8[p] = 0;
  const before = heap.getAllocatedBlocks();
  const fault = faultOf(() => heap.mem.realloc(q, 500));
  assert.deepEqual([fault.kind, fault.address], ["use-after-free-write", p]);
  assert.equal(heap.getAllocatedBlocks(), before);
  heap.mem.free(q);
  assert.equal(heap.getAllocatedBlocks(), 0);
  heap.validate();
});

test("stacks of a free that did not happen are not kept", () => {
  const heap = debugHeap({ quarantineBytes: 200, stacks: true });
  const p = heap.mem.malloc(80);
  const q = heap.mem.malloc(120);
  heap.mem.free(p);
  heap.u8[p] = 0;
  faultOf(() => heap.mem.free(q));
  const wrong = faultOf(() => heap.object.free(q));
  assert.ok(wrong instanceof PyMemError && wrong.allocationStack !== undefined);
  assert.equal(wrong.freeStack, undefined);
});
