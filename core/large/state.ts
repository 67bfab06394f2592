/** What the large malloc remembers: in linear memory, as everything. */

import { LEAST_GRANULE_BITS, LONGEST_WAITING } from "../policy/policy";
import { largeRoot } from "./large-host";

@unmanaged
export class State {
  /** The two maps; each address is such that the malloc's first granule has its bit in the right place: see `map.ts`. */
  starts: usize;
  uses: usize;
  /** Where the map itself begins, which is a block of the malloc's; 0 before the first request. */
  map: usize;
  /** The address up to which the maps reach. */
  reach: usize;
  /** The break: the memory up to here is the malloc's, or was left to others. */
  end: usize;
  /** What a granule is: `granuleBits` of the one that began. */
  bits: u32;
  /** What was dropped and is not free memory yet, at most: granules and blocks. See `sweep.ts`. */
  dropped: u32;
  drops: u32;
  /** Free blocks that the last sweep found. */
  swept: u32;
  /** Do blocks wait? */
  waits: u32;
}

/** The bins, see `bins.ts`: a bit for each that is not empty, and the first free block of each. */
export const BINS: u32 = 256;
export const FULL: usize = offsetof<State>();
export const FIRSTS: usize = FULL + <usize>(BINS >> 3);

/** The lists of what waits, for each length: the first block, and the granules that wait in all. */
export const WAITING: usize = FIRSTS + <usize>BINS * sizeof<usize>();
export const BINS_SIZE: usize = WAITING - FULL;

export const ROOT_SIZE: usize = WAITING + ((LONGEST_WAITING >> LEAST_GRANULE_BITS) + 1) * 8;

export function state(): State {
  return changetype<State>(largeRoot);
}

/** Where the bits of 64 bins are, the `word`th. */
export function fullCell(word: u32): usize {
  return largeRoot + FULL + ((<usize>word) << 3);
}

/** Where the first free block of a bin is. */
export function firstCell(bin: u32): usize {
  return largeRoot + FIRSTS + ((<usize>bin) << 2);
}

/** Where the first block of so many granules that waits is. */
export function waitingCell(granules: u32): usize {
  return largeRoot + WAITING + ((<usize>granules) << 3);
}

/** Where others read the state: offsets from the root. */
export const STATE_STARTS: usize = offsetof<State>("starts");
export const STATE_USES: usize = offsetof<State>("uses");
export const STATE_MAP: usize = offsetof<State>("map");
export const STATE_END: usize = offsetof<State>("end");
export const STATE_REACH: usize = offsetof<State>("reach");
export const STATE_BITS: usize = offsetof<State>("bits");
export const STATE_DROPS: usize = offsetof<State>("drops");
export const STATE_WAITS: usize = offsetof<State>("waits");
