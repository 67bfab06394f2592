/** The core in a CPython's program: the functions that take the place of the program's, and nothing else. */

export { pyCalloc, pyFree, pyMalloc, pyRealloc } from "../heap/heap";
export { CHUNK_FLAGS, CHUNK_IN_USE } from "./chunks";
export { addObject } from "./constants";
export { countedCalloc, countedFree, countedMalloc, countedRealloc } from "./counted";
export {
  PyMem_Calloc,
  PyMem_Free,
  PyMem_Malloc,
  PyMem_RawCalloc,
  PyMem_RawFree,
  PyMem_RawMalloc,
  PyMem_RawRealloc,
  PyMem_Realloc,
  PyObject_Calloc,
  PyObject_Free,
  PyObject_Malloc,
  PyObject_Realloc,
} from "./families";
export { arenaAlloc, arenaFree, tableFree } from "./foundation";
export { limit, limitTo, tell } from "./limited";
export { allocatorName, constructors, getenv } from "./start";
export { STATE_FOUNDATION, STATE_LAYOUT, STATE_PLACED, STATE_RESERVE, TEXTS } from "./state";
export { blocksOfSys, statsOfSys } from "./sys";
