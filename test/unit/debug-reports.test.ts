/** Reports of the debug modes: sentence, fields and dump say the same of a block, whatever became of it, and stacks are let go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Histories } from "../../src/debug/stacks.js";
import type { Heap, PyMemError } from "../../src/index.js";
import { changed, debugHeap, debugModes, type Family, families } from "../support/mistakes.js";

const letters = { raw: "r", mem: "m", object: "o" } as const;
const other = { raw: "mem", mem: "object", object: "raw" } as const;

interface Case {
  readonly heap: Heap;
  readonly family: Family;
  readonly p: number;
  readonly size: number;
}

function write(heap: Heap, at: number): void {
  heap.u8[at] = changed(heap, at);
}

/** Frees the block, and then so many others that it leaves the quarantine. */
function freeBefore({ heap, family, p, size }: Case, then: () => void): void {
  const others = Array.from({ length: 40 }, () => heap[family].malloc(size));
  heap[family].free(p);
  then();
  for (const one of others) heap[family].free(one);
}

/** What leads a block into each state; it was just made. */
const states: Record<string, (block: Case) => void> = {
  live: () => {},
  blamed({ heap, family, p }) {
    write(heap, p - 1);
    heap[family].realloc(p, 8);
  },
  held: ({ heap, family, p }) => heap[family].free(p),
  condemned({ heap, family, p, size }) {
    write(heap, p + size + 5);
    heap[family].free(p);
  },
  "condemned when it left": (block) => freeBefore(block, () => write(block.heap, block.p)),
  gone: (block) => freeBefore(block, () => {}),
};

/** Mistakes with a block, and the kind that they are in each state; a state that is left out has no such mistake. */
const mistakes: Record<string, { kinds: Record<string, string>; make(block: Case): void }> = {
  "a write behind it": {
    kinds: { live: "buffer-overflow" },
    make({ heap, family, p, size }) {
      write(heap, p + size);
      heap[family].free(p);
    },
  },
  "a write over its serial number": {
    kinds: { live: "buffer-overflow" },
    make({ heap, family, p, size }) {
      write(heap, p + size + 7);
      heap[family].realloc(p, 3);
    },
  },
  "a write over its letter, and over its size": {
    kinds: { live: "buffer-underflow" },
    make({ heap, p }) {
      write(heap, p - 4);
      write(heap, p - 8);
      heap.validate();
    },
  },
  "a write after it was freed": {
    kinds: { held: "use-after-free-write" },
    make({ heap, p, size }) {
      write(heap, p + size - 1);
      heap.validate();
    },
  },
  "a second free": {
    kinds: {
      held: "double-free",
      condemned: "double-free",
      "condemned when it left": "double-free",
      gone: "double-free",
    },
    make: ({ heap, family, p }) => heap[family].free(p),
  },
  "a resize": {
    kinds: { held: "double-free", condemned: "double-free", gone: "double-free" },
    make: ({ heap, family, p }) => void heap[family].realloc(p, 9),
  },
  "a free by another family": {
    kinds: { live: "wrong-family", blamed: "wrong-family", held: "double-free" },
    make: ({ heap, family, p }) => heap[other[family]].free(p),
  },
  "a free of its middle": {
    kinds: {
      live: "invalid-pointer",
      blamed: "invalid-pointer",
      held: "invalid-pointer",
      condemned: "invalid-pointer",
      "condemned when it left": "invalid-pointer",
    },
    make: ({ heap, family, p }) => heap[family].free(p + 8),
  },
};

test("sentence, fields and dump say the same of a block, in each state that it can be in", () => {
  let compared = 0;
  for (const malloc of debugModes) {
    for (const family of families) {
      for (const [mistake, { kinds, make }] of Object.entries(mistakes)) {
        for (const [state, kind] of Object.entries(kinds)) {
          const faults: PyMemError[] = [];
          const onFault = (fault: PyMemError) => faults.push(fault);
          const heap = debugHeap({ malloc, quarantineBytes: 2000, onFault });
          const size = 120;
          const block: Case = { heap, family, size, p: heap[family].malloc(size) };
          const { serial } = heap.stats().debug as { serial: number };
          (states[state] as (block: Case) => void)(block);
          faults.length = 0;
          make(block);
          const where = `${malloc}, ${family}: ${mistake} when it is ${state}`;
          assert.equal(faults.length, 1, where);
          const [fault] = faults as [PyMemError];
          const { dump = "" } = fault;
          assert.equal(fault.kind, kind, where);
          assert.deepEqual([fault.size, fault.family, fault.serial], [size, family, serial], where);
          assert.match(
            fault.message,
            new RegExp(`of ${size} bytes at .* \\(family ${family}, made by call #${serial}\\)`),
          );
          assert.match(dump, new RegExp(`^Debug memory block at .*: API '${letters[family]}'\n`));
          assert.match(dump, new RegExp(`\n {4}${size} bytes originally requested\n`), where);
          assert.match(dump, new RegExp(`\n {4}The block was made by call #${serial} to`), where);
          assert.equal(/Data at p/.test(dump), state !== "gone", where);
          assert.equal(/its memory may belong to others by now/.test(dump), state === "gone");
          const damaged = /in memory is damaged/.test(dump);
          assert.equal(damaged, /serial|letter/.test(mistake) || state === "condemned", where);
          compared++;
        }
      }
    }
  }
  assert.equal(compared, 6 * 19);
});

