/**
 * A CPython in WebAssembly, seen from outside: its records of allocators, its objects and frames, and pymalloc installed in it.
 */

export { type InstalledPymalloc, install, type PyodideLike } from "./install.js";
export { installedPlace } from "./installation.js";
export { limitOf } from "./limit.js";
export { placedRoot } from "./linked-heap.js";
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
