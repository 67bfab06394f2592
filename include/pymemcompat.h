/*
 * One memory interface, everywhere: program to PyMem_*, PyObject_* and PyObject_New, bundle this folder of
 * headers, include this one, and the same source builds
 *
 *     (a) as a WebAssembly guest of pymalloc          bare wasm32 (clang --target=wasm32-wasi or wasm32)
 *     (b) as an extension of any CPython from 2.7 on  Python.h was included before, as CPython asks for;
 *         (Pyodide as well)                           nothing else of this folder is read then
 *     (c) anywhere else, on the plain malloc
 *
 * PYMEMCOMPAT_PLAIN, defined before, chooses (c) where (a) would be chosen. What was chosen can be asked for:
 * one of PYMEMCOMPAT_IS_GUEST, PYMEMCOMPAT_IS_CPYTHON, PYMEMCOMPAT_IS_PLAIN is defined.
 *
 * PYMEMCOMPAT_TYPED, defined before, gives the two families different types: see below.
 *
 * Rules for sources that build in all three: types are static and go through PyType_Ready; what is made by
 * PyMem_* is freed by PyMem_Free, what is made by PyObject_* by PyObject_Free, objects by PyObject_Del from their
 * tp_dealloc. Allocate with the GIL held.
 */
#ifndef PYMEMCOMPAT_H
#define PYMEMCOMPAT_H

#if defined(Py_PYTHON_H)
#define PYMEMCOMPAT_IS_CPYTHON 1
#elif defined(__wasm32__) && !defined(__EMSCRIPTEN__) && !defined(PYMEMCOMPAT_PLAIN)
#define PYMEMCOMPAT_IS_GUEST 1
#include "pymalloc.h"
#else
#define PYMEMCOMPAT_IS_PLAIN 1
#include "pymalloc_plain.h"
#endif

#if defined(__cplusplus) || !defined(_MSC_VER)
#define PYMEMCOMPAT_INLINE static inline
#else
#define PYMEMCOMPAT_INLINE static __inline
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------------------------- what older CPythons lack */

#ifdef PYMEMCOMPAT_IS_CPYTHON

/* Before 3.4 there was no raw family: it is the plain malloc, as it is by default since. */
#if PY_VERSION_HEX < 0x03040000
#include <stdlib.h>
PYMEMCOMPAT_INLINE void *PyMem_RawMalloc(size_t n) {
  return n > (size_t)PY_SSIZE_T_MAX ? NULL : malloc(n != 0 ? n : 1);
}
PYMEMCOMPAT_INLINE void *PyMem_RawRealloc(void *p, size_t n) {
  return n > (size_t)PY_SSIZE_T_MAX ? NULL : realloc(p, n != 0 ? n : 1);
}
PYMEMCOMPAT_INLINE void PyMem_RawFree(void *p) {
  free(p);
}
#endif

/* Before 3.5 there was no calloc: malloc and zeros. NULL also when the product is over PY_SSIZE_T_MAX. */
#if PY_VERSION_HEX < 0x03050000
#include <string.h>
#define PYMEMCOMPAT_CALLOC(prefix)                                                        \
  PYMEMCOMPAT_INLINE void *prefix##Calloc(size_t count, size_t size) {                    \
    void *p;                                                                              \
    if (size != 0 && count > (size_t)PY_SSIZE_T_MAX / size) return NULL;                  \
    p = prefix##Malloc(count * size);                                                     \
    if (p != NULL) memset(p, 0, count * size);                                            \
    return p;                                                                             \
  }
PYMEMCOMPAT_CALLOC(PyMem_Raw)
PYMEMCOMPAT_CALLOC(PyMem_)
PYMEMCOMPAT_CALLOC(PyObject_)
#endif

/* Among a static type's members: what CPython wants to know of it. */
#define PYMEMCOMPAT_TYPE_FLAGS .tp_flags = Py_TPFLAGS_DEFAULT,

#else