test("what the memory of a block that is gone holds by now is not shown as the block's", () => {
  const faults: PyMemError[] = [];
  const heap = debugHeap({ quarantineBytes: 0, onFault: (fault) => faults.push(fault) });
  const keep = heap.mem.malloc(120);
  const p = heap.mem.malloc(120);
  heap.mem.free(p);
  heap.u8.fill(0xa0, p - 8, p + 128);
  heap.mem.free(p);
  heap.mem.free(keep);
  assert.equal(
    faults[0]?.dump,
    [
      `Debug memory block at address p=0x${p.toString(16)}: API 'm'`,
      "    120 bytes originally requested",
      "    It was freed and has left the quarantine: its memory may belong to others by now.",
      "    The block was made by call #2 to debug malloc/realloc.",
      "",
    ].join("\n"),
  );
});

test("a damaged number in memory is shown beside the true one", () => {
  const heap = debugHeap({ onFault: (fault) => dumps.push(fault.dump ?? "") });
  const dumps: string[] = [];
  const p = heap.object.malloc(3);
  heap.u8.set([0, 0, 1, 3, 0x78], p - 8);
  heap.u8.set([0, 0, 2, 1], p + 7);
  heap.object.free(p);
  const [dump = ""] = dumps;
  assert.match(dump, /^.*: API 'o'\n {4}3 bytes originally requested\n/);
  assert.match(dump, /\n {4}The letter of the API in memory is damaged: 0x78\.\n/);
  assert.match(dump, /\n {4}The count of bytes in memory is damaged: 259\.\n/);
  assert.match(dump, /made by call #1 .*\n {4}The serial number in memory is damaged: 513\.\n/);
});

test("stacks are kept for blocks that have their memory, and for the last that are gone", () => {
  let captured = 0;
  const histories = new Histories({ capture: () => ++captured, render: String });
  const live = new Set<number>();
  for (let round = 1; round <= 100_000; round++) {
    const p = round * 16;
    histories.born(p);
    live.add(p);
    if (round > 500) {
      const [oldest = 0] = live;
      histories.died(oldest);
      histories.left(oldest);
      live.delete(oldest);
    }
    assert.ok(histories.size <= 500 + 1 + 4096, `${histories.size} after ${round}`);
  }
  const { allocationStack, freeStack } = histories.of(99_000 * 16); // gone, but not long ago
  assert.ok(Number(allocationStack) > 0 && Number(freeStack) > Number(allocationStack));
  assert.deepEqual(histories.of(16), {});
});

test("the debug heap tells when a block is gone, so that its stacks can go", () => {
  const heap = debugHeap({ stacks: true, quarantineBytes: 1000, malloc: "malloc_debug" });
  const { born, left } = { born: Histories.prototype.born, left: Histories.prototype.left };
  const there = new Set<number>();
  Histories.prototype.born = (p) => void there.add(p);
  Histories.prototype.left = (p) => void there.delete(p);
  try {
    for (let round = 0; round < 3000; round++) {
      heap.mem.free(heap.mem.malloc(round % 700));
      assert.ok(there.size <= 1000 / 16 + 1);
    }
  } finally {
    Object.assign(Histories.prototype, { born, left });
  }
});

test("a tracer that has no room for a stack does not break the call", () => {
  const histories = new Histories({
    capture: () => {
      throw new RangeError("Maximum call stack size exceeded");
    },
    render: String,
  });
  histories.born(8);
  histories.died(8);
  histories.left(8);
  assert.deepEqual(histories.of(8), {});
});
