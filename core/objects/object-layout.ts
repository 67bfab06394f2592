/**
 * Layout of objects: the structs of CPython that a guest reads and writes as well, at CPython's offsets for 32
 * bits (Include/object.h, Include/cpython/object.h), and the few words that the module keeps itself.
 */

// ---------------------------------------------------------------------------------- tunables

/**
 * So many deallocs may run inside each other; an object that dies deeper has to wait. CPython's number as
 * well (PyTrash_UNWIND_LEVEL, later Py_TRASHCAN_HEADROOM).
 */
export const TRASHCAN_DEPTH: u32 = 50;

/** An object whose count is this or more never dies: nobody changes its count (CPython 3.14, 32 bits). */
export const IMMORTAL: i32 = 1 << 30;

/** The count of a type object (CPython: _Py_STATIC_IMMORTAL_INITIAL_REFCNT). */
export const TYPE_REFCNT: i32 = 7 << 28;

/** The sign of a count: of an object that is dead and has to wait for its dealloc. */
export const WAITING: u32 = 1 << 31;

/** What can be refused, since the object is dead (CPython: undefined, or a fatal error in a debug build). */
export const REFUSED_INCREF: u32 = 1;
export const REFUSED_DECREF: u32 = 2;
/** ... and that only while it waits. */
export const REFUSED_INIT: u32 = 3;
export const REFUSED_INIT_VAR: u32 = 4;
export const REFUSED_DEL: u32 = 5;

/** The longest object there is: CPython's PY_SSIZE_T_MAX, rounded down to whole words. */
export const MAX_SIZE: usize = 0x7ffffffc;

// ---------------------------------------------------------------------------------- structs

/**
 * The header of every object.
 *
 *     0          4          8
 *     | ob_refcnt| ob_type  | fields ...
 *     ^ what PyObject_New returns
 *
 * While an object waits in the trashcan, `ob_refcnt` holds WAITING and, without its two lowest bits, the address of the
 * next one that does: a number below 0, so nobody takes it for alive.
 */
@unmanaged
export class PyObject {
  ob_refcnt: i32;
  ob_type: PyTypeObject;
}

/**
 * The header of an object of variable size.
 *
 *     0          4          8          12              tp_basicsize
 *     | ob_refcnt| ob_type  | ob_size  | fields ...    | item | item | ... (ob_size of them)
 */
@unmanaged
export class PyVarObject extends PyObject {
  ob_size: i32;
}

/**
 * A type object: the beginning of CPython's PyTypeObject. Each type's `ob_type` is the heap's metatype, `type`, which
 * is its own type.
 *
 *     0          4        8        12       16            20          24
 *     | ob_refcnt| ob_type| ob_size| tp_name| tp_basicsize| tp_itemsize| tp_dealloc|
 *       TYPE_REFCNT  |        0                                          |
 *                    v                              0: PyObject_Del, n: the heap's n-th dealloc
 *                    the metatype
 */
@unmanaged
export class PyTypeObject extends PyVarObject {
  tp_name: usize;
  tp_basicsize: u32;
  tp_itemsize: u32;
  tp_dealloc: u32;
}

/**
 * A type that the heap made itself: texts in UTF-8 lie behind the struct, and a list leads to all of these.
 *
 *     0       12                28    32       32 + length of the name + 1
 *     | ...   | tp_name | ...   | next| name, 0| description of the fields, 0
 *                    |                  ^
 *                    '------------------'
 */
@unmanaged
export class HeapType extends PyTypeObject {
  /** The type that was made before this one. */
  next: HeapType | null;
}

/** The module's own state, at `root`: zeros at first. Two instances with the same root are the same. */
@unmanaged
export class ObjectsRoot {
  /** Deallocs that run inside each other at this moment. */
  depth: u32;
  /** The last object that died too deep; the others follow by `ob_refcnt`. Objects lie at multiples of 4. */
  waiting: PyObject | null;
  /** 1 when a dealloc failed and the outermost Py_DECREF has still to say so. */
  failed: u32;
  /** Deallocs that were numbered so far. */
  deallocs: u32;
  /** The type of all types; null before the first type. */
  metatype: PyTypeObject | null;
  /** The last type that the heap made itself. */
  types: HeapType | null;
  /** What `raise` has to throw that is no dealloc's failure: 0 or one of REFUSED, and the object. */
  refused: u32;
  refusedObject: usize;
}

// ---------------------------------------------------------------------------------- derived

export const OB_REFCNT: usize = offsetof<PyObject>("ob_refcnt");
export const OB_TYPE: usize = offsetof<PyObject>("ob_type");
export const OB_SIZE: usize = offsetof<PyVarObject>("ob_size");
export const TP_NAME: usize = offsetof<PyTypeObject>("tp_name");
export const TP_BASICSIZE: usize = offsetof<PyTypeObject>("tp_basicsize");
export const TP_ITEMSIZE: usize = offsetof<PyTypeObject>("tp_itemsize");
export const TP_DEALLOC: usize = offsetof<PyTypeObject>("tp_dealloc");

export const OBJECT_HEADER: usize = offsetof<PyObject>();
export const VAR_OBJECT_HEADER: usize = offsetof<PyVarObject>();
export const TYPE_SIZE: usize = offsetof<PyTypeObject>();
export const NEXT_TYPE: usize = offsetof<HeapType>("next");
export const HEAP_TYPE_SIZE: usize = offsetof<HeapType>();

export const OBJECTS_ROOT_SIZE: usize = offsetof<ObjectsRoot>();
/** Where the library reads the state: offsets from the root. */
export const DEPTH: usize = offsetof<ObjectsRoot>("depth");
export const METATYPE: usize = offsetof<ObjectsRoot>("metatype");
export const TYPES: usize = offsetof<ObjectsRoot>("types");
export const REFUSED: usize = offsetof<ObjectsRoot>("refused");
export const REFUSED_OBJECT: usize = offsetof<ObjectsRoot>("refusedObject");

// ---------------------------------------------------------------------------------- relations

if (OB_REFCNT !== 0 || OB_TYPE !== 4 || OB_SIZE !== 8) ERROR("headers are CPython's");
if (OBJECT_HEADER !== 8 || VAR_OBJECT_HEADER !== 12) ERROR("headers are CPython's");
if (TP_NAME !== 12 || TP_BASICSIZE !== 16) ERROR("types begin as CPython's");
if (TP_ITEMSIZE !== 20 || TP_DEALLOC !== 24) ERROR("types begin as CPython's");
if (TYPE_REFCNT < IMMORTAL) ERROR("types never die");
