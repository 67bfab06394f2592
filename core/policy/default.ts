/**
 * How a heap over any malloc is tuned, in a memory of its own as well as in a Python's that is running: to be fast, and at the
 * price of a little time to take few bytes.
 */

import { GROWTH_BITS, SMALL_REQUEST_THRESHOLD } from "./common";

export * from "./common";

/**
 * So many blocks of a full pool come back, at most, before it is looked at again. (1: Python traces 2 % slower, and a random one
 * of 10,000 blocks freed and allocated anew takes 36 ns instead of 18, for 0.1 % less memory.) No policy has more than this.
 */
export const MOST_UNSEEN: i32 = 16;

/**
 * As long as the heap never had arenas of more units than this it is lean: what is left over in one size class serves another. For ever,
 * here: lending only for a while has memory 1.125 where this has 1.115.
 */
export const LEAN_UNITS: u32 = u32.MAX_VALUE;

/** While it is lean, GROWTH_BITS are so many, and larger blocks than of so many bytes get no pool: both as ever. */
export const LEAN_GROWTH_BITS: u32 = GROWTH_BITS;
export const LEAN_THRESHOLD: usize = SMALL_REQUEST_THRESHOLD;

/** Debug modes: shadows of so many pages are asked for at a time. */
export const SHADOWS_AT_ONCE: u32 = 8;

// -------------------------------------------------------------------------- hosts/wasm/arena-source.ts

/**
 * Small blocks fill holes of so many bytes, so many blocks each time, and so many times before the next long arena: the best of a
 * dozen pairs of numbers that were played (memory 1.142 without holes, 1.109 with them).
 */
export const HOLE: usize = 896;
export const HOLE_BLOCKS: u32 = 24;
export const MOST_TURNS: u32 = 24;

/** Where there was no hole at all, so many arenas are taken without looking for one: a search costs some calls of the malloc. */
export const UNSEARCHED: u32 = 3;

/** The shortest spacer before a slice boundary, in bytes: a malloc's smallest blocks are longer than a very small gap. */
export const LEAST_SPACER: usize = 64;
