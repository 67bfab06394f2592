/* Allocators that a guest sets, and reads. */
#include "pymemcompat.h"

typedef struct {
  PyMemAllocatorEx below;
  int mallocs, callocs, reallocs, frees;
  size_t bytes;
} Counter;

static Counter counters[3];

static void *counting_malloc(void *ctx, size_t n) {
  Counter *counter = (Counter *)ctx;
  counter->mallocs++;
  counter->bytes += n;
  return counter->below.malloc(counter->below.ctx, n);
}

static void *counting_calloc(void *ctx, size_t count, size_t size) {
  Counter *counter = (Counter *)ctx;
  counter->callocs++;
  counter->bytes += count * size;
  return counter->below.calloc(counter->below.ctx, count, size);
}

static void *counting_realloc(void *ctx, void *p, size_t n) {
  Counter *counter = (Counter *)ctx;
  counter->reallocs++;
  counter->bytes += n;
  return counter->below.realloc(counter->below.ctx, p, n);
}

static void counting_free(void *ctx, void *p) {
  Counter *counter = (Counter *)ctx;
  counter->frees++;
  counter->below.free(counter->below.ctx, p);
}

PYMALLOC_EXPORT(hook) void hook(int domain) {
  Counter *counter = &counters[domain];
  PyMemAllocatorEx counting = {counter, counting_malloc, counting_calloc, counting_realloc, counting_free};
  PyMem_GetAllocator((PyMemAllocatorDomain)domain, &counter->below);
  PyMem_SetAllocator((PyMemAllocatorDomain)domain, &counting);
}

/* Whether the allocator that is set is the one that was put there. */
PYMALLOC_EXPORT(is_hooked) int is_hooked(int domain) {
  PyMemAllocatorEx now;
  PyMem_GetAllocator((PyMemAllocatorDomain)domain, &now);
  return now.ctx == &counters[domain] && now.malloc == counting_malloc && now.free == counting_free;
}

PYMALLOC_EXPORT(unhook) void unhook(int domain) {
  PyMem_SetAllocator((PyMemAllocatorDomain)domain, &counters[domain].below);
}

/* One call of each. */
PYMALLOC_EXPORT(use_object) void use_object(void) {
  void *p = PyObject_Realloc(PyObject_Malloc(42), 200);
  PyObject_Free(PyObject_Calloc(2, 5));
  PyObject_Free(p);
}

PYMALLOC_EXPORT(use_mem) void use_mem(void) {
  void *p = PyMem_Realloc(PyMem_Malloc(42), 200);
  PyMem_Free(PyMem_Calloc(2, 5));
  PyMem_Free(p);
}

PYMALLOC_EXPORT(use_raw) void use_raw(void) {
  void *p = PyMem_RawRealloc(PyMem_RawMalloc(42), 200);
  PyMem_RawFree(PyMem_RawCalloc(2, 5));
  PyMem_RawFree(p);
}

/* mallocs, callocs, reallocs, frees, a digit each, and the bytes in front. */
PYMALLOC_EXPORT(counted) int counted(int domain) {
  Counter *counter = &counters[domain];
  return (int)counter->bytes * 10000 + counter->mallocs * 1000 + counter->callocs * 100 + counter->reallocs * 10 +
         counter->frees;
}

/* Type objects through the hooked domain. */
static PyTypeObject Thing_Type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "Thing", .tp_basicsize = 24};

PYMALLOC_EXPORT(use_type) void use_type(void) {
  PyType_Ready(&Thing_Type);
  Py_DECREF(PyObject_New(PyObject, &Thing_Type));
}

static PyObjectArenaAllocator arenas_below;
static int arenas_taken, arenas_given;

static void *counting_alloc(void *ctx, size_t n) {
  PyObjectArenaAllocator *below = (PyObjectArenaAllocator *)ctx;
  void *p = below->alloc(below->ctx, n);
  arenas_taken += p != NULL; /* without one, a small block fills a hole first */
  return p;
}

static void counting_arena_free(void *ctx, void *p, size_t n) {
  arenas_given++;
  ((PyObjectArenaAllocator *)ctx)->free(((PyObjectArenaAllocator *)ctx)->ctx, p, n);
}

PYMALLOC_EXPORT(hook_arenas) void hook_arenas(void) {
  PyObjectArenaAllocator counting = {&arenas_below, counting_alloc, counting_arena_free};
  PyObject_GetArenaAllocator(&arenas_below);
  PyObject_SetArenaAllocator(&counting);
}

PYMALLOC_EXPORT(unhook_arenas) int unhook_arenas(void) {
  PyObject_SetArenaAllocator(&arenas_below);
  return arenas_taken * 1000 + arenas_given;
}

PYMALLOC_EXPORT(setup_debug_hooks) void setup_debug_hooks(void) {
  PyMem_SetupDebugHooks();
}

PYMALLOC_EXPORT(free_wrongly) void free_wrongly(void) {
  PyObject_Free(PyMem_Malloc(10));
}

PYMALLOC_EXPORT(set_nothing) void set_nothing(void) {
  PyMemAllocatorEx nothing = {0, 0, 0, 0, 0};
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &nothing);
}

/* The functions of the allocator below, with a context of its own. */
PYMALLOC_EXPORT(set_mixed) void set_mixed(void) {
  PyMemAllocatorEx mixed = counters[2].below;
  mixed.ctx = &counters;
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &mixed);
}

PYMALLOC_EXPORT(ask_domain) void ask_domain(int domain) {
  PyMemAllocatorEx allocator;
  PyMem_GetAllocator((PyMemAllocatorDomain)domain, &allocator);
}
