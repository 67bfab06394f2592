/**
 * Layout: every number and every struct the allocator is made of.
 *
 * What follows from the tunables (`policy/`) first, then the structs with their pictures, and last the
 * relations that must hold, which cost nothing: a false one stops the compiler.
 *
 * A constant exported here folds into the code *and* leaves the module as a WebAssembly global when
 * `index.ts` passes it on, so that no other file of the project has to retype it.
 */

import {
  ALIGNMENT_BITS,
  ARENA_RESERVE,
  ARENA_UNITS,
  LEAST_BLOCKS,
  SLICE_BITS,
  SMALL_REQUEST_THRESHOLD,
  UNIT_BITS,
  UNSEEN_BITS,
} from "./policy/policy";

// ---------------------------------------------------------------------------------- derived

/** The longest request there is: CPython's PY_SSIZE_T_MAX. Beyond it every function returns 0. */
export const MAX_REQUEST: usize = 0x7fffffff;

export const ALIGNMENT: usize = 1 << ALIGNMENT_BITS;
export const SIZE_CLASSES: usize = SMALL_REQUEST_THRESHOLD >> ALIGNMENT_BITS;

export const SLICE_SIZE: usize = 1 << SLICE_BITS;
export const SLICE_MASK: usize = SLICE_SIZE - 1;

export const UNIT_SIZE: usize = 1 << UNIT_BITS;
/** The longest arena, in bytes, and what is asked of the arena allocator for it. */
export const LONGEST_ARENA: usize = ARENA_UNITS << UNIT_BITS;
export const ARENA_REQUEST: usize = LONGEST_ARENA - ARENA_RESERVE;
/** The slices of such an arena when it starts at a slice boundary; one less in any other. */
export const ARENA_SLICES: u32 = <u32>(LONGEST_ARENA >> SLICE_BITS);

// ---------------------------------------------------------------------------------- structs

/**
 * The header at the start of each pool, which is `n` slices long.
 *
 *     0      4      8      12     16     18     20     22     24                      1024 n - 4   1024 n
 *     | state| next | prev | arena| size |carved| bias | end  | block | block | ...  | unused | (4) |
 *                                                             ^ what malloc returns
 *
 * `state` holds the two numbers that malloc and free change together, so that each needs one load and
 * one store:
 *
 *     31             16 15             0
 *     |     count      |     free      |
 *
 * `free` is the offset in the pool of the first free block, 0 for none; the first two bytes of a free
 * block hold the offset of the next. `count` is the number of blocks in use, plus `bias`: so it becomes 0, which
 * free looks for, when the last block is freed, or (bias below 0) some blocks before that, or (bias above 0) never.
 */
@unmanaged
export class Pool {
  state: u32;
  /** The neighbours in the circular list of the size class. */
  next: Pool;
  prev: Pool;
  /** Slot of the arena that the pool belongs to. */
  arena: u32;
  /** Bytes in a block. */
  size: u16;
  /** Offset of the first block that was never in the free list. */
  carved: u16;
  /** 0, or 1 in a pinned pool, or below 0 in a full one: see `pools.ts`. */
  bias: i16;
  /** Offset past which no block may reach: see `endOf` in `arenas.ts`. And LENT, once the pool has served the next smaller class. */
  end: u16;
}

export const LENT: u16 = 1;

export const STATE_USED_ONE: u32 = 1 << 16;
export const STATE_FREE_MASK: u32 = STATE_USED_ONE - 1;

/** Offset of a pool's first block, where it is not indented: see `Books`. */
export const POOL_HEADER: usize = (offsetof<Pool>() + ALIGNMENT - 1) & ~(ALIGNMENT - 1);

/**
 * A slot of the table of arenas. The struct is not in the arena: arenas hold nothing but pools.
 *
 *     base        first                                      base + bytes asked for
 *     | alignment | slice | slice | slice | ... | slice | reserve |
 */
@unmanaged
export class Arena {
  /** What the arena allocator returned; 0 in a slot without an arena. */
  base: usize;
  units: u32;
  /** A bit for each slice that is in no pool. */
  free: u32;
  /** Slot + 1 of the neighbours among the arenas with as many free slices, or the next unused slot. */
  next: u32;
  prev: u32;
}

