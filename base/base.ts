/**
 * What all TypeScript of ours stands on: addresses and views of a memory, errors, options, the compiled modules and their numbers.
 */

export { hex, isAddress, unsigned } from "./address.js";
export { dispose } from "./dispose.js";
export {
  brokenInvariant,
  conflict,
  constantName,
  deadObject,
  disposed,
  type ErrorCode,
  isObject,
  outOfMemory,
  PyMemError,
  type PyMemErrorCode,
  type PyMemErrorDetails,
  type PyMemErrorKind,
  rangeError,
  requireFunctions,
  requireKnown,
  section,
  show,
  typeError,
} from "./errors.js";
export {
  debugLayout,
  layout,
  linkedLayout,
  linkerMark,
  modules,
  objectsLayout,
  packageVersion,
  replayLayout,
} from "./generated/modules.js";
export {
  type ArenaSource,
  type Census,
  type Core,
  type DebugCore,
  instantiate,
  instantiateCore,
  isWebAssembly,
  type PyMemFunctions,
  type Thunks,
  type Tlsf,
} from "./instances.js";
export {
  bytesAt,
  loadWord,
  MemoryViews,
  storeWord,
  wordsAt,
} from "./memory.js";
export {
  type DebugOptions,
  type DebugSettings,
  debugOptionNames,
  type FaultHandler,
  type HeapOptions,
  type MallocMode,
  mallocModes,
  nameOf,
  PAGE,
  type ResolvedOptions,
  readDebugOptions,
  readMallocMode,
  readOptions,
} from "./options.js";
export {
  LEDGER_SLOT,
  layoutMark,
  ledgerOf,
  markRoot,
  modeAt,
  OBJECTS_ROOT,
  ROOT_BLOCK,
} from "./root.js";
export type {
  Address,
  Allocator,
  ArenaAllocator,
  BlockMap,
  Domain,
  DomainName,
  DomainNumber,
  HeapSnapshot,
  MallocName,
  SystemMalloc,
} from "./types.js";
