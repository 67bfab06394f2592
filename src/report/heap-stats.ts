/**
 * Statistics: read from the books in linear memory, and written the way CPython writes them. A new number is a field of
 * `HeapStats` and a line of `statsFrom`; one that has to be counted by a walk is counted in core/heap/stats.ts.
 */
import {
  type Address,
  type Core,
  layout,
  type MallocMode,
  type MallocName,
  nameOf,
  wordsAt,
} from "../../base/base.js";
import { fillPattern, reportPatterns } from "./patterns.js";

/** One size class in `HeapStats`. */
export interface SizeClassStats {
  /** Bytes in a block. */
  readonly size: number;
  /** Pools of the class. */
  readonly pools: number;
  /** Blocks of them that are allocated. */
  readonly blocksInUse: number;
  /** Blocks of them that are free. */
  readonly blocksAvailable: number;
}

/** Where the arenas' bytes are. The parts sum to `total`, which is arenas x arena size. */
export interface HeapBytes {
  /** In blocks that are allocated, as long as their size class. */
  readonly inUse: number;
  /** In the free blocks of pools. */
  readonly available: number;
  /** In slices that no pool has. */
  readonly unusedPools: number;
  /** In the headers of pools. */
  readonly poolHeaders: number;
  /** At the ends of pools, where no further block fits. */
  readonly quantization: number;
  /** In arenas, but in no slice. */
  readonly arenaAlignment: number;
  /** All of them. */
  readonly total: number;
}

/** What a heap holds, in numbers; nothing else than JSON. */
export interface HeapStats {
  /** `"pymalloc"` or `"malloc"`, where every number is 0: the system malloc keeps no books; or their debug modes. */
  readonly malloc: MallocName;
  /** The longest request, in bytes, that pools serve. */
  readonly smallRequestThreshold: number;
  /** An arena here is a unit that is counted: what is taken from the arena allocator at a time has one to eight of them. */
  readonly arenas: {
    /** Bytes that one arena accounts for. */
    readonly size: number;
    /** Arenas ever taken from the system malloc. */
    readonly allocatedTotal: number;
    /** Those of them that were given back. */
    readonly reclaimed: number;
    /** The most that there were at one time. */
    readonly highwater: number;
    /** Those that there are. */
    readonly current: number;
  };
  /** Pools, of whatever class. */
  readonly pools: {
    /** Bytes of the shortest pool; others are a multiple of that long. */
    readonly size: number;
    /** Pools that have a size class. */
    readonly inUse: number;
    /** Room for so many of the shortest. */
    readonly unused: number;
  };
  /** All size classes, the smallest first. */
  readonly classes: readonly SizeClassStats[];
  /** Where the arenas' bytes are. */
  readonly bytes: HeapBytes;
  /** Live blocks. In a debug mode freed blocks that are held back are among them: they have their memory still. */
  readonly blocks: {
    /** Those that pools serve. */
    readonly inPools: number;
    /** Those of mem and object that the raw domain serves instead. */
    readonly raw: number;
    /** Both. */
    readonly allocated: number;
  };
  /** In a debug mode: the quarantine, pads included, and the number of the last call that made a block. */
  readonly debug?: {
    /** Freed blocks that the quarantine holds. */
    readonly heldBlocks: number;
    /** Their bytes, pads included. */
    readonly heldBytes: number;
    /** The number of the last call that made a block. */
    readonly serial: number;
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** @param read the word of the root at an offset, as a walk over the pools left it @param inPools live blocks there */
function statsFrom(read: (offset: number) => number, inPools: number): HeapStats {
  const classes: SizeClassStats[] = [];
  let quantization = 0;
  for (let index = 0; index < layout.SIZE_CLASSES; index++) {
    const size = (index + 1) * layout.ALIGNMENT;
    const pools = read(layout.REPORT_POOLS + index * 4);
    const blocks = read(layout.REPORT_BLOCKS + index * 4);
    const blocksInUse = read(layout.REPORT_USED + index * 4);
    classes.push({ size, pools, blocksInUse, blocksAvailable: blocks - blocksInUse });
    const room = read(layout.CLASS_SLICES + index * 4) * layout.SLICE_SIZE;
    quantization += room - pools * layout.POOL_HEADER - blocks * size;
  }

  const current = read(layout.UNITS_CURRENT);
  const slices = read(layout.REPORT_ALL_SLICES);
  const unused = read(layout.REPORT_FREE_SLICES);
  const pools = sum(classes, (c) => c.pools);
  const raw = read(layout.RAW_BLOCKS);
  return {
    malloc: "pymalloc",
    smallRequestThreshold: layout.SMALL_REQUEST_THRESHOLD,
    arenas: {
      size: layout.UNIT_SIZE,
      allocatedTotal: read(layout.UNITS_ALLOCATED),
      reclaimed: read(layout.UNITS_RECLAIMED),
      highwater: read(layout.UNITS_HIGHWATER),
      current,
    },
    pools: { size: layout.SLICE_SIZE, inUse: pools, unused },
    classes,
    bytes: {
      inUse: sum(classes, (c) => c.blocksInUse * c.size),
      available: sum(classes, (c) => c.blocksAvailable * c.size),
      unusedPools: unused * layout.SLICE_SIZE,
      poolHeaders: pools * layout.POOL_HEADER,
      quantization,
      arenaAlignment: current * layout.UNIT_SIZE - slices * layout.SLICE_SIZE,
      total: current * layout.UNIT_SIZE,
    },
    blocks: { inPools, raw, allocated: inPools + raw },
  };
}

/** Reads the heap at `root` after a walk over its pools. */
export function readStats(core: Core, memory: WebAssembly.Memory, root: Address): HeapStats {
  const inPools = core.stats();
  const words = wordsAt(memory, root, layout.ROOT_SIZE / 4);
  return statsFrom((offset) => words[offset / 4] as number, inPools);
}

/** The statistics of a heap without pools. */
export function emptyStats(): HeapStats {
  return { ...statsFrom(() => 0, 0), malloc: "malloc", classes: [] };
}

/** The statistics of a heap in any mode. @param debug what its debug heap says, where it has one */
export function statsOf(
  mode: MallocMode,
  core: Core,
  memory: WebAssembly.Memory,
  root: Address,
  debug: HeapStats["debug"],
): HeapStats {
  const stats = mode.pools ? readStats(core, memory, root) : emptyStats();
  return { ...stats, malloc: nameOf(mode), ...(debug === undefined ? {} : { debug }) };
}

/** The text of `sys._debugmallocstats()`; empty without pools. */
export function formatStats(stats: HeapStats): string {
  if (stats.malloc === "malloc") return "";
  const { arenas, pools, classes, bytes } = stats;
  const rows = classes.map((c, index) =>
    c.pools === 0
      ? ""
      : fillPattern(reportPatterns.row, [index, c.size, c.pools, c.blocksInUse, c.blocksAvailable]),
  );
  const books = [arenas.allocatedTotal, arenas.reclaimed, arenas.highwater, arenas.current];
  const tail = fillPattern(reportPatterns.tail, [
    ...books,
    arenas.current,
    bytes.total,
    bytes.inUse,
    bytes.available,
    pools.unused,
    bytes.unusedPools,
    bytes.poolHeaders,
    bytes.quantization,
    bytes.arenaAlignment,
    bytes.total,
  ]);
  return [reportPatterns.head, ...rows, tail].join("");
}