/**
 * A spare: memory for an arena that is in no table, because it has just come from the host or is about to go back. What is
 * known of it stands in the memory itself: the host writes `units` (`arenaAlloc`), the core the rest.
 *
 *     base   4       8
 *     | next | units | unused ...
 */
@unmanaged
export class Spare {
  /** The next one; 0 for none. */
  next: usize;
  units: u32;
}

/**
 * Where malloc looks for a block of a size class: a pool of the class, one that the next larger class lends, or the end of the class's
 * list.
 */
@unmanaged
export class Head {
  current: Pool;
  /** Heads are ALIGNMENT bytes long, so that a size says by itself where its head is. */
  unused: u32;
}

/**
 * The end of the circular list of a class's pools that may have a free block. It has a pool's first fields, and its `state` is always
 * 0, so that malloc needs no test for an empty class: it looks like a pool without a free block.
 */
@unmanaged
export class List {
  state: u32;
  next: Pool;
  prev: Pool;
}

/** The map of slices: a byte for each of the first `count` slices of the address space. */
@unmanaged
export class SliceMap {
  origin: usize;
  count: usize;
}

/** Scalars of the heap. */
@unmanaged
export class Books {
  /** The table of arenas: its address, slots in all, and slot + 1 of the first unused one. */
  arenas: usize;
  arenaSlots: u32;
  unusedSlot: u32;
  /** Bit `n - 1` is set when an arena with `n` free slices exists. */
  usable: u32;
  unitsAllocated: u32;
  unitsReclaimed: u32;
  unitsHighwater: u32;
  unitsCurrent: u32;
  /** Live blocks that the raw domain serves for us. */
  rawBlocks: u32;
  /** What lies between a pool's header and its first block where the size is a multiple of 16: 8 bytes, or none. */
  indent: u32;
  /** So many small requests go to the raw domain before the next arena is asked for; the host sets it. */
  holdOff: u32;
  /** What `validate` tripped over. */
  brokenAt: usize;
  /** The first spare; 0 for none. */
  spare: usize;
  /** The last large block that may wait, 0 for none, its length, and 1 when it was given back and waits: see `kept.ts`. */
  kept: usize;
  keptBytes: usize;
  waits: u32;
}

/** CPython's record of an allocator, PyMemAllocatorEx: the functions are numbers of the program's table. */
@unmanaged
export class Record {
  ctx: usize;
  malloc: u32;
  calloc: u32;
  realloc: u32;
  free: u32;
}

/**
 * The root: one block of the system malloc from which everything else is reached.
 *
 *     | where the map | recent | class heads  | class lists   | arenas by   | books | slices by  | report                    |
 *     | of slices is  | pool   | 64 x 8 bytes | 64 x 12 bytes | free slices |       | class x 64 | pools, blocks, used, x 64 |
 */
export const MAP: usize = 0;
/** The pool that a block was freed into last, of whatever class; the list of class 0 where there is none. */
export const RECENT: usize = MAP + offsetof<SliceMap>();
export const HEADS: usize = RECENT + sizeof<usize>();
export const HEAD_SIZE: usize = offsetof<Head>();
export const LISTS: usize = HEADS + SIZE_CLASSES * HEAD_SIZE;
export const LIST_SIZE: usize = offsetof<List>();
export const BY_FREE_SLICES: usize = LISTS + SIZE_CLASSES * LIST_SIZE;
export const BOOKS: usize = BY_FREE_SLICES + <usize>ARENA_SLICES * sizeof<u32>();

/** For each class, the slices of its pools. */
export const CLASS_SLICES: usize = BOOKS + offsetof<Books>();

/** Filled by `stats`: for each class its pools, the blocks that they hold, those in use; scratch for `validate`. */
export const REPORT_POOLS: usize = CLASS_SLICES + SIZE_CLASSES * sizeof<u32>();
export const REPORT_BLOCKS: usize = REPORT_POOLS + SIZE_CLASSES * sizeof<u32>();
export const REPORT_USED: usize = REPORT_BLOCKS + SIZE_CLASSES * sizeof<u32>();
/** Filled by `stats`: slices in no pool, and slices in all. */
export const REPORT_FREE_SLICES: usize = REPORT_USED + SIZE_CLASSES * sizeof<u32>();
export const REPORT_ALL_SLICES: usize = REPORT_FREE_SLICES + sizeof<u32>();
export const ROOT_SIZE: usize = REPORT_ALL_SLICES + sizeof<u32>();

