/** Where every byte of a memory is. */
import { type Address, debugLayout } from "../../base/base.js";
import { boundsOf } from "./chunks.js";
import type { MemoryImage } from "./image.js";
import { ledgerIn } from "./shadows.js";
import { walkMemory } from "./walk.js";

/** Where every byte of a memory is, in bytes; nothing else than JSON. */
export interface Budget {
  /** How long the memory is. */
  readonly total: number;
  /** How long it may become; 0 where that is not known. */
  readonly maximum: number;
  /** The limit that was set; 0 for none. */
  readonly limit: number;
  /** The numbers in it, at whatever depth, sum to `total`. */
  readonly parts: {
    /** The program's own data: its variables, its constant data, CPython's static types. */
    readonly program: number;
    /** The C stack, all of it. */
    readonly stack: number;
    /** Arenas: what pools are made of. */
    readonly pools: {
      /** Blocks in use, as long as their size class. In a debug mode also those that it holds back. */
      readonly inUse: number;
      /** Free blocks of pools. */
      readonly free: number;
      /** The headers of pools, and their ends, where no further block fits. */
      readonly headers: number;
      /** What no pool has. */
      readonly unused: number;
    };
    /** The system malloc, but for the memory that arenas and tables got of it. */
    readonly system: {
      /** Blocks in use, their heads included. In a debug mode also those that it holds back. */
      readonly inUse: number;
      /** Free pieces between them. */
      readonly free: number;
      /** What it keeps for itself. */
      readonly overhead: number;
    };
    /** What a heap of ours keeps about itself: its root, maps, tables; in a debug mode what that knows of each block. */
    readonly tables: number;
    /** What others took past the system malloc (mimalloc's segments, guests' data), and what is not known. */
    readonly other: number;
    /** Behind the system malloc's end: nobody has taken it yet. */
    readonly untouched: number;
  };
  /** The longest piece that is free without the memory's growing, in the system malloc or behind its end. */
  readonly largestFree: number;
  /** All that is free without the memory's growing: in pools, in the system malloc, behind its end. */
  readonly available: number;
  /** Who serves Python's objects: "dlmalloc", "mimalloc", "pymalloc linked", "pymalloc_debug installed", "pymalloc". */
  readonly allocator: string;
  /** What can't be known of this memory, as a sentence; empty where all is known. */
  readonly note: string;
}

/** Who is in force, in words. */
function allocatorOf({ marks: { heap, allocator } }: MemoryImage): string {
  if (heap?.how === "installed") {
    return `${heap.pools ? "pymalloc" : "malloc"}${heap.ledger === 0 ? "" : "_debug"} installed`;
  }
  if (heap?.how === "linked") return `${allocator || "pymalloc"} linked`;
  if (heap?.how === "own") return allocator;
  return allocator.replace(/^malloc/, "dlmalloc") || "unknown";
}

function noteOf(image: MemoryImage): string {
  const { marks, u32 } = image;
  const notes: string[] = [];
  if (marks.allocator.startsWith("mimalloc")) {
    notes.push("what is free inside of mimalloc's segments is not known: they count as other");
  } else if (marks.chunks.to === 0) {
    notes.push("the memory's malloc is not known: its blocks count as other");
  }
  const ledger = ledgerIn(image);
  const held = ledger === 0 ? 0 : (u32[(ledger + debugLayout.HELD_BYTES) >>> 2] as number);
  if (held > 0) notes.push(`${held} bytes in use were freed and are held back by the debug mode`);
  return notes.join("; ");
}

/** The C stack's bytes before an address. */
function stackBefore({ marks: { symbols } }: MemoryImage, end: Address): number {
  const low = Math.min(symbols["__stack_low"] ?? 0, end);
  return Math.max(0, Math.min(symbols["__stack_high"] ?? 0, end) - low);
}

/** What the linked core has in front of the system malloc's first block: its root and state. */
function linkedBefore({ marks: { symbols } }: MemoryImage, end: Address): number {
  const root = symbols["pymalloc_root"] ?? end;
  const isBehindStack = root >= (symbols["__stack_high"] ?? 0);
  return isBehindStack && root < end ? end - root : 0;
}

/** How close to the malloc's end a free piece ends that grows with it: there is dlmalloc's foot, TLSF's last header. */
const LAST_PIECE = 64;

/**
 * Where every byte of a memory is. It reads the heads of blocks and pools, and no content: so it takes milliseconds, and may be
 * asked every second. It never throws: in a damaged memory, what can't be read counts as other.
 */
export function budgetOf(image: MemoryImage): Budget {
  const { marks, u8 } = image;
  const total = u8.length;
  const { from, to } = boundsOf(image);
  const stack = stackBefore(image, from);
  const before = linkedBefore(image, from);
  const pools = { inUse: 0, free: 0, headers: 0, unused: 0 };
  const system = { inUse: 0, free: 0, overhead: 0 };
  let tables = before;
  let arenas = 0;
  let longest = 0;
  let lastSize = 0;
  let lastEnd = 0;
  walkMemory(image, {
    arena(bytes) {
      arenas += bytes;
    },
    pool({ start, end, size, capacity, used }) {
      pools.inUse += used * size;
      pools.free += (capacity - used) * size;
      pools.headers += end - start - capacity * size;
    },
    block(_block, size) {
      system.inUse += size;
    },
    free(block, size) {
      system.free += size;
      if (size > longest) longest = size;
      lastSize = size;
      lastEnd = block + size;
    },
    table(bytes) {
      tables += bytes;
    },
    overhead(bytes) {
      system.overhead += bytes;
    },
  });
  pools.unused = arenas - pools.inUse - pools.free - pools.headers;
  const untouched = total - to;
  const program = from - stack - before;
  const known = program + stack + arenas + system.inUse + system.free + system.overhead + tables;
  const other = to - known;
  const last = untouched + (to - lastEnd <= LAST_PIECE ? lastSize : 0);
  return {
    total,
    maximum: marks.maximumBytes,
    limit: marks.limitBytes,
    parts: { program, stack, pools, system, tables, other, untouched },
    largestFree: Math.max(longest, last),
    available: pools.free + pools.unused + system.free + untouched,
    allocator: allocatorOf(image),
    note: noteOf(image),
  };
}
