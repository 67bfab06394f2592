/** The exported ABI: the malloc of a heap that owns its memory, and the numbers that describe it in the memory. */

export * from "../large/large";
export { LEFT } from "../large/map";
export {
  LONGEST_WAITING,
  ROOT_SIZE as LARGE_ROOT_SIZE,
  STATE_BITS,
  STATE_END,
  STATE_MAP,
  STATE_STARTS,
  STATE_USES,
  WAITING,
} from "../large/state";
