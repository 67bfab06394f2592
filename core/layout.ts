/**
 * Layout: every number and every struct the allocator is made of.
 *
 * Tunables first, then what follows from them, then the structs with their pictures, and last the
 * relations that must hold, which cost nothing: a false one stops the compiler.
 *
 * A constant exported here folds into the code *and* leaves the module as a WebAssembly global when
 * `index.ts` passes it on, so that no other file of the project has to retype it.
 */

// ---------------------------------------------------------------------------------- tunables

/** Blocks are aligned to, and size classes differ by, `1 << ALIGNMENT_BITS` bytes (CPython, 32 bits). */
export const ALIGNMENT_BITS: usize = 3;

/** The largest request served from pools, in bytes; larger ones go to the system malloc. */
export const SMALL_REQUEST_THRESHOLD: usize = 512;

/** A pool is `1 << POOL_BITS` bytes at an address that is a multiple of that. */
export const POOL_BITS: usize = 12;

/** An arena accounts for `1 << ARENA_BITS` bytes of the system malloc's memory. */
export const ARENA_BITS: usize = 14;

/**
 * What a system malloc keeps for itself in front of a block. Asking for this much less makes dlmalloc's
 * and TLSF's chunk exactly one arena, so that neighbouring arenas leave no hole between them.
 */
export const ARENA_RESERVE: usize = 4;

/** A leaf of the arena map covers `1 << LEAF_BITS` bytes of address space. */
export const LEAF_BITS: usize = 24;

/** How many bytes of a pool are linked into its free list at a time (at least one block). */
export const CARVE_BYTES: usize = 1024;

/** Slots in the first table of arenas; the table doubles from there. */
export const FIRST_ARENA_SLOTS: u32 = 16;

/** The longest request there is: CPython's PY_SSIZE_T_MAX. Beyond it every function returns 0. */
export const MAX_REQUEST: usize = 0x7fffffff;

// ---------------------------------------------------------------------------------- derived

export const ALIGNMENT: usize = 1 << ALIGNMENT_BITS;
export const SIZE_CLASSES: usize = SMALL_REQUEST_THRESHOLD >> ALIGNMENT_BITS;

export const POOL_SIZE: usize = 1 << POOL_BITS;
export const POOL_MASK: usize = POOL_SIZE - 1;

export const ARENA_SIZE: usize = 1 << ARENA_BITS;
/** What is asked of the arena allocator, in bytes. */
export const ARENA_REQUEST: usize = ARENA_SIZE - ARENA_RESERVE;
/** The pools of an arena that starts at a pool boundary; one less in any other. */
export const POOLS_PER_ARENA: usize = ARENA_SIZE >> POOL_BITS;

// ---------------------------------------------------------------------------------- structs

/**
 * The header at the start of each pool.
 *
 *     0      4      8      12     16     18     20     24                              4092 4096
 *     | state| next | prev | arena| size |carved|pinned| block | block | ...  | unused |(4) |
 *                                                      ^ what malloc returns
 *
 * `state` holds the two numbers that malloc and free change together, so that each needs one load and
 * one store:
 *
 *     31      30            16 15             0
 *     | full |      used      |     free      |
 *
 * `free` is the offset in the pool of the first free block, 0 for none; the first two bytes of a free
 * block hold the offset of the next. `used` counts the blocks in use, and one more while the pool is
 * pinned. `full` is set while the pool is in no list because it has no free block, or just one and is its
 * class's current pool: it makes the word negative, so that free finds both its rare cases, "was full" and
 * "is now empty", with one comparison.
 */
@unmanaged
export class Pool {
  state: u32;
  /** The neighbours in the circular list of the size class; of a free pool, the arena's next one. */
  next: Pool;
  prev: Pool;
  /** Slot of the arena that the pool belongs to. */
  arena: u32;
  /** Bytes in a block; 0 while the pool is free. */
  size: u16;
  /** Offset of the first block that was never in the free list. */
  carved: u16;
  /** 1 for a pool that may be empty and stay: see `pools.ts`. */
  pinned: u16;
}

export const STATE_USED_ONE: u32 = 1 << 16;
export const STATE_FREE_MASK: u32 = STATE_USED_ONE - 1;
export const STATE_FULL: u32 = 1 << 31;

