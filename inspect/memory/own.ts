/** Memory that our heaps have of the system malloc: arenas, and what they keep their books in. */
import { type Address, booksLayout as B, layout as L, linkedLayout } from "../../base/base.js";
import { Numbers } from "../graph/graph.js";
import type { MemoryImage } from "./image.js";
import { addDebugTables, ledgerIn } from "./shadows.js";

/** The roots of the heaps in a memory: one that was installed in a debug mode leaves a linked one with blocks from before. */
export function rootsOf({ marks, u8 }: MemoryImage): Address[] {
  const roots: Address[] = [];
  const add = (root: Address) => {
    const isThere = root > 0 && root % 4 === 0 && root + L.ROOT_SIZE <= u8.length;
    if (isThere && !roots.includes(root)) roots.push(root);
  };
  if (marks.heap !== undefined) add(marks.heap.root);
  const linked = marks.symbols["pymalloc_root"] ?? 0;
  if (u8[linked + linkedLayout.STATE_PLACED] === 1) add(linked);
  return roots;
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

/** Addresses in blocks of the system malloc that no user has, by rising addresses. Of each, the lowest is where it begins. */
export interface OwnMemory {
  /** Arenas, and such as were one or will be. */
  readonly arenas: Uint32Array;
  /** Roots, maps, tables, ledgers, shadows. */
  readonly tables: Uint32Array;
}

export function ownMemory(image: MemoryImage, roots: readonly Address[]): OwnMemory {
  const { marks, u32 } = image;
  const arenas = new Numbers(1024);
  const tables = new Numbers(64);
  for (const root of roots) {
    addArenas(image, root, arenas);
    // Many arenas of a linked heap are in one block.
    const isLinked = root === marks.symbols["pymalloc_root"];
    if (isLinked) arenas.push(u32[(root + linkedLayout.STATE_FOUNDATION) >>> 2] as number);
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
