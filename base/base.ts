/**
 * What all TypeScript of ours stands on: addresses and views of a memory, errors, options, the compiled modules and their numbers.
 */

export { dispose } from "./dispose.js";
export {
  brokenInvariant,
  hex,
  isObject,
  PyMemError,
  type PyMemErrorDetails,
  type PyMemErrorKind,
  requireFunctions,
  requireKnown,
  section,
  show,
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
  isAddress,
  loadWord,
  MemoryViews,
  storeWord,
  unsigned,
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
  HeapBytes,
  HeapSnapshot,
  HeapStats,
  MallocName,
  SizeClassStats,
  SystemMalloc,
} from "./types.js";