/** Offset of a pool's first block. */
export const POOL_HEADER: usize = (offsetof<Pool>() + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
/** Offset past which no block may reach: the reserve of the last pool in an arena, the same in all. */
export const POOL_END: usize = POOL_SIZE - ARENA_RESERVE;

/**
 * A slot of the table of arenas. The struct is not in the arena: arenas hold nothing but pools.
 *
 *     base        first                     fresh                     base + ARENA_REQUEST
 *     | alignment | pool | pool | pool | ... | never used ... | reserve |
 */
@unmanaged
export class Arena {
  /** What the arena allocator returned; 0 in a slot without an arena. */
  base: usize;
  /** The pools that were used and given back, linked by `next`. */
  freePools: usize;
  /** The first pool that was never used. */
  fresh: usize;
  /** Pools not in use: those in `freePools` and those from `fresh` on. */
  freeCount: u32;
  poolCount: u32;
  /** Slot + 1 of the neighbours among the arenas with as many free pools, or the next unused slot. */
  next: u32;
  prev: u32;
}

/**
 * The head of a size class: it closes the circular list of the class's pools that may have a free block, and
 * so has a pool's first fields. Its `state` is always 0, so that malloc needs no test for an empty class: a
 * head looks like a pool without a free block.
 */
@unmanaged
export class Head {
  state: u32;
  next: Pool;
  prev: Pool;
  /** Where malloc looks: a pool of the list, a full pool that just got a block back, or the head itself. */
  current: Pool;
}

/** Scalars of the heap. */
@unmanaged
export class Books {
  /** The table of arenas: its address, slots in all, and slot + 1 of the first unused one. */
  arenas: usize;
  arenaSlots: u32;
  unusedSlot: u32;
  /** Bit `n - 1` is set when an arena with `n` free pools exists. */
  usable: u64;
  arenasAllocated: u32;
  arenasReclaimed: u32;
  arenasHighwater: u32;
  arenasCurrent: u32;
  /** Live blocks that the raw domain serves for us. */
  rawBlocks: u32;
  /** So many small requests go to the raw domain before the next arena is asked for; the host sets it. */
  holdOff: u32;
  /** What `validate` tripped over. */
  brokenAt: usize;
}

/**
 * The root: one block of the system malloc from which everything else is reached.
 *
 *     | class heads   | arena map    | the empty | arenas by    | books | report            |
 *     | 64 x 16 bytes | 256 pointers | leaf      | free pools   |       | pools, used, x 64 |
 */
export const HEAD_SIZE: usize = offsetof<Head>();
export const HEADS: usize = 0;

export const LEAF_BYTES: usize = 1 << (LEAF_BITS - POOL_BITS - 3);
export const MAP: usize = HEADS + SIZE_CLASSES * HEAD_SIZE;
export const MAP_ENTRIES: usize = 1 << (32 - LEAF_BITS);
export const EMPTY_LEAF: usize = MAP + MAP_ENTRIES * sizeof<usize>();

export const BY_FREE_COUNT: usize = EMPTY_LEAF + LEAF_BYTES;
export const BOOKS: usize = (BY_FREE_COUNT + POOLS_PER_ARENA * sizeof<u32>() + 7) & ~7;

/** Filled by `stats`: for each class the number of its pools, then of its blocks in use; scratch for `validate`. */
export const REPORT_POOLS: usize = BOOKS + offsetof<Books>();
export const REPORT_USED: usize = REPORT_POOLS + SIZE_CLASSES * sizeof<u32>();
/** Filled by `stats`: pools not in use. */
export const REPORT_FREE_POOLS: usize = REPORT_USED + SIZE_CLASSES * sizeof<u32>();
/** Filled by `stats`: pools in all. */
export const REPORT_ALL_POOLS: usize = REPORT_FREE_POOLS + sizeof<u32>();
export const ROOT_SIZE: usize = REPORT_ALL_POOLS + sizeof<u32>();

/** Bytes in a slot of the table of arenas. */
export const ARENA_SLOT_SIZE: usize = offsetof<Arena>();

/** Where the host reads the books: offsets from the root. */
export const ARENAS_ALLOCATED: usize = BOOKS + offsetof<Books>("arenasAllocated");
export const ARENAS_RECLAIMED: usize = BOOKS + offsetof<Books>("arenasReclaimed");
export const ARENAS_HIGHWATER: usize = BOOKS + offsetof<Books>("arenasHighwater");
export const ARENAS_CURRENT: usize = BOOKS + offsetof<Books>("arenasCurrent");
export const RAW_BLOCKS: usize = BOOKS + offsetof<Books>("rawBlocks");
export const HOLD_OFF: usize = BOOKS + offsetof<Books>("holdOff");
export const BROKEN_AT: usize = BOOKS + offsetof<Books>("brokenAt");

// ---------------------------------------------------------------------------------- relations

if (sizeof<usize>() !== 4) ERROR("the layout is for 32-bit memories");
if (SIZE_CLASSES << ALIGNMENT_BITS !== SMALL_REQUEST_THRESHOLD)
  ERROR("classes cover the threshold");
if (POOL_SIZE > STATE_USED_ONE) ERROR("an offset in a pool fits the free half of its state");
if (POOL_SIZE >> ALIGNMENT_BITS >= STATE_USED_ONE >> 1) ERROR("a count of blocks fits its half");
if (POOL_HEADER + 2 * SMALL_REQUEST_THRESHOLD > POOL_END) ERROR("a pool holds two of any block");
if (POOLS_PER_ARENA > 64) ERROR("a count of free pools has a bit in `usable`");
if (ARENA_RESERVE >= ALIGNMENT) ERROR("the reserve is smaller than any block");
if (offsetof<Pool>("state") !== 0) ERROR("the state is at the pool's own address");
if (offsetof<Head>("next") !== offsetof<Pool>("next")) ERROR("a head is linked like a pool");
if (offsetof<Head>("prev") !== offsetof<Pool>("prev")) ERROR("a head is linked like a pool");
if (ARENA_BITS > LEAF_BITS) ERROR("an arena lies in one leaf of the map or in two");
