/** The malloc of a heap that owns its memory: it never grows while a free block would do, and its blocks stay whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { unsigned } from "../../base/base.js";
import type { Tlsf } from "../../hosts/own.js";
import { standaloneHost } from "../../hosts/own.js";
import { numbers, pooledHeap } from "../support/heaps.js";
import { long } from "../support/profile.js";

const PAGE = 65536;
const MB = 1 << 20;

interface Chunk {
  readonly p: number;
  readonly size: number;
  readonly free: boolean;
}

/** TLSF over a memory that is looked at from outside. */
class Watched {
  readonly memory: WebAssembly.Memory;
  readonly system: Tlsf;
  readonly #first: number;
  /** Where pages were left to others, and TLSF's memory goes on. */
  readonly resumed: number[] = [];

  constructor(maximumPages = 1024) {
    const host = standaloneHost(1, maximumPages);
    this.memory = host.memory;
    this.system = host.system as Tlsf;
    this.#first = this.system.malloc(1);
    this.system.free(this.#first);
  }

  get length(): number {
    return this.memory.buffer.byteLength;
  }

  /** All blocks, by their headers. Two free ones next to each other would be one. */
  chunks(): Chunk[] {
    const words = new Uint32Array(this.memory.buffer);
    const chunks: Chunk[] = [];
    for (const first of [this.#first, ...this.resumed]) {
      let wasFree = false;
      for (let p = first; ; ) {
        const info = words[(p - 4) / 4] as number;
        const [size, free] = [info & ~3, (info & 1) !== 0];
        assert.equal((info & 2) !== 0, wasFree, `the tag at ${p} of the block before`);
        if (size === 0) break;
        assert.ok(!(free && wasFree), `two free blocks at ${p}`);
        assert.equal(p % 16, 0);
        chunks.push({ p, size, free });
        wasFree = free;
        p += size + 4;
      }
    }
    return chunks;
  }

  longestFree(): number {
    return Math.max(0, ...this.chunks().map(({ size, free }) => (free ? size : 0)));
  }
}

/** The payload of a request, written down a second time. */
const payload = (bytes: number) => Math.max(12, Math.ceil((bytes + 4) / 16) * 16 - 4);

type Use = (heap: Pick<Tlsf, "malloc" | "calloc" | "realloc" | "free">, bytes: number) => number;

const uses: Record<string, Use> = {
  malloc: (heap, bytes) => heap.malloc(bytes),
  calloc: (heap, bytes) => heap.calloc(bytes / 4, 4),
  "realloc of NULL": (heap, bytes) => heap.realloc(0, bytes),
  "realloc that moves": (heap, bytes) => {
    const p = heap.malloc(100);
    heap.malloc(1); // and can't get longer where it is
    return heap.realloc(p, bytes);
  },
  "realloc that shrinks": (heap, bytes) => heap.realloc(heap.malloc(bytes), bytes / 2),
  "realloc to the same": (heap, bytes) => heap.realloc(heap.malloc(bytes), bytes),
  "realloc in its place": (heap, bytes) => heap.realloc(heap.malloc(bytes / 2), bytes),
};

for (const [name, use] of Object.entries(uses)) {
  test(`the memory does not grow for what was there before: ${name}`, () => {
    for (const domain of ["raw", "mem", "object"] as const) {
      // From 512 MB on, TLSF takes the first block of that list, long enough or not.
      const lengths = [1000, 70_000, MB, 100 * MB];
      if (name !== "calloc") lengths.push(600 * MB); // which is written to
      for (const bytes of lengths) {
        const heap = pooledHeap();
        // Where the first pool is, the map of slices begins to be as long as the memory before it says.
        heap.object.malloc(1);
        // Blocks of this length and a little shorter ones, none beside another.
        const blocks = [bytes - 200, bytes - 100, bytes].map((length) => {
          const p = heap[domain].malloc(length);
          heap[domain].malloc(600);
          return p;
        });
        assert.ok(!blocks.includes(0));
        for (const p of blocks) heap[domain].free(p);
        const before = heap.memory.buffer.byteLength;
        assert.ok(before < 3.3 * bytes + 2 * MB, `${before} bytes for 3 blocks of ${bytes}`);
        assert.notEqual(use(heap[domain], bytes), 0);
        assert.equal(heap.memory.buffer.byteLength, before, `${domain}, ${bytes} bytes`);
      }
    }
  });
}

test("the last block gets longer where it is, and grows the memory by no more than that", () => {
  const heap = pooledHeap();
  let p = heap.raw.malloc(MB);
  for (let bytes = 2 * MB; bytes <= 64 * MB; bytes += MB) {
    assert.equal(heap.raw.realloc(p, bytes), p);
    assert.ok(heap.memory.buffer.byteLength < bytes * 1.07 + MB);
  }
  heap.raw.free(p);
  p = heap.raw.malloc(70 * MB); // a free block at the end is a part of the next one
  assert.ok(heap.memory.buffer.byteLength < 75 * MB);
});

test("at the maximum, whatever still fits is given, and what does not is refused and changes nothing", () => {
  const { system, memory } = new Watched(64);
  const all = system.malloc(64 * PAGE - 4096);
  assert.notEqual(all, 0);
  assert.equal(system.malloc(PAGE), 0);
  assert.equal(system.realloc(all, 65 * PAGE), 0);
  assert.equal(system.usableSize(all), payload(64 * PAGE - 4096));
  system.free(all);
  assert.equal(system.malloc(64 * PAGE - 4096), all);
  assert.equal(memory.buffer.byteLength, 64 * PAGE);
});

test("random programs: it grows only where no free block would do, and blocks keep their content", () => {
  const rounds = long ? 150 : 25;
  for (let seed = 0; seed < rounds; seed++) {
    const random = numbers(seed);
    const watched = new Watched();
    const { system, memory } = watched;
    const live: { p: number; bytes: number; mark: number }[] = [];
    const mark = (p: number, bytes: number) => {
      const value = random(256);
      new Uint8Array(memory.buffer, p, bytes).fill(value);
      return value;
    };
    const assertMarked = ({ p, bytes, mark }: (typeof live)[number]) => {
      const content = new Uint8Array(memory.buffer, p, bytes);
      assert.ok(content.every((byte) => byte === mark));
    };
    const sizeOf = [() => random(600), () => random(5000), () => random(3 * PAGE)];
    for (let step = 0; step < 300; step++) {
      const bytes = (sizeOf[random(3)] as () => number)();
      const [fits, length] = [watched.longestFree() >= payload(bytes), watched.length];
      const pages = system.pagesInUse();
      const what = random(10);
      if (what < 4) {
        const p = unsigned(what === 0 ? system.calloc(1, bytes) : system.malloc(bytes));
        assert.notEqual(p, 0);
        live.push({ p, bytes, mark: mark(p, bytes) });
      } else if (live.length > 0) {
        const block = live.splice(random(live.length), 1)[0] as (typeof live)[number];
        assertMarked(block);
        if (what < 7) {
          const p = system.realloc(block.p, bytes);
          assert.notEqual(p, 0);
          assertMarked({ ...block, p, bytes: Math.min(bytes, block.bytes) });
          live.push({ p, bytes, mark: mark(p, bytes) });
        } else {
          system.free(block.p);
        }
      }
      if (random(100) === 0) {
        const [start, end] = [system.pagesInUse(), system.pagesInUse() + 1 + random(4)];
        assert.ok(system.leave(end));
        const used = random(2) === 0 ? system.malloc(2 * MB) : 0;
        new Uint8Array(memory.buffer, start * PAGE, (end - start) * PAGE).fill(255);
        system.takeBack(start, end);
        if (system.pagesInUse() === start) {
          const left = new Uint8Array(memory.buffer, start * PAGE, (end - start) * PAGE);
          assert.ok(left.every((byte) => byte === 0));
        } else {
          watched.resumed.push(start * PAGE + 16);
          if (used > start * PAGE) watched.resumed.push(end * PAGE + 16);
        }
        if (used !== 0) system.free(used);
      } else if (fits) {
        assert.equal(watched.length, length, `${bytes} bytes would have fitted`);
        assert.equal(system.pagesInUse(), pages);
      }
    }
    for (const block of live) {
      assertMarked(block);
      system.free(block.p);
    }
    assert.ok(watched.chunks().every(({ free }) => free));
  }
});
