/*
 * The interface of pymalloc.h on the plain malloc of wherever this is compiled: what pymemcompat.h uses outside of
 * WebAssembly guests and CPython. The contracts are those of pymalloc.h. The three families are one malloc here,
 * and there are no hooks.
 */
#ifndef PYMALLOC_PLAIN_H
#define PYMALLOC_PLAIN_H

#include <stdlib.h>

#include "pymalloc_layout.h"
#include "pymalloc_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The sizes that every CPython refuses are refused here as well; 0 bytes are a block of their own. */
static inline void *PyMem_RawMalloc(size_t n) {
  return n > (size_t)PY_SSIZE_T_MAX ? NULL : malloc(n != 0 ? n : 1);
}

static inline void *PyMem_RawCalloc(size_t count, size_t size) {
  if (size != 0 && count > (size_t)PY_SSIZE_T_MAX / size) return NULL;
  return count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);
}

static inline void *PyMem_RawRealloc(void *p, size_t n) {
  return n > (size_t)PY_SSIZE_T_MAX ? NULL : realloc(p, n != 0 ? n : 1);
}

static inline void PyMem_RawFree(void *p) {
  free(p);
}

#define PYMALLOC_FAMILY(prefix)                                                                             \
  static inline void *prefix##Malloc(size_t n) { return PyMem_RawMalloc(n); }                               \
  static inline void *prefix##Calloc(size_t count, size_t size) { return PyMem_RawCalloc(count, size); }    \
  static inline void *prefix##Realloc(void *p, size_t n) { return PyMem_RawRealloc(p, n); }                 \
  static inline void prefix##Free(void *p) { PyMem_RawFree(p); }

PYMALLOC_FAMILY(PyMem_)
PYMALLOC_FAMILY(PyObject_)

static inline int PyType_Ready(PyTypeObject *type) {
  (void)type;
  return 0;
}

static inline PyObject *PyObject_Init(PyObject *op, PyTypeObject *type) {
  if (op == NULL) return NULL;
  op->ob_refcnt = 1;
  op->ob_type = type;
  return op;
}

static inline PyVarObject *PyObject_InitVar(PyVarObject *op, PyTypeObject *type, Py_ssize_t n) {
  if (n < 0 || PyObject_Init((PyObject *)op, type) == NULL) return NULL;
  op->ob_size = n;
  return op;
}

static inline PyObject *_PyObject_New(PyTypeObject *type) {
  return PyObject_Init((PyObject *)PyObject_Malloc((size_t)type->tp_basicsize), type);
}

static inline PyVarObject *_PyObject_NewVar(PyTypeObject *type, Py_ssize_t n) {
  size_t basic = (size_t)type->tp_basicsize, item = (size_t)type->tp_itemsize;
  if (n < 0 || (item != 0 && (size_t)n > ((size_t)PY_SSIZE_T_MAX - basic) / item)) return NULL;
  return PyObject_InitVar((PyVarObject *)PyObject_Malloc(basic + (size_t)n * item), type, n);
}

static inline void PyObject_Del(void *op) {
  PyObject_Free(op);
}

static inline void pymalloc_die(PyObject *op) {
  destructor dealloc = op->ob_type->tp_dealloc;
  op->ob_refcnt = 0;
  if (dealloc != NULL) {
    dealloc(op);
  } else {
    PyObject_Del(op);
  }
}

static inline void pymalloc_count_dead(PyObject *op, int more) {
  op->ob_refcnt += more ? 1 : -1;
}

static inline void Py_IncRef(PyObject *op) {
  Py_XINCREF(op);
}

static inline void Py_DecRef(PyObject *op) {
  Py_XDECREF(op);
}

#ifdef __cplusplus
}
#endif

#endif
