/**
 * What every heap is tuned by. The first half decides how a heap's memory looks, and must be the same in all programs: one
 * validates, counts or goes on with a heap that another one made.
 *
 * Figures are of the programs and traces of `bench/`, against Pyodide's own malloc, when each was decided: "memory" is taken /
 * live bytes on the traces (geometric mean).
 */

// --------------------------------------------------------------------------- blocks and pools

/** Blocks are aligned to, and size classes differ by, `1 << ALIGNMENT_BITS` bytes: CPython's number for 32 bits. */
export const ALIGNMENT_BITS: usize = 3;

/** The largest request served from pools, in bytes: CPython's number. 98 % of what Python programs ask for is no larger. */
export const SMALL_REQUEST_THRESHOLD: usize = 512;

/**
 * A slice is `1 << SLICE_BITS` bytes at an address that is a multiple of that; a pool is one or more. A program uses thirty
 * classes for a handful of blocks each, and in CPython's pools of 4 KiB these are 100 KB of which it uses little: memory 1.153
 * with such pools, 1.142 with rows of slices.
 */
export const SLICE_BITS: usize = 10;

/** A pool is long enough for so many blocks at least: one block alone would be no better than the system malloc's. */
export const LEAST_BLOCKS: usize = 2;

/**
 * A pool is made longer, up to what its class has, as long as more than a `1 << TAIL_BITS`th of it would be unused behind its
 * last block. What pools waste at the peak of a Python's start: 275 KB, and 450 KB without this rule.
 */
export const TAIL_BITS: usize = 6;

/** The next pool of a class is a `1 << GROWTH_BITS`th of its slices, rounded down. (A quarter wastes 499 KB where this wastes 450.) */
export const GROWTH_BITS: u32 = 5;

/** How many bytes of a pool are linked into its free list at a time. (256, 512, 4096: time 0.934, 0.933, 0.924; this 0.922.) */
export const CARVE_BYTES: usize = 1024;

/**
 * A full pool is looked at again when a `1 << UNSEEN_BITS`th of its blocks has come back, but at most MOST_UNSEEN. CPython looks
 * after each: then most frees in a heap that has aged link a pool into the list of its class for a single malloc.
 */
export const UNSEEN_BITS: i32 = 4;

/** Words beat the bulk instructions, which call out of the module, up to so many bytes. */
export const WORDWISE: usize = 128;

// ------------------------------------------------------------------------------- large blocks

/**
 * The longest block that waits for the next request, in bytes: regular expressions take and give back 1,069 for each match.
 * (Linked in, `parser` takes 0.937 of the stock interpreter's time, and 0.964 without a block that waits.)
 */
export const LONGEST_KEPT: usize = 2048;

// ------------------------------------------------------------------------------------- arenas

/**
 * Arenas are multiples of `1 << UNIT_BITS` bytes, the shortest is one. Statistics count units, and call them arenas. (Arenas of 4
 * KiB and more in holes, 8, 16: memory 1.126, 1.133, 1.142; this 1.109.)
 */
export const UNIT_BITS: usize = 11;

/** An arena has so many units at most: small programs waste less with short ones, and long ones need fewer calls. */
export const ARENA_UNITS: usize = 8;

/**
 * What a system malloc keeps for itself in front of a block. Asking for this much less makes dlmalloc's chunk exactly an arena, so
 * that neighbouring arenas leave no hole between them.
 */
export const ARENA_RESERVE: usize = 4;

// ------------------------------------------------------------------------------------- tables

/** The map of slices grows by so many slices, and a `1 << REACH_SLACK_BITS`th of itself, more than it has to: a copy is dear. */
export const MAP_GRANULE: usize = 512;
export const MAP_SLACK_BITS: usize = 3;

/** Slots in the first table of arenas; the table doubles from there. Sixteen arenas are up to 256 KiB. */
export const FIRST_ARENA_SLOTS: u32 = 16;

// ----------------------------------------------------------------- a memory of the heap's own

/**
 * Growing a memory costs some microseconds, so it grows by a `1 << BREAK_SLACK_BITS`th where it can. (By an eighth, 100,000
 * strings of a C guest take 0.953 of wasi-libc's memory; by this, 0.935.)
 */
export const BREAK_SLACK_BITS: i32 = 6;

/** The finest granule of the large malloc: `largeRoot` and `granuleBits` in core/large/large-host.ts. */
export const LEAST_GRANULE_BITS: usize = 4;

/** The longest block that waits there for the next request, and how many bytes of one length may wait. */
export const LONGEST_WAITING: usize = 2048;
export const MOST_WAITING: usize = 8192;

/** Blocks of up to so many bytes are cut off in a row of so many. */
export const LONGEST_IN_ROW: usize = 128;
export const ROW: u32 = 16;

/** What was dropped is swept when it is a `1 << SWEPT_BITS`th of the memory. */
export const SWEPT_BITS: u32 = 5;

/**
 * A sweep is worth it where it looks at most at so many words of the map, or at so many free blocks, for each block that was
 * dropped: `1 << SWEPT_EACH_BITS`.
 */
export const SWEPT_EACH_BITS: u32 = 2;

/** Blocks of so many bytes and more are copied only after all that was given back is joined, which may show room behind them. */
export const LONG: usize = 32768;

/**
 * So many free blocks that may be too short are looked at for one that will do, and so many before the memory grows: a program can
 * have any number of them. So many of each length are looked at for the lowest hole. (All of them: the same memory on the traces.)
 */
export const SOME_BLOCKS: u32 = 32;
export const MANY_BLOCKS: u32 = 256;
export const FEW_BLOCKS: u32 = 8;

/** The maps reach so much farther than they have to: a `1 << REACH_SLACK_BITS`th. */
export const REACH_SLACK_BITS: u32 = 3;

// ---------------------------------------------------------------------------- the debug modes

/** Slots in the first ring of held blocks; it doubles from there. */
export const FIRST_RING: usize = 1024;
