/* What the macros of pymalloc.h do to an object of someone else's. */
#include <pymalloc.h>

#define EXPORT(name) __attribute__((export_name(name)))

EXPORT("refcnt") Py_ssize_t refcnt(PyObject *op) { return Py_REFCNT(op); }
EXPORT("incref") void incref(PyObject *op) { Py_INCREF(op); }
EXPORT("decref") void decref(PyObject *op) { Py_DECREF(op); }
EXPORT("xincref") void xincref(PyObject *op) { Py_XINCREF(op); }
EXPORT("xdecref") void xdecref(PyObject *op) { Py_XDECREF(op); }
EXPORT("delete") void delete(PyObject *op) { PyObject_Del(op); }
EXPORT("init") void init(PyObject *op, PyTypeObject *type) { PyObject_Init(op, type); }
