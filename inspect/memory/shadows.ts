/**
 * Blocks of the debug modes: ours, whose shadow knows them (core/debug/debug-layout.ts), and those of CPython's own hooks, which
 * are known by the pads around them (Objects/obmalloc.c, _PyMem_DebugRawAlloc).
 */
import { type Address, debugLayout as L } from "../../base/base.js";
import { piecesOf } from "../../src/debug/debug.js";
import { Numbers } from "../graph/graph.js";
import type { MemoryImage } from "./image.js";

/** What debug blocks are there, by rising addresses; one that lies in another one comes after it. */
export interface Frames {
  readonly count: number;
  /** Where the user's bytes begin, and how many they are. */
  readonly starts: Uint32Array;
  readonly sizes: Uint32Array;
  /** 1 for a live one, 0 for one that was freed and has its memory still. */
  readonly live: Uint32Array;
}

const PAGE = 1 << L.PAGE_BITS;
/** Where the ledger has its two stocks, of tables and of shadows: each the address of its first piece. */
const STOCKS = [L.TABLES, L.SHADOWS] as const;
/** Where it has the directories of the raw layer, and of the one above it. */
const DIRECTORIES = [L.DIRECTORY_RAW, L.DIRECTORY_UPPER] as const;
/** Behind the mark of a piece in stock there is the address of the next one. */
const NEXT_PIECE = L.MARK_SIZE;

/** Where the ledger is, if it is one; else 0. */
export function ledgerIn({ marks, u8, u32 }: MemoryImage): Address {
  const ledger = marks.heap?.ledger ?? 0;
  if (ledger === 0 || ledger % 4 !== 0 || ledger + L.LEDGER_SIZE > u8.length) return 0;
  return u32[(ledger + L.LEDGER_MAGIC) >>> 2] === L.MAGIC ? ledger : 0;
}

/** Adds the addresses of all memory that the debug heap keeps its books in. */
export function addDebugTables(image: MemoryImage, ledger: Address, to: Numbers): void {
  const { u8, u32 } = image;
  to.push(ledger);
  to.push(u32[(ledger + L.LEDGER_RING) >>> 2] as number);
  to.push(u32[(ledger + L.EARLIER_BITS) >>> 2] as number);
  for (const directory of DIRECTORIES) {
    for (const [at] of piecesOf(u32, ledger + directory)) to.push(at);
  }
  for (const stock of STOCKS) {
    let piece = u32[(ledger + stock) >>> 2] as number;
    // A few pieces at most; a list that was written over may have no end.
    for (let rest = L.TABLE_ENTRIES; rest > 0 && piece !== 0; rest--) {
      if (piece % 4 !== 0 || piece + NEXT_PIECE + 4 > u8.length) break;
      to.push(piece);
      piece = u32[(piece + NEXT_PIECE) >>> 2] as number;
    }
  }
}

/** The blocks that our debug heap knows. */
export function findFrames(image: MemoryImage, ledger: Address): Frames {
  const { u8, u32 } = image;
  // By page, the shadow of the raw layer and that of the other one.
  const shadows = new Map<number, [Address, Address]>();
  for (const [layer, directory] of DIRECTORIES.entries()) {
    for (const [at, page] of piecesOf(u32, ledger + directory)) {
      if (page < 0) continue;
      const both = shadows.get(page) ?? [0, 0];
      both[layer] = at;
      shadows.set(page, both);
    }
  }
  const starts = new Numbers(1024);
  const sizes = new Numbers(1024);
  const live = new Numbers(1024);
  const addEntry = (shadow: Address, granule: Address) => {
    const entry = shadow + L.MARK_SIZE + ((granule % PAGE) / L.GRANULE) * L.ENTRY_SIZE;
    const state = u8[entry + L.ENTRY_STATE] as number;
    // Of those that are gone, the memory is others' by now.
    if (state < L.LIVE || state >= L.GONE) return;
    const start = granule + ((u8[entry + L.ENTRY_PLACE] as number) >>> 4);
    const size = u32[(entry + L.ENTRY_BLOCK_SIZE) >>> 2] as number;
    if (start + size + L.FRONT > u8.length) return;
    starts.push(start);
    sizes.push(size);
    live.push(state <= L.BLAMED ? 1 : 0);
  };
  const pages = Uint32Array.from(shadows.keys()).sort();
  for (const page of pages) {
    const [ofRaw, ofUpper] = shadows.get(page) as [Address, Address];
    for (let granule = page * PAGE; granule < (page + 1) * PAGE; granule += L.GRANULE) {
      // A block that is served by the raw layer begins behind the raw block that it lies in.
      if (ofRaw !== 0) addEntry(ofRaw, granule);
      if (ofUpper !== 0) addEntry(ofUpper, granule);
    }
  }
  return {
    count: starts.length,
    starts: starts.values(),
    sizes: sizes.values(),
    live: live.values(),
  };
}

const PADS = 0x01010101 * L.FORBIDDENBYTE;
/** The three letters that stand in front of a block, with the pads behind them. */
const LETTERS = ["r", "m", "o"].map((letter) => ((PADS << 8) | letter.charCodeAt(0)) >>> 0);

/**
 * The bytes that were asked for of a block in which CPython's hooks have made one; -1 where they have not. The user's bytes
 * begin `L.FRONT` into the block.
 *
 *     | size, big-endian | letter, 3 x FD | the user's bytes | 4 x FD |
 */
export function hookedSize({ u8, u32 }: MemoryImage, block: Address, room: number): number {
  const head = u32[(block + 4) >>> 2] as number;
  if (head >>> 8 !== PADS >>> 8 || !LETTERS.includes(head)) return -1;
  const size =
    (((u8[block] as number) << 24) |
      ((u8[block + 1] as number) << 16) |
      ((u8[block + 2] as number) << 8) |
      (u8[block + 3] as number)) >>>
    0;
  const tail = block + L.FRONT + size;
  if (L.FRONT + size + 4 > room) return -1;
  for (let pad = 0; pad < 4; pad++) if (u8[tail + pad] !== L.FORBIDDENBYTE) return -1;
  return size;
}
