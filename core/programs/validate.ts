/** The exported ABI, and numbers for those who walk over a heap from outside, as it does from inside. */

export { validate } from "../heap/heap";
export {
  ARENA_SLOTS,
  ARENAS,
  KEPT,
  LENT,
  POOL_BIAS,
  POOL_CARVED,
  POOL_END,
  SPARES,
  WAITS,
} from "../layout";
