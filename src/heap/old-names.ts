/** The names that a heap's functions had before they had JavaScript's: they go on working, and cost nothing. */
import type { CApi } from "./capi.js";

/** The same functions as `heap.capi`'s; the heap puts them here. */
export abstract class OldNames {
  /** @deprecated Use `heap.raw.malloc`, or `heap.capi.PyMem_RawMalloc`. */
  PyMem_RawMalloc!: CApi["PyMem_RawMalloc"];
  /** @deprecated Use `heap.raw.calloc`, or `heap.capi.PyMem_RawCalloc`. */
  PyMem_RawCalloc!: CApi["PyMem_RawCalloc"];
  /** @deprecated Use `heap.raw.realloc`, or `heap.capi.PyMem_RawRealloc`. */
  PyMem_RawRealloc!: CApi["PyMem_RawRealloc"];
  /** @deprecated Use `heap.raw.free`, or `heap.capi.PyMem_RawFree`. */
  PyMem_RawFree!: CApi["PyMem_RawFree"];
  /** @deprecated Use `heap.mem.malloc`, or `heap.capi.PyMem_Malloc`. */
  PyMem_Malloc!: CApi["PyMem_Malloc"];
  /** @deprecated Use `heap.mem.calloc`, or `heap.capi.PyMem_Calloc`. */
  PyMem_Calloc!: CApi["PyMem_Calloc"];
  /** @deprecated Use `heap.mem.realloc`, or `heap.capi.PyMem_Realloc`. */
  PyMem_Realloc!: CApi["PyMem_Realloc"];
  /** @deprecated Use `heap.mem.free`, or `heap.capi.PyMem_Free`. */
  PyMem_Free!: CApi["PyMem_Free"];
  /** @deprecated Use `heap.object.malloc`, or `heap.capi.PyObject_Malloc`. */
  PyObject_Malloc!: CApi["PyObject_Malloc"];
  /** @deprecated Use `heap.object.calloc`, or `heap.capi.PyObject_Calloc`. */
  PyObject_Calloc!: CApi["PyObject_Calloc"];
  /** @deprecated Use `heap.object.realloc`, or `heap.capi.PyObject_Realloc`. */
  PyObject_Realloc!: CApi["PyObject_Realloc"];
  /** @deprecated Use `heap.object.free`, or `heap.capi.PyObject_Free`. */
  PyObject_Free!: CApi["PyObject_Free"];
  /** @deprecated Use `heap.getAllocator`, or `heap.capi.PyMem_GetAllocator`. */
  PyMem_GetAllocator!: CApi["PyMem_GetAllocator"];
  /** @deprecated Use `heap.setAllocator`, or `heap.capi.PyMem_SetAllocator`. */
  PyMem_SetAllocator!: CApi["PyMem_SetAllocator"];
  /** @deprecated Use `heap.setupDebugHooks`, or `heap.capi.PyMem_SetupDebugHooks`. */
  PyMem_SetupDebugHooks!: CApi["PyMem_SetupDebugHooks"];
  /** @deprecated Use `heap.getArenaAllocator`, or `heap.capi.PyObject_GetArenaAllocator`. */
  PyObject_GetArenaAllocator!: CApi["PyObject_GetArenaAllocator"];
  /** @deprecated Use `heap.setArenaAllocator`, or `heap.capi.PyObject_SetArenaAllocator`. */
  PyObject_SetArenaAllocator!: CApi["PyObject_SetArenaAllocator"];
  /** @deprecated Use `heap.newObject`, or `heap.capi.PyObject_New`. */
  PyObject_New!: CApi["PyObject_New"];
  /** @deprecated Use `heap.newVarObject`, or `heap.capi.PyObject_NewVar`. */
  PyObject_NewVar!: CApi["PyObject_NewVar"];
  /** @deprecated Use `heap.initObject`, or `heap.capi.PyObject_Init`. */
  PyObject_Init!: CApi["PyObject_Init"];
  /** @deprecated Use `heap.initVarObject`, or `heap.capi.PyObject_InitVar`. */
  PyObject_InitVar!: CApi["PyObject_InitVar"];
  /** @deprecated Use `heap.deleteObject`, or `heap.capi.PyObject_Del`. */
  PyObject_Del!: CApi["PyObject_Del"];
  /** @deprecated Use `heap.incref`, or `heap.capi.Py_INCREF`. */
  Py_INCREF!: CApi["Py_INCREF"];
  /** @deprecated Use `heap.decref`, or `heap.capi.Py_DECREF`. */
  Py_DECREF!: CApi["Py_DECREF"];
  /** @deprecated Use `heap.refcount`, or `heap.capi.Py_REFCNT`. */
  Py_REFCNT!: CApi["Py_REFCNT"];
  /** @deprecated Use `heap.typeOf`, or `heap.capi.Py_TYPE`. */
  Py_TYPE!: CApi["Py_TYPE"];
  /** @deprecated Use `heap.itemCount`, or `heap.capi.Py_SIZE`. */
  Py_SIZE!: CApi["Py_SIZE"];
}
