/*
 * The structs and macros that pymalloc.h and pymalloc_plain.h have in common: objects, types, counted references,
 * typed allocation. Written for pymalloc; the names and their meaning are CPython's.
 *
 * Not to be included by itself: include pymemcompat.h, or pymalloc.h.
 */
#ifndef PYMALLOC_TYPES_H
#define PYMALLOC_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A signed size, as wide as a pointer. */
typedef ptrdiff_t Py_ssize_t;
#define PY_SSIZE_T_MAX PTRDIFF_MAX

/* ------------------------------------------------------------------------------------------------ objects */

typedef struct _typeobject PyTypeObject;

/* How every object begins. */
typedef struct _object {
  Py_ssize_t ob_refcnt;  /* how many references there are; at 0 the object dies */
  PyTypeObject *ob_type; /* never NULL in a live object */
} PyObject;

/* How an object of variable size begins. */
typedef struct {
  PyObject ob_base;
  Py_ssize_t ob_size; /* how many items it has */
} PyVarObject;

/* Frees an object whose last reference is gone: gives up what it refers to, then calls PyObject_Del. */
typedef void (*destructor)(PyObject *);

/*
 * A type: fill in a static one with PyVarObject_HEAD_INIT(NULL, 0) and the members by their names, and give it to
 * PyType_Ready before its first object is made. It must stay where it is as long as the heap lives.
 */
struct _typeobject {
  PyVarObject ob_base;
  const char *tp_name;     /* UTF-8, ends with 0; for messages */
  Py_ssize_t tp_basicsize; /* bytes of an object without its items: sizeof its struct */
  Py_ssize_t tp_itemsize;  /* bytes of an item; 0 for objects that are all of one size */
  destructor tp_dealloc;   /* NULL: PyObject_Del. Not to be read after PyType_Ready, which keeps a number here */
};

/* The first member of an object's struct. */
#define PyObject_HEAD PyObject ob_base;
#define PyObject_VAR_HEAD PyVarObject ob_base;

/* The beginning of a static object's or type's initializer; the comma is in it. */
#define PyObject_HEAD_INIT(type) {1, (type)},
#define PyVarObject_HEAD_INIT(type, size) {{1, (type)}, (size)},

/* How many references there are; 0 for an object that is dead, also while it has to wait for its tp_dealloc. */
static inline Py_ssize_t pymalloc_refcnt(PyObject *op) {
  return op->ob_refcnt < 0 ? 0 : op->ob_refcnt;
}

#define Py_REFCNT(op) pymalloc_refcnt((PyObject *)(op))
#define Py_TYPE(op) (((PyObject *)(op))->ob_type)
#define Py_SIZE(op) (((PyVarObject *)(op))->ob_size)

/*
 * PyObject_New(T, type): a new object of `type` as a `T *`, one reference to it, its members as the memory was.
 * NULL when there is no memory. PyObject_NewVar(T, type, n) has n items and NULL also for n < 0 and for a size
 * that overflows. Both come from the object family; PyObject_Del, or the last Py_DECREF, frees them.
 */
#define PyObject_New(T, type) ((T *)_PyObject_New(type))
#define PyObject_NewVar(T, type, n) ((T *)_PyObject_NewVar((type), (n)))

/* --------------------------------------------------------------------------------------- typed allocation */

/*
 * PyMem_New(T, n): an array of n of T from the mem family as a `T *`; NULL when there is no memory, or n * sizeof(T)
 * overflows. PyMem_Resize(p, T, n) gives the variable p, a `T *`, another length: it is NULL after a failure, and
 * the old array is lost unless there is another pointer to it. PyMem_Del(p) frees it.
 */
#define PYMALLOC_FITS(T, n) ((size_t)(n) <= (size_t)PY_SSIZE_T_MAX / sizeof(T))
#define PyMem_New(T, n) (PYMALLOC_FITS(T, n) ? (T *)PyMem_Malloc((size_t)(n) * sizeof(T)) : (T *)NULL)
#define PyMem_Resize(p, T, n)                                                                        \
  ((p) = PYMALLOC_FITS(T, n) ? (T *)PyMem_Realloc((p), (size_t)(n) * sizeof(T)) : (T *)NULL)
#define PyMem_Del(p) PyMem_Free(p)

/* -------------------------------------------------------------------------------------- counted references */

/* The object dies, its last reference gone. Not for users: Py_DECREF calls it. */
static inline void pymalloc_die(PyObject *op);

/* The object is dead, and someone counts it: an error where the heap can tell. Not for users. */
static inline void pymalloc_count_dead(PyObject *op, int more);

static inline void pymalloc_incref(PyObject *op) {
  if (op->ob_refcnt < 1) {
    pymalloc_count_dead(op, 1);
  } else if (op->ob_refcnt < PYMALLOC_IMMORTAL) {
    op->ob_refcnt++;
  }
}

static inline void pymalloc_decref(PyObject *op) {
  if (op->ob_refcnt < 1) {
    pymalloc_count_dead(op, 0);
  } else if (op->ob_refcnt == 1) {
    pymalloc_die(op);
  } else if (op->ob_refcnt < PYMALLOC_IMMORTAL) {
    op->ob_refcnt--;
  }
}

/* One reference more, and one less; the last one takes the object with it. The X forms let NULL pass. */
#define Py_INCREF(op) pymalloc_incref((PyObject *)(op))
#define Py_DECREF(op) pymalloc_decref((PyObject *)(op))

static inline void Py_XINCREF_(PyObject *op) {
  if (op != NULL) pymalloc_incref(op);
}

static inline void Py_XDECREF_(PyObject *op) {
  if (op != NULL) pymalloc_decref(op);
}

#define Py_XINCREF(op) Py_XINCREF_((PyObject *)(op))
#define Py_XDECREF(op) Py_XDECREF_((PyObject *)(op))

/* Sets the variable op to NULL, and only then gives its reference back: a dealloc may come to look at it. */
#define Py_CLEAR(op)                         \
  do {                                       \
    PyObject *pymalloc_old = (PyObject *)(op); \
    (op) = NULL;                             \
    Py_XDECREF(pymalloc_old);                \
  } while (0)

#ifdef __cplusplus
}
#endif

#endif
