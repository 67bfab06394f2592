/** pymalloc: CPython's small-object allocator for WebAssembly heaps. */
export { PyMemError, type PyMemErrorDetails, type PyMemErrorKind } from "./errors.js";
export { createHeap, type Heap } from "./heap.js";
export type { DebugOptions, FaultHandler, HeapOptions } from "./options.js";
export type {
  Address,
  Allocator,
  ArenaAllocator,
  Domain,
  DomainName,
  DomainNumber,
  HeapBytes,
  HeapStats,
  MallocName,
  SizeClassStats,
  SystemMalloc,
} from "./types.js";
