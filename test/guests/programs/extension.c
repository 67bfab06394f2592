/*
 * One source, three builds: a guest of pymalloc, an extension module of CPython (with -DFOR_CPYTHON), a program on
 * the plain malloc. All report the same text.
 */
#ifdef FOR_CPYTHON
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#endif
#include "pymemcompat.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int deaths;

typedef struct {
  PyObject_HEAD
  PyObject *next;
  char *text;
} Node;

static void Node_dealloc(PyObject *self) {
  Node *node = (Node *)self;
  PyObject *next = node->next;
  PyMem_Free(node->text);
  PyObject_Del(self);
  deaths++;
  Py_XDECREF(next);
}

static PyTypeObject Node_Type = {
  PyVarObject_HEAD_INIT(NULL, 0)
  .tp_name = "extension.Node",
  .tp_basicsize = sizeof(Node),
  .tp_dealloc = Node_dealloc,
  PYMEMCOMPAT_TYPE_FLAGS
};

/* Without a tp_dealloc of its own. */
typedef struct {
  PyObject_VAR_HEAD
  int items[1];
} Row;

static PyTypeObject Row_Type = {
  PyVarObject_HEAD_INIT(NULL, 0)
  .tp_name = "extension.Row",
  .tp_basicsize = offsetof(Row, items),
  .tp_itemsize = sizeof(int),
  PYMEMCOMPAT_TYPE_FLAGS
};

static Node *new_node(PyObject *next, int number) {
  Node *node = PyObject_New(Node, &Node_Type);
  if (node == NULL) return NULL;
  node->next = next;
  node->text = PyMem_New(char, 8);
  snprintf(node->text, 8, "%d", number);
  PyMem_Resize(node->text, char, 40 + number % 800);
  return node;
}

/* A list of n nodes lives, is read, and dies. */
static int use_nodes(int n) {
  int i, sum = 0;
  PyObject *list = NULL, *p;
  for (i = 0; i < n; i++) list = (PyObject *)new_node(list, i);
  for (p = list; p != NULL; p = ((Node *)p)->next) sum += ((Node *)p)->text[0] + (int)Py_REFCNT(p);
  Py_INCREF(list);
  Py_DECREF(list);
  Py_CLEAR(list);
  return sum + (list == NULL);
}

static int use_rows(void) {
  int i, sum = 0;
  Row *row = PyObject_NewVar(Row, &Row_Type, 100);
  PyObject *again;
  for (i = 0; i < 100; i++) row->items[i] = i * i;
  for (i = 0; i < Py_SIZE(row); i++) sum += row->items[i];
  sum += Py_TYPE(row) == &Row_Type;
  Py_DECREF(row);
  again = PyObject_Init((PyObject *)PyObject_Malloc(sizeof(Node)), &Row_Type);
  sum += Py_REFCNT(again) == 1;
  PyObject_Free(again);
  return sum;
}

/* The rules at the edges; a bit for each that holds. */
static int use_edges(void) {
  int i, holds = 0;
  char *zeros = (char *)PyMem_Calloc(10, 10), *empty = (char *)PyMem_Malloc(0), *other = (char *)PyMem_Malloc(0);
  char *objects = (char *)PyObject_Calloc(3, 0), *raw = (char *)PyMem_RawCalloc(2, 8);
  for (i = 0; i < 100 && zeros[i] == 0; i++) continue;
  holds |= (i == 100) << 0;
  holds |= (empty != NULL && other != NULL && empty != other) << 1;
  holds |= (objects != NULL) << 2;
  holds |= (PyMem_Calloc((size_t)PY_SSIZE_T_MAX / 2, 3) == NULL) << 3;
  holds |= (PyObject_Calloc(3, (size_t)PY_SSIZE_T_MAX / 2) == NULL) << 4;
  holds |= (PyMem_New(int, PY_SSIZE_T_MAX / 2) == NULL) << 5;
  holds |= (PyMem_Malloc((size_t)PY_SSIZE_T_MAX + 1) == NULL) << 6;
  holds |= (raw != NULL && raw[15] == 0) << 7;
  raw = (char *)PyMem_RawRealloc(raw, 3000);
  PyMem_RawFree(raw);
  PyMem_Free(zeros);
  PyMem_Free(empty);
  PyMem_Free(other);
  PyObject_Free(objects);
  PyMem_Free(NULL);
  return holds;
}

static int use_old_spellings(void) {
  int *numbers = PyMem_NEW(int, 4), sum;
  Row *row = PyObject_NEW_VAR(Row, &Row_Type, 2);
  Node *node = PyObject_NEW(Node, &Node_Type);
  numbers[3] = 5;
  PyMem_RESIZE(numbers, int, 2000);
  sum = numbers[3] + (int)Py_SIZE(row);
  PyMem_DEL(numbers);
  PyMem_Del(PyMem_New(char, 1));
  PyObject_DEL(row);
  PyObject_DEL(node);
  PyMem_FREE(PyMem_REALLOC(PyMem_MALLOC(10), 600));
  PyObject_FREE(PyObject_REALLOC(PyObject_MALLOC(10), 600));
  return sum;
}

#ifndef PYMEMCOMPAT_IS_CPYTHON
/* Where there is no collector, its objects are ordinary ones. CPython leaves it to its callers that sizes fit. */
static int use_collector(void) {
  int kept;
  Row *row = PyObject_GC_NewVar(Row, &Row_Type, 3);
  Node *node = PyObject_GC_New(Node, &Node_Type);
  PyObject_GC_Track(row);
  row->items[2] = 7;
  row = PyObject_GC_Resize(Row, row, 300);
  kept = row->items[2] + (int)Py_SIZE(row);
  kept += PyObject_GC_Resize(Row, row, PY_SSIZE_T_MAX / 2) == NULL;
  PyObject_GC_UnTrack(row);
  PyObject_GC_Del(row);
  PyObject_GC_Del(node);
  kept += PyObject_NewVar(Row, &Row_Type, PY_SSIZE_T_MAX / 2) == NULL;
  return kept + PyObject_GC_IsTracked(NULL);
}
#else
static int use_collector(void) {
  return 309;
}
#endif

/* All of the above, as a text that lies in static memory. */
static const char *run(int n) {
  static char text[200];
  int nodes, rows, edges, old, collector;
  if (PyType_Ready(&Node_Type) < 0 || PyType_Ready(&Row_Type) < 0) return "no types";
  deaths = 0;
  nodes = use_nodes(n);
  rows = use_rows();
  edges = use_edges();
  old = use_old_spellings();
  collector = use_collector();
  snprintf(text, sizeof text, "nodes %d deaths %d rows %d edges %x old %d collector %d", nodes, deaths, rows, edges,
           old, collector);
  return text;
}

#if defined(PYMEMCOMPAT_IS_GUEST)

PYMALLOC_EXPORT(run) const char *run_guest(int n) {
  return run(n);
}

#elif defined(PYMEMCOMPAT_IS_PLAIN)

int main(void) {
  puts(run(1000));
  return 0;
}

#else

static PyObject *extension_run(PyObject *self, PyObject *args) {
  int n;
  (void)self;
  return PyArg_ParseTuple(args, "i", &n) ? PyUnicode_FromString(run(n)) : NULL;
}

static PyMethodDef methods[] = {{"run", extension_run, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "extension", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_extension(void) {
  return PyModule_Create(&module);
}

#endif
