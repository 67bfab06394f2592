/** The exported ABI, nothing else. Addresses and sizes are unsigned 32-bit numbers. */

export { addressInRange } from "./arenas";
export { pyCalloc, pyFree, pyMalloc, pyRealloc } from "./cpython";
export {
  ALIGNMENT,
  ARENA_REQUEST,
  ARENA_RESERVE,
  ARENA_SIZE,
  ARENA_SLOT_SIZE,
  ARENAS_ALLOCATED,
  ARENAS_CURRENT,
  ARENAS_HIGHWATER,
  ARENAS_RECLAIMED,
  BOOKS,
  BROKEN_AT,
  BY_FREE_COUNT,
  FIRST_ARENA_SLOTS,
  HEAD_SIZE,
  HOLD_OFF,
  LEAF_BITS,
  LEAF_BYTES,
  MAP,
  MAX_REQUEST,
  POOL_END,
  POOL_HEADER,
  POOL_SIZE,
  RAW_BLOCKS,
  REPORT_ALL_POOLS,
  REPORT_FREE_POOLS,
  REPORT_POOLS,
  REPORT_USED,
  ROOT_SIZE,
  SIZE_CLASSES,
  SMALL_REQUEST_THRESHOLD,
} from "./layout";
export { calloc, free, initialize, malloc, realloc } from "./pymalloc";
export { rawCalloc, rawFree, rawMalloc, rawRealloc } from "./raw";
export { allocatedBlocks, stats } from "./stats";
export { validate } from "./validate";
