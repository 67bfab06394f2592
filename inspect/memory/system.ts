/** The system malloc of a memory, whichever it is: dlmalloc in a program of Emscripten's, ours in a heap that owns its memory. */
import { type Address, linkedLayout, unsigned } from "../../base/base.js";
import {
  type FreeMemory,
  freeChunks,
  LargeBlocks,
  type Row,
  resumeChunks,
  rowsOf,
  walkChunks,
} from "../../hosts/hosts.js";
import { DLMALLOC_STATE } from "./capture.js";
import type { MemoryImage } from "./image.js";

/** Shows a block: where its user's bytes begin, the bytes that it takes with its head, is it in use. */
export type See = (block: Address, size: number, inUse: boolean) => void;

/** How the system malloc of an image is read. Nothing in the memory is believed. */
export interface SystemMalloc {
  /** The bytes of it in front of each block, which are among the block's. */
  readonly head: number;
  /** Its blocks lie one behind the other in each of these, which come by rising addresses. */
  readonly rows: readonly Row[];
  /** The bytes in the rows that it has itself, which it does not show as blocks. */
  readonly overhead: number;
  /** Shows the blocks from an address up to another one; where they end. */
  walk(from: Address, to: Address, see: See): Address;
  /** Where blocks begin again behind what is none; `to` where they don't. */
  resume(from: Address, to: Address): Address;
  /** The bytes that a block takes, with its head, when there can be one here. */
  sizeOf(block: Address): number;
  /** What is free in all rows. */
  free(): FreeMemory;
}

/** From where to where the heap goes; all of the memory where the system malloc is not known. */
export function boundsOf({ marks: { chunks }, u8 }: MemoryImage): { from: Address; to: Address } {
  if (chunks.to === 0) return { from: 0, to: u8.length };
  const to = Math.min(unsigned(chunks.to), u8.length);
  return { from: Math.min(unsigned(chunks.from), to), to };
}

/** The free blocks of rows that are walked. */
function freeInRows(rows: readonly Row[], walk: SystemMalloc["walk"]): FreeMemory {
  let bytes = 0;
  let longest = 0;
  let last = 0;
  for (const row of rows) {
    walk(row.from, row.to, (_block, size, inUse) => {
      last = inUse ? 0 : size;
      bytes += last;
      if (last > longest) longest = last;
    });
  }
  return { bytes, longest, last };
}

/** dlmalloc's: the word before a block. */
const HEAD = 4;

function dlmalloc({ marks, u32 }: MemoryImage, from: Address, to: Address): SystemMalloc {
  const state = marks.symbols[DLMALLOC_STATE] ?? 0;
  const rows = rowsOf(u32, state, from, to);
  const walk: SystemMalloc["walk"] = (at, end, see) => walkChunks(u32, at, end, see);
  return {
    head: HEAD,
    rows,
    overhead: 0,
    walk,
    resume: (at, end) => resumeChunks(u32, at, end),
    sizeOf: (block) => ((u32[(block - HEAD) >>> 2] ?? 0) & ~linkedLayout.CHUNK_FLAGS) >>> 0,
    free: () => freeChunks(u32, state, from, to) ?? freeInRows(rows, walk),
  };
}

/** Ours; undefined where it is not there, as in a file that was written when heaps had another one. */
function large({ u32 }: MemoryImage, from: Address, to: Address): SystemMalloc | undefined {
  const blocks = new LargeBlocks(u32, from, to);
  const { rows, overhead } = blocks;
  if (rows.length === 0) return undefined;
  const walk: SystemMalloc["walk"] = (at, end, see) => {
    blocks.walk(at, end, see);
    return end;
  };
  return {
    head: 0,
    rows,
    overhead,
    walk,
    resume: (_, end) => end,
    sizeOf: (block) => blocks.sizeOf(block),
    free: () => freeInRows(rows, walk),
  };
}

/** Undefined where the memory's malloc is someone else's, of which nothing is known. */
export function systemMalloc(image: MemoryImage): SystemMalloc | undefined {
  const { from, to } = boundsOf(image);
  if (image.marks.chunks.to === 0 || from % 4 !== 0) return undefined;
  return image.marks.kind === "heap" ? large(image, from, to) : dlmalloc(image, from, to);
}