#define PYMEMCOMPAT_TYPE_FLAGS

/* What a function returns that ran out of memory: in CPython this sets the exception. */
PYMEMCOMPAT_INLINE PyObject *PyErr_NoMemory(void) {
  return NULL;
}

/* ----------------------------------------------------------------------------------- there is no collector */

/* Objects of the collector's are ordinary ones, and nobody tracks them: only counts free objects here. */
#define PyObject_GC_New(T, type) PyObject_New(T, type)
#define PyObject_GC_NewVar(T, type, n) PyObject_NewVar(T, type, n)
#define PyObject_GC_Del(op) PyObject_Del(op)
#define PyObject_GC_Track(op) ((void)(op))
#define PyObject_GC_UnTrack(op) ((void)(op))
#define PyObject_GC_IsTracked(op) ((void)(op), 0)

/* The object with n items, which may have moved; NULL, and op as it was, when there is no memory or n is too large. */
#define PyObject_GC_Resize(T, op, n) ((T *)pymemcompat_resize((PyVarObject *)(op), (n)))

PYMEMCOMPAT_INLINE PyVarObject *pymemcompat_resize(PyVarObject *op, Py_ssize_t n) {
  size_t basic = (size_t)Py_TYPE(op)->tp_basicsize, item = (size_t)Py_TYPE(op)->tp_itemsize;
  if (n < 0 || (item != 0 && (size_t)n > ((size_t)PY_SSIZE_T_MAX - basic) / item)) return NULL;
  op = (PyVarObject *)PyObject_Realloc(op, basic + (size_t)n * item);
  if (op != NULL) op->ob_size = n;
  return op;
}

#endif

/* ------------------------------------------------------------------------------------ a type for each family */

/*
 * With PYMEMCOMPAT_TYPED, PyMem_* make and take `PyMem_Block *`, PyObject_* make and take `PyObject_Block *`, and a
 * block of one family in a function of the other is a compiler warning (an error in C++). Keep such pointers for
 * freeing, and cast them to what the bytes are:
 *
 *     PyMem_Block *block = PyMem_Malloc(n);
 *     char *text = (char *)block;
 *
 * Without it both are `void`, and the same source compiles. PyMem_New and PyMem_Del are typed by what they make, so
 * they are not checked; objects given to PyMem_Free are, and so are PyMem_Blocks given to PyObject_Del (from C11 on).
 */
#ifdef PYMEMCOMPAT_TYPED

typedef struct pymemcompat_mem PyMem_Block;
typedef struct pymemcompat_object PyObject_Block;

#define PYMEMCOMPAT_FAMILY(prefix, Block)                                                                      \
  PYMEMCOMPAT_INLINE Block *pymemcompat_##prefix##Malloc(size_t n) { return (Block *)prefix##Malloc(n); }      \
  PYMEMCOMPAT_INLINE Block *pymemcompat_##prefix##Calloc(size_t count, size_t size) {                          \
    return (Block *)prefix##Calloc(count, size);                                                               \
  }                                                                                                            \
  PYMEMCOMPAT_INLINE Block *pymemcompat_##prefix##Realloc(Block *p, size_t n) {                                \
    return (Block *)prefix##Realloc((void *)p, n);                                                             \
  }                                                                                                            \
  PYMEMCOMPAT_INLINE void pymemcompat_##prefix##Free(Block *p) { prefix##Free((void *)p); }

PYMEMCOMPAT_FAMILY(PyMem_, PyMem_Block)
PYMEMCOMPAT_FAMILY(PyObject_, PyObject_Block)

