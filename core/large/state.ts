/** What the large malloc remembers: in linear memory, as everything. */

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
  /** Blocks wait: see `waiting.ts`. */
  waits: u32;
}

/** The bins, see `bins.ts`: a bit for each that is not empty, and the first free block of each. */
export const BINS: u32 = 256;
const FULL: usize = offsetof<State>();
const FIRSTS: usize = FULL + <usize>(BINS >> 3);

/** The longest block that waits, in granules; and the first one of each length. */
export const LONGEST_WAITING: u32 = 32;
export const WAITING: usize = FIRSTS + <usize>BINS * sizeof<usize>();

export const ROOT_SIZE: usize = WAITING + <usize>(LONGEST_WAITING + 1) * sizeof<usize>();

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
  return largeRoot + WAITING + ((<usize>granules) << 2);
}

/** Where others read the state: offsets from the root. */
export const STATE_STARTS: usize = offsetof<State>("starts");
export const STATE_USES: usize = offsetof<State>("uses");
export const STATE_MAP: usize = offsetof<State>("map");
export const STATE_END: usize = offsetof<State>("end");
export const STATE_BITS: usize = offsetof<State>("bits");
