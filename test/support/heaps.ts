/** What many tests ask of a heap. */
import assert from "node:assert/strict";
import { layout } from "../../base/base.js";
import { createHeap, type Domain, type Heap } from "../../src/index.js";

export { layout };

/** A heap that no PYMALLOC of the tester's environment changes. */
export function pooledHeap(options: Parameters<typeof createHeap>[0] = {}): Heap {
  return createHeap({ malloc: "pymalloc", ...options });
}

/** A heap in a memory that someone else owns; in such a one no pool is indented. */
export function foreignHeap(): Heap {
  const own = pooledHeap();
  return pooledHeap({ memory: own.memory, system: own.raw });
}

/** What a heap says of itself. */
type Books = Pick<Heap, "validate" | "stats" | "getAllocatedBlocks">;

/** The books balance: invariants hold, parts sum to the whole, live blocks are as many as expected. */
export function assertBalanced(heap: Books, liveBlocks: number): void {
  heap.validate();
  const { bytes, arenas, blocks } = heap.stats();
  const { inUse, available, unusedPools, poolHeaders, quantization, arenaAlignment } = bytes;
  const parts = inUse + available + unusedPools + poolHeaders + quantization + arenaAlignment;
  assert.equal(parts, bytes.total, "the parts sum to the whole");
  assert.equal(bytes.total, arenas.current * arenas.size, "the whole is arenas x arena size");
  assert.ok(
    Object.values(bytes).every((part) => part >= 0),
    "no part is negative",
  );
  assert.equal(blocks.allocated, liveBlocks, "live blocks");
  assert.equal(heap.getAllocatedBlocks(), liveBlocks, "getAllocatedBlocks");
}

/** Where the pool begins that an address lies in, by the map of slices; 0 when it lies in none. */
export function poolOf(heap: Heap, p: number): number {
  const [origin = 0, count = 0] = heap.u32.subarray((heap.root + layout.MAP) / 4);
  const index = Math.floor(p / layout.SLICE_SIZE);
  if (index >= count) return 0;
  const slice = heap.u8[(origin + index) >>> 0] as number;
  return slice === layout.NO_POOL ? 0 : (index - slice) * layout.SLICE_SIZE;
}

/** Offset of the first block in a pool for blocks of a size. */
export function firstBlockOf(heap: Heap, size: number): number {
  const indent = heap.u32[(heap.root + layout.INDENT) >>> 2] as number;
  return layout.POOL_HEADER + (size % 16 === 0 ? indent : 0);
}

/** How many blocks of a size the pool at an address holds. */
export function capacityOf(heap: Heap, pool: number): number {
  const size = heap.u16[pool / 2 + 8] as number;
  const end = heap.u16[pool / 2 + 11] as number;
  return Math.floor((end - firstBlockOf(heap, size)) / size);
}

/** Writes a pattern that depends on the block and on the place in it. */
export function fill(heap: Pick<Heap, "u8">, p: number, bytes: number, seed: number): void {
  const { u8 } = heap;
  for (let i = 0; i < bytes; i++) u8[p + i] = (seed * 31 + i * 7 + 1) & 0xff;
}

/** Checks the first `bytes` bytes of that pattern. */
export function assertFilled(heap: Pick<Heap, "u8">, p: number, bytes: number, seed: number): void {
  const { u8 } = heap;
  for (let i = 0; i < bytes; i++) {
    if (u8[p + i] !== ((seed * 31 + i * 7 + 1) & 0xff)) {
      assert.fail(`block at ${p} lost its content at byte ${i} of ${bytes}`);
    }
  }
}

/** A small generator of numbers from 0 up to `bound`, the same in every run. */
export function numbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** The block size of a request, written down a second time on purpose. */
export function classSize(bytes: number): number {
  return Math.max(8, Math.ceil(bytes / 8) * 8);
}

/** The first-fit malloc of someone else's program, as plain JavaScript: header of 8 bytes, never merges. */
export function foreignMalloc(
  memory: WebAssembly.Memory,
  start: number,
): Domain & { live: Set<number> } {
  const live = new Set<number>();
  const sizes = new Map<number, number>();
  let top = start;
  const malloc = (bytes: number): number => {
    for (const [p, size] of sizes) {
      if (!live.has(p) && size >= bytes) {
        live.add(p);
        return p;
      }
    }
    const p = top + 8;
    top = p + Math.ceil(bytes / 8) * 8;
    const missing = Math.ceil((top - memory.buffer.byteLength) / 65536);
    if (missing > 0) memory.grow(missing);
    sizes.set(p, bytes);
    live.add(p);
    return p;
  };
  const free = (p: number): void => {
    if (p !== 0) assert.ok(live.delete(p), `free(${p}) of what is not live`);
  };
  return {
    live,
    malloc,
    free,
    calloc(count, size) {
      const p = malloc(count * size);
      new Uint8Array(memory.buffer).fill(0, p, p + count * size);
      return p;
    },
    realloc(p, bytes) {
      const moved = malloc(bytes);
      if (p !== 0) {
        const kept = Math.min(bytes, sizes.get(p) as number);
        new Uint8Array(memory.buffer).copyWithin(moved, p, p + kept);
        free(p);
      }
      return moved;
    },
  };
}
