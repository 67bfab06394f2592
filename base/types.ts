/** The types that the library's users meet. */

/**
 * A byte offset in the heap's memory; 0 is NULL. From 0 to 2^32 - 1, and from 2 GiB on also as WebAssembly returns it, 2^32
 * less: every function takes either.
 */
export type Address = number;

/** The words of CPython's PYTHONMALLOC. */
export type MallocName =
  | "default"
  | "pymalloc"
  | "malloc"
  | "debug"
  | "pymalloc_debug"
  | "malloc_debug";

/** A domain of CPython's, by its name here. */
export type DomainName = "raw" | "mem" | "object";
/** A domain by its number in C: `PYMEM_DOMAIN_RAW` 0, `_MEM` 1, `_OBJ` 2. */
export type DomainNumber = 0 | 1 | 2;

/**
 * The functions of a domain. They are the WebAssembly exports themselves where no hook is set, and so they take numbers as
 * WebAssembly does: sizes are C's `size_t`, modulo 2^32 (`2 ** 32 + 24` is 24, -1 is 0xffffffff, NaN is 0), and addresses from
 * 2 GiB on come out negative. Nothing of that costs a call more. For numbers that come from outside there is
 * `heap.checked`, with the same functions: over 0x7fffffff is 0 there whatever the number, what is no whole number
 * from 0 on or no address is a TypeError that names it, and addresses are from 0 to 2^32 - 1.
 */
export interface Domain {
  /**
   * A block of at least `bytes` bytes, 8-aligned. 0 bytes give a block of their own.
   * Returns 0 when there is no memory, or when `bytes` is over 0x7fffffff.
   */
  malloc(bytes: number): Address;
  /** A zeroed block for `count * size` bytes; 0 also when the product is over 0x7fffffff (each modulo 2^32). */
  calloc(count: number, size: number): Address;
  /**
   * Changes the size of a block; the content is kept up to the smaller size, and the block may move.
   * `realloc(0, n)` is `malloc(n)`; `realloc(p, 0)` leaves a live block. On failure it returns 0 and
   * `p` stays valid.
   */
  realloc(p: Address, bytes: number): Address;
  /** Gives a block back; `free(0)` does nothing. */
  free(p: Address): void;
}

/**
 * The malloc family that owns a memory: WebAssembly exports (fastest) or JavaScript functions. C's contracts. Addresses and
 * sizes come to JavaScript's as numbers from 0 to 2^32 - 1.
 */
export interface SystemMalloc extends Domain {
  /** Optional: a block at a multiple of `alignment`, so that arenas lose nothing where they start. */
  memalign?(alignment: number, bytes: number): Address;
}

/**
 * CPython's PyMemAllocatorEx: the functions of a domain, each with the context in front. Addresses and sizes come to them as
 * numbers from 0 to 2^32 - 1.
 */
export interface Allocator {
  /** What each of the functions gets first; the heap does not look at it. */
  ctx: unknown;
  /** A block of `bytes` bytes, or 0. For 0 bytes a block of its own, too. */
  malloc(ctx: unknown, bytes: number): Address;
  /** The same for `count` times `size` bytes, all zero. */
  calloc(ctx: unknown, count: number, size: number): Address;
  /** Makes a block longer or shorter, wherever it then is; 0 leaves it as it was. `p` may be 0. */
  realloc(ctx: unknown, p: Address, bytes: number): Address;
  /** Frees a block; 0 is let pass. */
  free(ctx: unknown, p: Address): void;
}

/**
 * CPython's PyObjectArenaAllocator: where arenas come from. `alloc` may return any address; 0 for none. Addresses come to
 * `free` as numbers from 0 to 2^32 - 1.
 */
export interface ArenaAllocator {
  /** What both functions get first; the heap does not look at it. */
  ctx: unknown;
  /** Memory of `bytes` bytes for an arena, or 0. */
  alloc(ctx: unknown, bytes: number): Address;
  /** Takes back what `alloc` gave, with the same `bytes`. */
  free(ctx: unknown, p: Address, bytes: number): void;
}

/** A copy of a heap, as `heap.snapshot()` gives it. It can be posted to a worker, and kept as long as this version is. */
export interface HeapSnapshot {
  /** The heap's memory, in whole pages of 64 KiB. */
  readonly image: Uint8Array;
  /** Where in it the heap's root is. */
  readonly root: Address;
  /** What the heap is: another allocator can't go on with it. */
  readonly malloc: MallocName;
  /** The version of pymalloc that made it. */
  readonly version: string;
}

/** Where the blocks from before the debug mode are, as far as they are known. */
export interface BlockMap {
  /** Address of the bits, one for each 8 bytes of memory from `from` up to `to`. */
  readonly bits: Address;
  readonly from: Address;
  readonly to: Address;
}
