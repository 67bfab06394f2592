/** The blocks of a memory: all that its allocators have given out and not got back. */
import type { Address } from "../../base/base.js";

/** Who gave a block out. */
export enum BlockKind {
  /** A block in one of our pools. */
  pool = 0,
  /** A block of the system malloc (a chunk of dlmalloc). */
  system = 1,
}

/** Live blocks, sorted by their address. Memory of the allocators' own (arenas, tables, a root, shadows) is no block. */
export interface Blocks {
  /** How many there are. */
  readonly count: number;
  /** Where the user's bytes begin: in a debug mode behind the front pads. */
  readonly starts: Uint32Array;
  /** The user's bytes: in a debug mode those that were asked for, else all that the block has room for. */
  readonly sizes: Uint32Array;
  /** Bytes that the block takes in all, with pads and the system malloc's head. */
  readonly taken: Uint32Array;
  /** `BlockKind`. */
  readonly kinds: Uint8Array;
  /** The block that an address lies in; -1 for none. */
  indexAt(address: Address): number;
}
