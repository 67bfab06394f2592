/** pymalloc: CPython's small-object allocator for WebAssembly heaps. */

export type {
  Address,
  Allocator,
  ArenaAllocator,
  DebugOptions,
  Domain,
  DomainName,
  DomainNumber,
  FaultHandler,
  HeapBytes,
  HeapModules,
  HeapOptions,
  HeapSnapshot,
  HeapStats,
  MallocName,
  SizeClassStats,
  SystemMalloc,
} from "../base/base.js";
export { PyMemError, type PyMemErrorDetails, type PyMemErrorKind } from "../base/base.js";
export { createHeap, type Heap } from "./heap/heap.js";
export type {
  Cursor,
  FieldArray,
  FieldType,
  FieldTypes,
  Owned,
  ScalarType,
  TypeDefinition,
  TypeObject,
} from "./objects/objects.js";
