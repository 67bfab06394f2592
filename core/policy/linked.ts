/**
 * How the heap of a linked CPython is tuned: to be no larger than the stock interpreter's after its start, and fast afterwards.
 *
 * Figures are of Pyodide 314, megabytes after the start / after splitting words / after booking decimals; the stock interpreter
 * takes 11.50 / 14.46 / 11.60. As it is now: 11.45 / 14.35 / 11.51.
 */

export * from "./common";

/** Full pools are looked at after each free. (After a sixteenth of their blocks: 11.79 instead of 11.71 after the start.) */
export const MOST_UNSEEN: i32 = 1;

/**
 * The heap is lean while CPython starts, for which 3.12 to 3.14 take arenas of 2,050 to 2,470 units: then holes are filled and what is
 * left over in one size class serves another. Afterwards the blocks that a program allocates one after the other rather lie
 * together. (2,752: `trees` takes 0.94 of the stock interpreter's time; this, 0.89. Four programs, with all
 * that saves memory done for ever: time 1.039 where this has 1.001.)
 */
export const LEAN_UNITS: u32 = 2560;

/**
 * While it is lean, pools are short: a `1 << LEAN_GROWTH_BITS`th of their class. Of 28,000 blocks of 40 bytes that a start has,
 * 2,500 are free at its end, and 7,700 in long pools, which the start itself empties less often.
 */
export const LEAN_GROWTH_BITS: u32 = 8;

/**
 * ... and no class of larger blocks than of so many bytes gets a pool: an interpreter has few of each, and a pool's unused end
 * and free blocks would be more than dlmalloc's headers. (All classes: 11.50 / 14.37 / 11.59. Up to 192 bytes: 11.65; 128: 12.27.)
 */
export const LEAN_THRESHOLD: usize = 256;

/**
 * With the debug heap: shadows of so many pages are asked for at a time. Where a shadow lies between blocks, more pages have blocks, and
 * each of those needs a shadow. (8: a started interpreter's heap takes 40.5 MB; 32: 35.5; this: 32.5.)
 */
export const SHADOWS_AT_ONCE: u32 = 128;

// ------------------------------------------------------------------- core/linked/foundation.ts

/**
 * The first arenas lie in one block, the foundation: pools there leave no gaps between larger blocks, and larger blocks none
 * between pools. A started interpreter has 4.2 to 5 MB of pools; the rest is best where there are holes. (224: 11.46 / 14.27 / 11.50;
 * 192: 11.46 / 14.38 / 11.50; how the last tens of kilobytes lie is chance.)
 */
export const FOUNDATION_ARENAS: usize = 208;

// ------------------------------------------------------------------------ core/linked/holes.ts

/**
 * A hole of so many bytes is worth filling with small blocks, of which so many should do. (Shorter ones than 256 dlmalloc keeps in
 * another order.)
 */
export const HOLE: usize = 264;
export const HOLE_BLOCKS: u32 = 12;

/**
 * So many holes are filled before the next arena (8: 11.50; 4: 11.57; 2: 11.61; this had 11.43 then), as long as dlmalloc serves at
 * most so many blocks for each unit: small blocks of its are slower ones.
 */
export const MOST_TURNS: u32 = 24;
export const MOST_RAW: u32 = 4;

/**
 * A hole of so many bytes is kept for large blocks as long as there are shorter ones: a list of half a megabyte would make the
 * memory longer.
 */
export const LONG_HOLE: usize = 64 << 10;
