/** pymalloc: CPython's small-object allocator for WebAssembly heaps. */
export { PyMemError, type PyMemErrorKind } from "./errors.js";
export { createHeap, type Heap } from "./heap.js";
export type {
  Address,
  Allocator,
  ArenaAllocator,
  Domain,
  DomainName,
  DomainNumber,
  HeapBytes,
  HeapOptions,
  HeapStats,
  MallocName,
  SizeClassStats,
  SystemMalloc,
} from "./types.js";
