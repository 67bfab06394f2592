/** Statistics: read from the books in linear memory, and written the way CPython writes them. */
import {
  type Address,
  type Core,
  type HeapStats,
  layout,
  type MallocMode,
  nameOf,
  type SizeClassStats,
  wordsAt,
} from "../../base/base.js";
import { fillPattern, reportPatterns } from "./patterns.js";

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Reads the heap at `root` after a walk over its pools. */
export function readStats(core: Core, memory: WebAssembly.Memory, root: Address): HeapStats {
  const inPools = core.stats();
  const words = wordsAt(memory, root, layout.ROOT_SIZE / 4);
  const read = (offset: number): number => words[offset / 4] as number;

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

/** The statistics of a heap without pools. */
export function emptyStats(): HeapStats {
  return {
    malloc: "malloc",
    smallRequestThreshold: layout.SMALL_REQUEST_THRESHOLD,
    arenas: { size: layout.UNIT_SIZE, allocatedTotal: 0, reclaimed: 0, highwater: 0, current: 0 },
    pools: { size: layout.SLICE_SIZE, inUse: 0, unused: 0 },
    classes: [],
    bytes: {
      inUse: 0,
      available: 0,
      unusedPools: 0,
      poolHeaders: 0,
      quantization: 0,
      arenaAlignment: 0,
      total: 0,
    },
    blocks: { inPools: 0, raw: 0, allocated: 0 },
  };
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
