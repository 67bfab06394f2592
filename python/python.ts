/**
 * A CPython in WebAssembly, seen from outside: its records of allocators, its objects and frames, and pymalloc installed in it.
 */

export { type InstalledPymalloc, install, type PyodideLike } from "./install.js";
export { installedPlace } from "./installation.js";
export { placedRoot } from "./linked-heap.js";
export {
  DequeFields,
  DictFields,
  FrameFields,
  layoutOf,
  Members,
  MoreTypeFlags,
  type ObjectLayout,
  Owned,
  SetFields,
  TextFields,
  TypeFields,
} from "./layouts.js";
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
export { LEADS, ObjectFields, type Offsets, readOffsets, TAG_BITS, TypeFlags } from "./structs.js";