/** What the map says of a slice that is in no pool. */
export const NO_POOL: u32 = 255;

/** Where the host reads the bytes of a pool's blocks: an offset from the pool. */
export const POOL_BLOCK_SIZE: usize = offsetof<Pool>("size");

/** Where the host writes into an arena how long it is. */
export const SPARE_UNITS: usize = offsetof<Spare>("units");

/** Bytes in a slot of the table of arenas. */
export const ARENA_SLOT_SIZE: usize = offsetof<Arena>();

/** Where the host reads the books: offsets from the root. */
export const UNITS_ALLOCATED: usize = BOOKS + offsetof<Books>("unitsAllocated");
export const UNITS_RECLAIMED: usize = BOOKS + offsetof<Books>("unitsReclaimed");
export const UNITS_HIGHWATER: usize = BOOKS + offsetof<Books>("unitsHighwater");
export const UNITS_CURRENT: usize = BOOKS + offsetof<Books>("unitsCurrent");
export const RAW_BLOCKS: usize = BOOKS + offsetof<Books>("rawBlocks");
export const HOLD_OFF: usize = BOOKS + offsetof<Books>("holdOff");
export const INDENT: usize = BOOKS + offsetof<Books>("indent");
export const BROKEN_AT: usize = BOOKS + offsetof<Books>("brokenAt");
export const ARENAS: usize = BOOKS + offsetof<Books>("arenas");
export const ARENA_SLOTS: usize = BOOKS + offsetof<Books>("arenaSlots");
export const SPARES: usize = BOOKS + offsetof<Books>("spare");
export const KEPT: usize = BOOKS + offsetof<Books>("kept");
export const WAITS: usize = BOOKS + offsetof<Books>("waits");
/** ... and in a pool. */
export const POOL_CARVED: usize = offsetof<Pool>("carved");
export const POOL_BIAS: usize = offsetof<Pool>("bias");
export const POOL_END: usize = offsetof<Pool>("end");

// ---------------------------------------------------------------------------------- relations

if (sizeof<usize>() !== 4) ERROR("the layout is for 32-bit memories");
if (SIZE_CLASSES << ALIGNMENT_BITS !== SMALL_REQUEST_THRESHOLD)
  ERROR("classes cover the threshold");
if (LONGEST_ARENA > STATE_USED_ONE) ERROR("an offset in a pool fits the free half of its state");
if (LONGEST_ARENA >> ALIGNMENT_BITS >= STATE_USED_ONE >> 1)
  ERROR("a count of blocks fits its bias");
if (POOL_HEADER + LEAST_BLOCKS * SMALL_REQUEST_THRESHOLD + ARENA_RESERVE > UNIT_SIZE)
  ERROR("the shortest arena holds a pool of any class");
if (1 + (LEAST_BLOCKS >> <usize>UNSEEN_BITS) >= LEAST_BLOCKS)
  ERROR("a full pool is looked at before it is empty");
if (ARENA_SLICES > 31)
  ERROR("each slice of an arena has a bit in `free`, and each count of them in `usable`");
if (ARENA_RESERVE >= ALIGNMENT) ERROR("the reserve is smaller than any block");
if (ARENA_RESERVE <= LENT || (ARENA_RESERVE & LENT) !== 0) ERROR("an end has room for a bit");
if (offsetof<Pool>("state") !== 0) ERROR("the state is at the pool's own address");
if (offsetof<List>("next") !== offsetof<Pool>("next")) ERROR("a list is linked like a pool");
if (offsetof<List>("prev") !== offsetof<Pool>("prev")) ERROR("a list is linked like a pool");
if (HEAD_SIZE !== ALIGNMENT) ERROR("a size says where its head is");
if (SLICE_SIZE > UNIT_SIZE) ERROR("an arena has a slice");
