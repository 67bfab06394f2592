/*
 * pymalloc for WebAssembly guests: CPython's interface to memory, as imports from the module "pymalloc", which
 * heap.instantiate() of the npm package pymalloc provides. See docs/guide/guests.md for how a guest is built and run.
 *
 * Three families of functions. A block belongs to the family that made it, and only that family's functions may
 * resize or free it; the debug modes name each mix-up.
 *
 *     PyMem_Raw...   the system malloc's own: for what must not be in pools
 *     PyMem_...      buffers
 *     PyObject_...   objects, and everything small
 *
 * What holds for all of them. Sizes are bytes, up to 0x7fffffff; a larger size gives NULL. Blocks begin at a
 * multiple of 8. No memory gives NULL and changes nothing. New memory holds anything, calloc's zeros. A pointer to
 * a block is freed once, by whoever owns it by the program's own rules. There are no threads.
 *
 * What is said below to be thrown in JavaScript is a trap in a guest that was linked (pymalloc link). One linked
 * --with-pydebug says first what is wrong.
 */
#ifndef PYMALLOC_H
#define PYMALLOC_H

#if !defined(__wasm32__)
#error "pymalloc.h is for wasm32 guests; include pymemcompat.h to build for other targets as well"
#endif

#include "pymalloc_layout.h"
#include "pymalloc_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PYMALLOC_IMPORT(name) __attribute__((import_module("pymalloc"), import_name(name)))

/* In front of a function: it is exported to JavaScript, by this name. */
#define PYMALLOC_EXPORT(name) __attribute__((export_name(#name)))

/* ------------------------------------------------------------------------------------------- three families */

/* A block of n bytes; for 0 a block of its own, which has to be freed as well. NULL when there is no memory. */
PYMALLOC_IMPORT("PyMem_RawMalloc") void *PyMem_RawMalloc(size_t n);
PYMALLOC_IMPORT("PyMem_Malloc") void *PyMem_Malloc(size_t n);
PYMALLOC_IMPORT("PyObject_Malloc") void *PyObject_Malloc(size_t n);

/* A block of count * size zeros; NULL also when the product is over 0x7fffffff. */
PYMALLOC_IMPORT("PyMem_RawCalloc") void *PyMem_RawCalloc(size_t count, size_t size);
PYMALLOC_IMPORT("PyMem_Calloc") void *PyMem_Calloc(size_t count, size_t size);
PYMALLOC_IMPORT("PyObject_Calloc") void *PyObject_Calloc(size_t count, size_t size);

/*
 * Gives a block another size and returns where it is now: it may move. The content is kept up to the smaller size.
 * Of NULL it is a malloc; 0 bytes leave a live block. NULL when there is no memory: then p is valid as before.
 */
PYMALLOC_IMPORT("PyMem_RawRealloc") void *PyMem_RawRealloc(void *p, size_t n);
PYMALLOC_IMPORT("PyMem_Realloc") void *PyMem_Realloc(void *p, size_t n);
PYMALLOC_IMPORT("PyObject_Realloc") void *PyObject_Realloc(void *p, size_t n);

/* Gives a block back; NULL is let pass. */
PYMALLOC_IMPORT("PyMem_RawFree") void PyMem_RawFree(void *p);
PYMALLOC_IMPORT("PyMem_Free") void PyMem_Free(void *p);
PYMALLOC_IMPORT("PyObject_Free") void PyObject_Free(void *p);

/* ------------------------------------------------------------------------------------------------- objects */

/*
 * Makes a type of a struct that is filled in; a second time does nothing. Always 0: what is wrong with the type's
 * tp_dealloc is thrown in JavaScript, as a TypeError. The guest must export its function table (-Wl,--export-table)
 * when a tp_dealloc is set.
 */
PYMALLOC_IMPORT("PyType_Ready") int PyType_Ready(PyTypeObject *type);

/* Behind the macros PyObject_New and PyObject_NewVar; object family. */
PYMALLOC_IMPORT("PyObject_New") PyObject *_PyObject_New(PyTypeObject *type);
PYMALLOC_IMPORT("PyObject_NewVar") PyVarObject *_PyObject_NewVar(PyTypeObject *type, Py_ssize_t n);

/*
 * Makes an object of memory that is there, with one reference to it: tp_basicsize bytes, and n items. Returns op; NULL when
 * op is NULL, so that it may follow a malloc, and for n < 0. Who frees the memory is up to the type's tp_dealloc.
 */
PYMALLOC_IMPORT("PyObject_Init") PyObject *PyObject_Init(PyObject *op, PyTypeObject *type);
PYMALLOC_IMPORT("PyObject_InitVar") PyVarObject *PyObject_InitVar(PyVarObject *op, PyTypeObject *type, Py_ssize_t n);

/*
 * Frees the memory of an object of the object family, whatever its count: a tp_dealloc's last deed. NULL is let pass. An
 * object that is dead and waits for its tp_dealloc is a RangeError in JavaScript, as for PyObject_Init.
 */
