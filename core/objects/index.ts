/** The exported ABI of the objects, nothing else: what a guest imports, and what the library needs. */

export {
  DEPTH,
  IMMORTAL,
  MAX_SIZE,
  METATYPE,
  OB_REFCNT,
  OB_SIZE,
  OB_TYPE,
  OBJECT_HEADER,
  OBJECTS_ROOT_SIZE,
  TP_BASICSIZE,
  TP_DEALLOC,
  TP_ITEMSIZE,
  TP_NAME,
  TRASHCAN_DEPTH,
  TYPE_REFCNT,
  TYPE_SIZE,
  VAR_OBJECT_HEADER,
} from "./layout";
export {
  initializeType,
  numberDealloc,
  Py_DECREF,
  Py_INCREF,
  PyObject_Del,
  PyObject_Init,
  PyObject_InitVar,
  PyObject_New,
  PyObject_NewVar,
} from "./objects";
