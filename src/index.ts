/** pymalloc: CPython's small-object allocator for WebAssembly heaps. */
export { PyMemError, type PyMemErrorKind } from "./errors.js";
export type { Cursor, FieldArray, FieldType, FieldTypes, ScalarType } from "./fields.js";
export { createHeap, type Heap } from "./heap.js";
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
  HeapOptions,
  HeapStats,
  MallocName,
  SizeClassStats,
  SystemMalloc,
} from "./types.js";
