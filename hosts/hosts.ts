/**
 * Who owns the memory: a heap of our own, a program of Emscripten's, someone else's malloc; and how arenas are taken from each.
 */

export { countBlocks, firstChunk, mapBlocks, walkChunks } from "./dlmalloc.js";
export {
  type FreeMemory,
  findState,
  freeChunks,
  type Row,
  resumeChunks,
  rowsOf,
} from "./dlmalloc-state.js";
export { addressesIn, ask, type EmscriptenProgram, emscriptenProgram } from "./emscripten.js";
export { givenHost } from "./foreign.js";
export {
  type Host,
  longestOf,
  type OwnMemory,
  type SystemArenas,
  systemArenas,
  unnested,
} from "./host.js";
export { GRANULE_BITS, LARGE_ROOT, LargeBlocks, largeEnd } from "./large.js";
export { type Large, restoredHost, standaloneHost } from "./own.js";