PYMALLOC_IMPORT("PyObject_Del") void PyObject_Del(void *op);

/* Py_XINCREF and Py_XDECREF as functions. Like the macros they throw a RangeError in JavaScript for a dead object. */
PYMALLOC_IMPORT("Py_INCREF") void Py_IncRef(PyObject *op);
PYMALLOC_IMPORT("Py_DECREF") void Py_DecRef(PyObject *op);

static inline void pymalloc_count_dead(PyObject *op, int more) {
  if (more) {
    Py_IncRef(op);
  } else {
    Py_DecRef(op);
  }
}

static inline void pymalloc_die(PyObject *op) {
  Py_DecRef(op); /* counts down to 0 itself, and runs tp_dealloc; long chains of objects don't fill the stack */
}

/* ------------------------------------------------------------------------------------- allocators and hooks */

/* What an allocator is for. */
typedef enum {
  PYMEM_DOMAIN_RAW, /* PyMem_Raw... */
  PYMEM_DOMAIN_MEM, /* PyMem_... */
  PYMEM_DOMAIN_OBJ  /* PyObject_..., and objects */
} PyMemAllocatorDomain;

/* An allocator: four functions with the contracts above, and what each is called with first. */
typedef struct {
  void *ctx;
  void *(*malloc)(void *ctx, size_t n);
  void *(*calloc)(void *ctx, size_t count, size_t size);
  void *(*realloc)(void *ctx, void *p, size_t n);
  void (*free)(void *ctx, void *p);
} PyMemAllocatorEx;

/* Where arenas come from: `alloc` gives n bytes at any address, or NULL; `free` gets the same n back. */
typedef struct {
  void *ctx;
  void *(*alloc)(void *ctx, size_t n);
  void (*free)(void *ctx, void *p, size_t n);
} PyObjectArenaAllocator;

/*
 * Copies a domain's allocator into *allocator, or sets it from there; the struct stays the caller's. An allocator that
 * is set wraps the one before it, or knows what to do with live blocks. These need the guest's function table,
 * exported and able to grow (-Wl,--export-table -Wl,--growable-table). An unknown domain is a TypeError in JavaScript.
 */
PYMALLOC_IMPORT("PyMem_GetAllocator")
void PyMem_GetAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator);
PYMALLOC_IMPORT("PyMem_SetAllocator")
void PyMem_SetAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator);

/* Puts the debug hooks on every domain that has none. What is wrong is thrown in JavaScript, as a PyMemError. */
PYMALLOC_IMPORT("PyMem_SetupDebugHooks") void PyMem_SetupDebugHooks(void);

/* The same for the arenas' source. */
PYMALLOC_IMPORT("PyObject_GetArenaAllocator")
void PyObject_GetArenaAllocator(PyObjectArenaAllocator *allocator);
PYMALLOC_IMPORT("PyObject_SetArenaAllocator")
void PyObject_SetArenaAllocator(PyObjectArenaAllocator *allocator);

/* ------------------------------------------------------------------------------------------------- the rest */

/* Lies at the beginning of the guest's memory, and so shows the host where that is. */
extern const char pymalloc_guest[];
__attribute__((weak, used, visibility("hidden"))) const char pymalloc_guest[] = "pymalloc guest";

/* The structs are as the core has them. */
#ifdef __cplusplus
#define PYMALLOC_ASSERT(condition) static_assert(condition, "pymalloc: the layout differs from the core's")
#else
#define PYMALLOC_ASSERT(condition) _Static_assert(condition, "pymalloc: the layout differs from the core's")
#endif
PYMALLOC_ASSERT(offsetof(PyObject, ob_refcnt) == PYMALLOC_OB_REFCNT);
PYMALLOC_ASSERT(offsetof(PyObject, ob_type) == PYMALLOC_OB_TYPE);
PYMALLOC_ASSERT(sizeof(PyObject) == PYMALLOC_OBJECT_HEADER);
PYMALLOC_ASSERT(offsetof(PyVarObject, ob_size) == PYMALLOC_OB_SIZE);
PYMALLOC_ASSERT(sizeof(PyVarObject) == PYMALLOC_VAR_OBJECT_HEADER);
PYMALLOC_ASSERT(offsetof(PyTypeObject, tp_name) == PYMALLOC_TP_NAME);
PYMALLOC_ASSERT(offsetof(PyTypeObject, tp_basicsize) == PYMALLOC_TP_BASICSIZE);
PYMALLOC_ASSERT(offsetof(PyTypeObject, tp_itemsize) == PYMALLOC_TP_ITEMSIZE);
PYMALLOC_ASSERT(offsetof(PyTypeObject, tp_dealloc) == PYMALLOC_TP_DEALLOC);
PYMALLOC_ASSERT(sizeof(PyTypeObject) == PYMALLOC_TYPE_SIZE);

#ifdef __cplusplus
}
#endif

#endif
