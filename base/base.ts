/**
 * What all TypeScript of ours stands on: addresses and views of a memory, errors, options, the compiled modules and their numbers.
 */

export { hex, isAddress, unsigned } from "./address.js";
export { bytesOf } from "./binary-text.js";
export { dispose } from "./dispose.js";
export {
  brand,
  conflict,
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
  requireOptions,
  section,
  show,
  typeError,
} from "./errors.js";
export { adapterModule } from "./generated/adapter.js";
export { arenasModule } from "./generated/arenas.js";
export { bumpModule } from "./generated/bump.js";
export { censusModule } from "./generated/census.js";
export { layout } from "./generated/core.js";
export { debugLayout, debugModule } from "./generated/debug.js";
export { guestLayout, guestModule } from "./generated/guest.js";
export { largeLayout, largeModule } from "./generated/large.js";
export { limitModule } from "./generated/limit.js";
export { linkedLayout, linkedModule } from "./generated/linked.js";
export { linkerMark, packageVersion } from "./generated/marks.js";
export { objectsLayout, objectsModule } from "./generated/objects.js";
export { pydebugModule } from "./generated/pydebug.js";
export { recorderModule } from "./generated/recorder.js";
export { replayLayout, replayModule } from "./generated/replay.js";
export { thunksModule } from "./generated/thunks.js";
export { booksLayout, validateModule } from "./generated/validate.js";
export {
  type ArenaSource,
  type Bareness,
  type Core,
  type DebugCore,
  instantiate,
  instantiateCore,
  isWebAssembly,
  type PyMemFunctions,
  useModules,
} from "./instances.js";
export {
  brokenInMalloc,
  brokenInvariant,
  invariantPattern,
  invariants,
} from "./invariants.js";
export {
  bytesAt,
  loadWord,
  MemoryViews,
  storeWord,
  wordsAt,
} from "./memory.js";
export type { Binary, HeapModules } from "./modules.js";
export {
  badOption,
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
export { fillIn } from "./patterns.js";
export {
  kindAt,
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
