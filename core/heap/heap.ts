/** The allocator itself: what other folders may use of it. */

export { books, isLean } from "./arenas";
export { pyCalloc, pyFree, pyMalloc, pyRealloc } from "./cpython";
export { root } from "./heap-host";
export { addressInRange, poolOf } from "./map";
export { calloc, free, initialize, malloc, realloc } from "./pymalloc";
export { rawCalloc, rawFree, rawMalloc, rawRealloc } from "./raw";
export { sizeOf } from "./sizes";
export { allocatedBlocks, stats } from "./stats";
export { validate } from "./validate";
