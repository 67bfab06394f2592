/** The exported ABI, nothing else. Addresses and sizes are unsigned 32-bit numbers. */

export { pyCalloc, pyFree, pyMalloc, pyRealloc } from "./debug";
export {
  memDebugCalloc,
  memDebugFree,
  memDebugMalloc,
  memDebugRealloc,
  objectDebugCalloc,
  objectDebugFree,
  objectDebugMalloc,
  objectDebugRealloc,
  rawDebugCalloc,
  rawDebugFree,
  rawDebugMalloc,
  rawDebugRealloc,
} from "./families";
export {
  DEAD_BLOCKS,
  DEADBYTE,
  EARLIER_ANY,
  EARLIER_BITS,
  EARLIER_FREED,
  EARLIER_FROM,
  EARLIER_TO,
  ENTRY_BLOCK_SIZE,
  ENTRY_FAMILY,
  ENTRY_SERIAL,
  ENTRY_STATE,
  FAULT_ADDRESS,
  FAULT_BLOCK,
  FAULT_CODE,
  FAULT_DURING,
  FAULT_ENTRY,
  FAULT_FAMILY,
  FORBIDDENBYTE,
  FRONT,
  GONE,
  HELD_BLOCKS,
  HELD_BYTES,
  HELD_LIMIT,
  LEDGER_MAGIC,
  LEDGER_SIZE,
  MAGIC,
  SERIAL,
} from "./layout";
export { initialize } from "./ledger";
export { validate } from "./validate";
