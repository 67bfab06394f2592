/** The rows of blocks of the system malloc, whichever it is: dlmalloc's in a program of Emscripten's, TLSF's in a heap of ours. */
import { type Address, booksLayout as B, layout as L, unsigned } from "../../base/base.js";
import {
  type Row,
  resumeChunks,
  rowsOf,
  tlsfRows,
  walkChunks,
  walkTlsf,
} from "../../hosts/hosts.js";
import { DLMALLOC_STATE } from "./capture.js";
import type { MemoryImage } from "./image.js";
import { Numbers } from "./numbers.js";
import { addDebugTables, ledgerIn } from "./shadows.js";

/** How the system malloc of an image is read. */
export interface SystemBlocks {
  /** By rising addresses. Empty where the system malloc is not known. */
  readonly rows: readonly Row[];
  /** Shows the blocks from one address up to another (`walkChunks`); where they end. */
  readonly walk: (
    from: Address,
    to: Address,
    see: (block: Address, size: number, inUse: boolean) => void,
  ) => Address;
  /** Where blocks begin again behind what is none. */
  readonly resume: (from: Address, to: Address) => Address;
  /** So many bytes of a block are the malloc's. */
  readonly head: number;
}

const HEAD = 4;

/** From where to where the heap goes, in the memory; all of the memory where the system malloc is someone else's. */
export function boundsOf({ marks: { chunks }, u8 }: MemoryImage): { from: Address; to: Address } {
  if (chunks.to === 0) return { from: 0, to: u8.length };
  const to = Math.min(unsigned(chunks.to), u8.length);
  return { from: Math.min(unsigned(chunks.from), to), to };
}

export function systemBlocks(image: MemoryImage): SystemBlocks {
  const { marks, u32 } = image;
  const { from, to } = boundsOf(image);
  const isKnown = marks.chunks.to !== 0 && from % 4 === 0;
  if (marks.kind === "heap") {
    return {
      rows: isKnown ? tlsfRows(u32, from, to) : [],
      walk: (at, end, see) => walkTlsf(u32, at, end, see),
      resume: (_, end) => end,
      head: HEAD,
    };
  }
  return {
    rows: isKnown ? rowsOf(u32, marks.symbols[DLMALLOC_STATE] ?? 0, from, to) : [],
    walk: (at, end, see) => walkChunks(u32, at, end, see),
    resume: (at, end) => resumeChunks(u32, at, end),
    head: HEAD,
  };
}

/** No list of spares is longer: it holds what goes back at the next call. */
const MOST_SPARES = 1 << 16;

/** Adds where the arenas of a heap begin, and its spares. */
function addArenas({ u8, u32 }: MemoryImage, root: Address, to: Numbers): void {
  const table = u32[(root + B.ARENAS) >>> 2] as number;
  const slots = u32[(root + B.ARENA_SLOTS) >>> 2] as number;
  if (table % 4 === 0 && table + slots * L.ARENA_SLOT_SIZE <= u8.length) {
    for (let slot = 0; slot < slots; slot++) {
      const base = u32[(table + slot * L.ARENA_SLOT_SIZE) >>> 2] as number;
      if (base !== 0) to.push(base);
    }
  }
  let spare = u32[(root + B.SPARES) >>> 2] as number;
  for (let rest = MOST_SPARES; rest > 0 && spare !== 0; rest--) {
    if (spare % 4 !== 0 || spare + 4 > u8.length) break;
    to.push(spare);
    spare = u32[spare >>> 2] as number;
  }
}

/** Blocks of the system malloc that nobody asked for: addresses in them, by rising addresses. */
export interface OwnMemory {
  /** Arenas, and such as were one or will be. */
  readonly arenas: Uint32Array;
  /** Roots, maps, tables, ledgers, shadows. */
  readonly tables: Uint32Array;
}

export function ownMemory(image: MemoryImage, roots: readonly Address[]): OwnMemory {
  const { u32 } = image;
  const arenas = new Numbers(1024);
  const tables = new Numbers(64);
  for (const root of roots) {
    addArenas(image, root, arenas);
    tables.push(root);
    tables.push(u32[(root + L.MAP) >>> 2] as number);
    tables.push(u32[(root + B.ARENAS) >>> 2] as number);
  }
  const ledger = ledgerIn(image);
  if (ledger !== 0) addDebugTables(image, ledger, tables);
  return { arenas: arenas.values().sort(), tables: tables.values().sort() };
}

/** The blocks that were freed and wait in front of the system malloc (core/heap/kept.ts), one a root. */
export function waitingBlocks({ u32 }: MemoryImage, roots: readonly Address[]): Address[] {
  return roots
    .filter((root) => u32[(root + B.WAITS) >>> 2] === 1)
    .map((root) => u32[(root + B.KEPT) >>> 2] as number);
}
