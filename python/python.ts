/**
 * A CPython in WebAssembly, seen from outside: its records of allocators, its objects and frames, and pymalloc installed in it.
 */

export { FrameReader, type PythonFrame } from "./frame-reader.js";
export { type InstalledPymalloc, install, type PyodideLike } from "./install.js";
export { installedPlace } from "./installation.js";
export {
  DequeFields,
  ElementFields,
  FrameFields,
  IntFields,
  layoutOf,
  Members,
  MoreTypeFlags,
  NameFields,
  type ObjectLayout,
  OddFields,
  Owned,
  SetFields,
  StackChunk,
  TextFields,
  TypeFields,
  ValueFields,
} from "./layouts.js";
export { limitOf } from "./limit.js";
export { linkedLedger, linkedRoot, placedRoot } from "./linked-heap.js";
export { type TracedProxy, tracedProxies } from "./proxies.js";
export {
  type AllocatorRecord,
  AllocatorTable,
  Domains,
  FREE_IN_RECORD,
  findRecord,
  functionsOf,
  interpose,
  programOf,
  recordAt,
  writeRecord,
} from "./records.js";
export {
  DictFields,
  LEADS,
  ObjectFields,
  type Offsets,
  readOffsets,
  TAG_BITS,
  TypeFlags,
} from "./structs.js";
