/** The core in a CPython's program with the debug heap: the functions that take the place of the program's, and nothing else. */

export { poolOf } from "../../heap/heap";
export {
  addObject,
  allocatorName,
  arenaAlloc,
  arenaFree,
  countedCalloc,
  countedFree,
  countedMalloc,
  countedRealloc,
  limit,
  limitTo,
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
  pyCalloc,
  pyFree,
  pyMalloc,
  pyRealloc,
  statsOfSys,
  tableFree,
  tell,
} from "../linked";
export {
  memCalloc,
  memFree,
  memMalloc,
  objectCalloc,
  objectFree,
  objectMalloc,
  rawCalloc,
  rawFree,
  rawMalloc,
} from "./below";
export { blocksOfSys, nobodyHears } from "./counts";
export { endProgram, fault, tellFaults, writeReport } from "./fatal";
export { debugCalloc, debugFree, debugMalloc, debugRealloc } from "./hooks";
export { callocForPools, freeForPools, mallocForPools, reallocForPools } from "./raw";
export { constructors, getenv } from "./start";
