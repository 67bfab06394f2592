/** Where every byte of a memory is. */
import { type Address, debugLayout } from "../../base/base.js";
import type { Row } from "../../hosts/hosts.js";
import type { MemoryImage } from "./image.js";
import { ownMemory, rootsOf, waitingBlocks } from "./own.js";
import { findPools, PoolReader } from "./pools.js";
import { ledgerIn } from "./shadows.js";
import { boundsOf, type SystemMalloc, systemMalloc } from "./system.js";

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

function noteOf(image: MemoryImage, malloc: SystemMalloc | undefined): string {
  const { marks, u32 } = image;
  const notes: string[] = [];
  if (marks.allocator.startsWith("mimalloc")) {
    notes.push("what is free inside of mimalloc's segments is not known: they count as other");
  } else if (malloc === undefined) {
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

/** The blocks of the system malloc that some addresses, which rise, lie in; of each block, the lowest is where it begins. */
function seeBlocks(
  addresses: Uint32Array,
  { head, rows, sizeOf }: SystemMalloc,
  see: (block: Address, size: number) => void,
): void {
  let row = 0;
  let last = 0;
  for (const block of addresses) {
    if (block < last) continue;
    while (row < rows.length && block >= (rows[row] as Row).to) row++;
    if (row === rows.length) return;
    const { from, to } = rows[row] as Row;
    const size = sizeOf(block);
    if (block - head < from || size <= head || size > to - block + 2 * head) continue;
    last = block + size - head;
    see(block, size);
  }
}

/** So many bytes do these blocks take. */
function sumBlocks(addresses: Uint32Array, system: SystemMalloc): number {
  let bytes = 0;
  seeBlocks(addresses, system, (_, size) => {
    bytes += size;
  });
  return bytes;
}

/** Sums up arenas and the pools in them. Without a system malloc that says how long arenas are, only the pools. */
function sumPools(
  image: MemoryImage,
  roots: readonly Address[],
  arenas: Uint32Array,
  system: SystemMalloc | undefined,
): Budget["parts"]["pools"] {
  const pools = findPools(image, roots);
  const reader = new PoolReader(image, roots);
  let [inUse, free, headers, bytes] = [0, 0, 0, 0];
  let pool = 0;
  let last = 0;
  function add(from: Address, to: Address): void {
    while ((pools[pool] as number) < from) pool++;
    for (; (pools[pool] as number) < to; pool++) {
      if (!reader.read(pools[pool] as number)) continue;
      const { start, end, size, capacity, used } = reader;
      if (start < last || end > to) continue;
      last = end;
      inUse += used * size;
      free += (capacity - used) * size;
      headers += end - start - capacity * size;
    }
  }
  if (system === undefined) {
    const { from, to } = boundsOf(image);
    add(from, to);
    bytes = inUse + free + headers;
  } else {
    seeBlocks(arenas, system, (block, size) => {
      bytes += size;
      add(block, block + size - system.head);
    });
  }
  return { inUse, free, headers, unused: bytes - inUse - free - headers };
}

/** What is free in memory without a malloc that we know. */
const NOTHING = { bytes: 0, longest: 0, last: 0 };

/**
 * Where every byte of a memory is. It reads the headers of pools and the lists of what is free, and no other content: so it takes
 * milliseconds, and may be asked every second. It never throws: in a damaged memory, what can't be read counts as in use.
 */
export function budgetOf(image: MemoryImage): Budget {
  const { marks, u8 } = image;
  const total = u8.length;
  const { from, to } = boundsOf(image);
  const stack = stackBefore(image, from);
  const linked = linkedBefore(image, from);
  const roots = rootsOf(image);
  const own = ownMemory(image, roots);
  const malloc = systemMalloc(image);
  const pools = sumPools(image, roots, own.arenas, malloc);
  const arenas = pools.inUse + pools.free + pools.headers + pools.unused;
  let rest = 0;
  let overhead = 0;
  for (const row of malloc?.rows ?? []) {
    rest += row.to - row.from;
    overhead += row.end - row.to;
  }
  /** So much of what is left of the rows, and no more: what was damaged may claim anything. */
  const take = (bytes: number) => {
    const taken = Math.min(bytes, rest);
    rest -= taken;
    return taken;
  };
  const { bytes, longest, last } = malloc?.free() ?? NOTHING;
  let [tables, waiting] = [0, 0];
  if (malloc !== undefined) {
    take(arenas);
    tables = take(sumBlocks(own.tables, malloc));
    overhead += take(malloc.overhead);
    waiting = sumBlocks(Uint32Array.from(waitingBlocks(image, roots)).sort(), malloc);
  }
  const free = take(bytes + waiting);
  const system = { inUse: rest, free, overhead };
  const untouched = total - to;
  const program = from - stack - linked;
  const other = to - from - arenas - tables - system.inUse - free - overhead;
  return {
    total,
    maximum: marks.maximumBytes,
    limit: marks.limitBytes,
    parts: { program, stack, pools, system, tables: tables + linked, other, untouched },
    largestFree: Math.max(longest, last + untouched),
    available: pools.free + pools.unused + free + untouched,
    allocator: allocatorOf(image),
    note: noteOf(image, malloc),
  };
}
