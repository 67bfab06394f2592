/**
 * A CPython in WebAssembly, seen from outside: its records of allocators, its objects and frames, and pymalloc installed in it.
 */

export { type InstalledPymalloc, install, type PyodideLike } from "./install.js";
export {
  type AllocatorRecord,
  AllocatorTable,
  Domains,
  functionsOf,
  interpose,
  programOf,
} from "./records.js";
