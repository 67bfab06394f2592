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
  HeapModules,
  HeapOptions,
  HeapSnapshot,
  MallocName,
  SystemMalloc,
} from "../base/base.js";
export {
  type ErrorCode,
  PyMemError,
  type PyMemErrorCode,
  type PyMemErrorDetails,
  type PyMemErrorKind,
} from "../base/base.js";
export { type AllocatorFunctions, type CApi, createHeap, type Heap } from "./heap/heap.js";
export type {
  Cursor,
  FieldArray,
  FieldType,
  FieldTypes,
  ObjectFunctions,
  Owned,
  ScalarType,
  TypeDefinition,
  TypeObject,
  View,
} from "./objects/objects.js";
export type { HeapBytes, HeapStats, SizeClassStats } from "./report/report.js";
