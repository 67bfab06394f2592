/** The core in a guest's program: what the guest imports from "pymalloc", by CPython's names, and what the linker needs for it. */

export {
  pyCalloc as debugCalloc,
  pyFree as debugFree,
  pyMalloc as debugMalloc,
  pyRealloc as debugRealloc,
} from "../debug/debug";
export { pyCalloc, pyFree, pyMalloc, pyRealloc } from "../heap/heap";
export {
  OBJECTS_ROOT_SIZE,
  Py_DECREF,
  Py_INCREF,
  PyObject_Del,
  PyObject_Init,
  PyObject_InitVar,
  PyObject_New,
  PyObject_NewVar,
} from "../objects/objects";
export { arenaAlloc, arenaFree, arenaPyAlloc, arenaPyFree } from "./arena-source";
export {
  holdsGil,
  memCalloc,
  memFree,
  memMalloc,
  objectCalloc,
  objectFree,
  objectMalloc,
  rawCalloc,
  rawFree,
  rawMalloc,
  told,
} from "./below";
export { malloc_class_bit, malloc_usable_size } from "./c-malloc";
export {
  endProgram,
  noStandardError,
  pymalloc_report,
  reportFault,
  VECTOR_SIZE,
  writeReport,
} from "./debugged";
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
export {
  rawPyCalloc,
  rawPyFree,
  rawPyMalloc,
  rawPyRealloc,
  systemFree,
  tableFree,
  tableMalloc,
  tableRealloc,
} from "./ground";
export {
  PyMem_GetAllocator,
  PyMem_SetAllocator,
  PyMem_SetupDebugHooks,
  PyObject_GetArenaAllocator,
  PyObject_SetArenaAllocator,
} from "./hooks";
export { refuseObject } from "./refusals";
export { start } from "./start";
export { NOTHING, RAW_FREE, STATE_SIZE } from "./state";
export { dealloc, METATYPE_SIZE, PyType_Ready } from "./types";
