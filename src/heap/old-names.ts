/** The names that a heap's functions had before they had JavaScript's: they go on working, and cost nothing. */
import type { CApi } from "./capi.js";

/** The same functions as `heap.capi`'s; the heap puts them here. */
export abstract class OldNames {
  /** @deprecated Use `heap.raw.malloc`, or `heap.capi.PyMem_RawMalloc`. */
  readonly PyMem_RawMalloc!: CApi["PyMem_RawMalloc"];
  /** @deprecated Use `heap.raw.calloc`, or `heap.capi.PyMem_RawCalloc`. */
  readonly PyMem_RawCalloc!: CApi["PyMem_RawCalloc"];
  /** @deprecated Use `heap.raw.realloc`, or `heap.capi.PyMem_RawRealloc`. */
  readonly PyMem_RawRealloc!: CApi["PyMem_RawRealloc"];
  /** @deprecated Use `heap.raw.free`, or `heap.capi.PyMem_RawFree`. */
  readonly PyMem_RawFree!: CApi["PyMem_RawFree"];
  /** @deprecated Use `heap.mem.malloc`, or `heap.capi.PyMem_Malloc`. */
  readonly PyMem_Malloc!: CApi["PyMem_Malloc"];
  /** @deprecated Use `heap.mem.calloc`, or `heap.capi.PyMem_Calloc`. */
  readonly PyMem_Calloc!: CApi["PyMem_Calloc"];
  /** @deprecated Use `heap.mem.realloc`, or `heap.capi.PyMem_Realloc`. */
  readonly PyMem_Realloc!: CApi["PyMem_Realloc"];
  /** @deprecated Use `heap.mem.free`, or `heap.capi.PyMem_Free`. */
  readonly PyMem_Free!: CApi["PyMem_Free"];
  /** @deprecated Use `heap.object.malloc`, or `heap.capi.PyObject_Malloc`. */
  readonly PyObject_Malloc!: CApi["PyObject_Malloc"];
  /** @deprecated Use `heap.object.calloc`, or `heap.capi.PyObject_Calloc`. */
  readonly PyObject_Calloc!: CApi["PyObject_Calloc"];
  /** @deprecated Use `heap.object.realloc`, or `heap.capi.PyObject_Realloc`. */
  readonly PyObject_Realloc!: CApi["PyObject_Realloc"];
  /** @deprecated Use `heap.object.free`, or `heap.capi.PyObject_Free`. */
  readonly PyObject_Free!: CApi["PyObject_Free"];
  /** @deprecated Use `heap.getAllocator`, or `heap.capi.PyMem_GetAllocator`. */
  readonly PyMem_GetAllocator!: CApi["PyMem_GetAllocator"];
  /** @deprecated Use `heap.setAllocator`, or `heap.capi.PyMem_SetAllocator`. */
  readonly PyMem_SetAllocator!: CApi["PyMem_SetAllocator"];
  /** @deprecated Use `heap.setupDebugHooks`, or `heap.capi.PyMem_SetupDebugHooks`. */
  readonly PyMem_SetupDebugHooks!: CApi["PyMem_SetupDebugHooks"];
  /** @deprecated Use `heap.getArenaAllocator`, or `heap.capi.PyObject_GetArenaAllocator`. */
  readonly PyObject_GetArenaAllocator!: CApi["PyObject_GetArenaAllocator"];
  /** @deprecated Use `heap.setArenaAllocator`, or `heap.capi.PyObject_SetArenaAllocator`. */
  readonly PyObject_SetArenaAllocator!: CApi["PyObject_SetArenaAllocator"];
  /** @deprecated Use `heap.newObject`, or `heap.capi.PyObject_New`. */
  readonly PyObject_New!: CApi["PyObject_New"];
  /** @deprecated Use `heap.newVarObject`, or `heap.capi.PyObject_NewVar`. */
  readonly PyObject_NewVar!: CApi["PyObject_NewVar"];
  /** @deprecated Use `heap.initObject`, or `heap.capi.PyObject_Init`. */
  readonly PyObject_Init!: CApi["PyObject_Init"];
  /** @deprecated Use `heap.initVarObject`, or `heap.capi.PyObject_InitVar`. */
  readonly PyObject_InitVar!: CApi["PyObject_InitVar"];
  /** @deprecated Use `heap.deleteObject`, or `heap.capi.PyObject_Del`. */
  readonly PyObject_Del!: CApi["PyObject_Del"];
  /** @deprecated Use `heap.incref`, or `heap.capi.Py_INCREF`. */
  readonly Py_INCREF!: CApi["Py_INCREF"];
  /** @deprecated Use `heap.decref`, or `heap.capi.Py_DECREF`. */
  readonly Py_DECREF!: CApi["Py_DECREF"];
  /** @deprecated Use `heap.refcount`, or `heap.capi.Py_REFCNT`. */
  readonly Py_REFCNT!: CApi["Py_REFCNT"];
  /** @deprecated Use `heap.typeOf`, or `heap.capi.Py_TYPE`. */
  readonly Py_TYPE!: CApi["Py_TYPE"];
  /** @deprecated Use `heap.itemCount`, or `heap.capi.Py_SIZE`. */
  readonly Py_SIZE!: CApi["Py_SIZE"];
}
