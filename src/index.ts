/** pymalloc: CPython's small-object allocator for WebAssembly heaps. */
export { PyMemError, type PyMemErrorDetails, type PyMemErrorKind } from "./errors.js";
export type { Cursor, FieldArray, FieldType, FieldTypes, ScalarType } from "./fields.js";
export { createHeap, type Heap } from "./heap.js";
export type { DebugOptions, FaultHandler, HeapOptions } from "./options.js";
export type { Owned } from "./owned.js";
export type { TypeDefinition, TypeObject } from "./type-object.js";
export type {
  Address,
  Allocator,
  ArenaAllocator,
  Domain,
  DomainName,
  DomainNumber,
  HeapBytes,
  HeapSnapshot,
  HeapStats,
  MallocName,
  SizeClassStats,
  SystemMalloc,
} from "./types.js";
