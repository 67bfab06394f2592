/** What a heap says of itself: numbers that sum up, CPython's text, the first broken invariant. */

export { validateHeap, validateMalloc } from "./broken-invariant.js";
export {
  emptyStats,
  formatStats,
  type HeapBytes,
  type HeapStats,
  readStats,
  type SizeClassStats,
  statsOf,
} from "./heap-stats.js";
export { reportPatterns } from "./patterns.js";
