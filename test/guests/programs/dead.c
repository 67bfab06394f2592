/* What a guest may not do: with objects that are dead, or wait for their tp_dealloc; with domains and functions that are not there. */
#include <pymalloc.h>

typedef struct Node {
  PyObject_HEAD
  struct Node *next, *sibling;
} Node;

static int wrong; /* what is done to the first object that comes to wait */

static void do_wrong(PyObject *op);

static void Node_dealloc(PyObject *op) {
  Node *node = (Node *)op;
  Py_XDECREF((PyObject *)node->next);
  if (node->sibling != NULL) {
    PyObject *sibling = (PyObject *)node->sibling;
    Py_DECREF(sibling);
    do_wrong(sibling);
  }
  PyObject_Del(op);
}

static PyTypeObject Node_Type = {
  PyVarObject_HEAD_INIT(NULL, 0)
  .tp_name = "Node",
  .tp_basicsize = sizeof(Node),
  .tp_dealloc = Node_dealloc,
};

static void do_wrong(PyObject *op) {
  if (wrong == 1) Py_INCREF(op);
  if (wrong == 2) Py_DECREF(op);
  if (wrong == 3) PyObject_Init(op, &Node_Type);
  if (wrong == 4) PyObject_InitVar((PyVarObject *)op, &Node_Type, 1);
  if (wrong == 5) PyObject_Del(op);
}

static Node *new_node(Node *next) {
  Node *node = PyObject_New(Node, &Node_Type);
  node->next = next;
  node->sibling = NULL;
  return node;
}

/* A list dies whose 50th node has another one besides the next, which has to wait. */
PYMALLOC_EXPORT(die) void die(int what) {
  Node *list = NULL;
  PyType_Ready(&Node_Type);
  wrong = what;
  for (int i = 0; i < 50; i++) {
    list = new_node(list);
    if (i == 0) list->sibling = new_node(NULL);
  }
  Py_DECREF((PyObject *)list);
}

PYMALLOC_EXPORT(get_domain) void get_domain(int domain) {
  PyMemAllocatorEx allocator;
  PyMem_GetAllocator((PyMemAllocatorDomain)domain, &allocator);
}

/* The allocator of objects for another domain. */
PYMALLOC_EXPORT(set_domain) void set_domain(int domain) {
  PyMemAllocatorEx allocator;
  PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &allocator);
  PyMem_SetAllocator((PyMemAllocatorDomain)domain, &allocator);
}

/* An allocator without one of its four functions. */
PYMALLOC_EXPORT(set_without) void set_without(int which) {
  PyMemAllocatorEx allocator;
  PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &allocator);
  if (which == 0) allocator.malloc = NULL;
  if (which == 1) allocator.calloc = NULL;
  if (which == 2) allocator.realloc = NULL;
  if (which == 3) allocator.free = NULL;
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &allocator);
}

PYMALLOC_EXPORT(set_arenas_without) void set_arenas_without(int which) {
  PyObjectArenaAllocator arenas;
  PyObject_GetArenaAllocator(&arenas);
  if (which == 0) arenas.alloc = NULL;
  if (which == 1) arenas.free = NULL;
  PyObject_SetArenaAllocator(&arenas);
}