#undef PyMem_Malloc
#undef PyMem_Calloc
#undef PyMem_Realloc
#undef PyMem_Free
#undef PyObject_Malloc
#undef PyObject_Calloc
#undef PyObject_Realloc
#undef PyObject_Free
#define PyMem_Malloc(n) pymemcompat_PyMem_Malloc(n)
#define PyMem_Calloc(count, size) pymemcompat_PyMem_Calloc((count), (size))
#define PyMem_Realloc(p, n) pymemcompat_PyMem_Realloc((p), (n))
#define PyMem_Free(p) pymemcompat_PyMem_Free(p)
#define PyObject_Malloc(n) pymemcompat_PyObject_Malloc(n)
#define PyObject_Calloc(count, size) pymemcompat_PyObject_Calloc((count), (size))
#define PyObject_Realloc(p, n) pymemcompat_PyObject_Realloc((p), (n))
#define PyObject_Free(p) pymemcompat_PyObject_Free(p)

#define PYMEMCOMPAT_FITS(T, n) ((size_t)(n) <= (size_t)PY_SSIZE_T_MAX / sizeof(T))
#undef PyMem_New
#undef PyMem_Resize
#undef PyMem_Del
#undef PyMem_MALLOC
#undef PyMem_REALLOC
#undef PyMem_FREE
#undef PyMem_NEW
#undef PyMem_RESIZE
#undef PyMem_DEL
#undef PyObject_MALLOC
#undef PyObject_REALLOC
#undef PyObject_FREE
#undef PyObject_DEL
#define PyMem_New(T, n) (PYMEMCOMPAT_FITS(T, n) ? (T *)PyMem_Malloc((size_t)(n) * sizeof(T)) : (T *)NULL)
#define PyMem_Resize(p, T, n)                                                                                  \
  ((p) = PYMEMCOMPAT_FITS(T, n) ? (T *)PyMem_Realloc((PyMem_Block *)(p), (size_t)(n) * sizeof(T)) : (T *)NULL)
#define PyMem_Del(p) PyMem_Free((PyMem_Block *)(p))

PYMEMCOMPAT_INLINE void pymemcompat_delete(void *op) {
  PyObject_Free((PyObject_Block *)op);
}
#undef PyObject_Del
#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define PyObject_Del(op) _Generic((op), PyMem_Block *: pymemcompat_PyObject_Free, default: pymemcompat_delete)(op)
#else
#define PyObject_Del(op) pymemcompat_delete((void *)(op))
#endif

#else

typedef void PyMem_Block;
typedef void PyObject_Block;

#endif

/* ------------------------------------------------------------------------------------------- old spellings */

#ifndef PyMem_MALLOC
#define PyMem_MALLOC(n) PyMem_Malloc(n)
#define PyMem_REALLOC(p, n) PyMem_Realloc((p), (n))
#define PyMem_FREE(p) PyMem_Free(p)
#endif
#ifndef PyObject_MALLOC
#define PyObject_MALLOC(n) PyObject_Malloc(n)
#define PyObject_REALLOC(p, n) PyObject_Realloc((p), (n))
#define PyObject_FREE(p) PyObject_Free(p)
#endif
#ifndef PyMem_NEW
#define PyMem_NEW(T, n) PyMem_New(T, n)
#endif
#ifndef PyMem_RESIZE
#define PyMem_RESIZE(p, T, n) PyMem_Resize(p, T, n)
#endif
#ifndef PyMem_Del
#define PyMem_Del(p) PyMem_Free(p)
#endif
#ifndef PyMem_DEL
#define PyMem_DEL(p) PyMem_Del(p)
#endif
#ifndef PyObject_INIT
#define PyObject_INIT(op, type) PyObject_Init((PyObject *)(op), (type))
#endif
#ifndef PyObject_INIT_VAR
#define PyObject_INIT_VAR(op, type, n) PyObject_InitVar((PyVarObject *)(op), (type), (n))
#endif
#ifndef PyObject_NEW
#define PyObject_NEW(T, type) PyObject_New(T, type)
#endif
#ifndef PyObject_NEW_VAR
#define PyObject_NEW_VAR(T, type, n) PyObject_NewVar(T, type, n)
#endif
#ifndef PyObject_DEL
#define PyObject_DEL(op) PyObject_Del(op)
#endif

#ifdef __cplusplus
}
#endif

#endif
