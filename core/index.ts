/** The exported ABI, nothing else. Addresses and sizes are unsigned 32-bit numbers. */

export { pyCalloc, pyFree, pyMalloc, pyRealloc } from "./cpython";
export {
  ALIGNMENT,
  ARENA_RESERVE,
  ARENA_SIZE,
  ARENAS_ALLOCATED,
  ARENAS_CURRENT,
  ARENAS_HIGHWATER,
  ARENAS_RECLAIMED,
  BOOKS,
  BROKEN_AT,
  BY_FREE_SLICES,
  CLASS_SLICES,
  GROWTH_BITS,
  HEAD_SIZE,
  HOLD_OFF,
  INDENT,
  LEAST_BLOCKS,
  MAP,
  MOST_UNSEEN,
  NO_POOL,
  POOL_BLOCK_SIZE,
  POOL_HEADER,
  RAW_BLOCKS,
  REPORT_ALL_SLICES,
  REPORT_BLOCKS,
  REPORT_FREE_SLICES,
  REPORT_POOLS,
  REPORT_USED,
  ROOT_SIZE,
  RUN_REQUEST,
  RUN_SIZE,
  RUN_SLICES,
  RUN_SLOT_SIZE,
  SIZE_CLASSES,
  SLICE_SIZE,
  SMALL_REQUEST_THRESHOLD,
  TAIL_BITS,
} from "./layout";
export { addressInRange, poolOf } from "./map";
export { calloc, free, initialize, malloc, realloc } from "./pymalloc";
export { rawCalloc, rawFree, rawMalloc, rawRealloc } from "./raw";
export { allocatedBlocks, stats } from "./stats";
