/**
 * Objects are made, counted and die (CPython: Objects/object.c, Include/refcount.h).
 *
 * Every address is taken as C takes it: nobody checks that there is an object. The library does so before it
 * calls; a guest calls these functions directly, so they never throw on what it passes.
 */

import { dealloc, free, malloc, raise, root } from "./host";
import {
  IMMORTAL,
  MAX_SIZE,
  OBJECT_HEADER,
  ObjectsRoot,
  PyObject,
  PyTypeObject,
  PyVarObject,
  TRASHCAN_DEPTH,
  TYPE_REFCNT,
  VAR_OBJECT_HEADER,
} from "./layout";

function state(): ObjectsRoot {
  return changetype<ObjectsRoot>(root);
}

/** A block for a new object; 0 also for a size that is too short for its header, or longer than any block. */
function take(bytes: u64, header: usize): usize {
  return bytes < header || bytes > MAX_SIZE ? 0 : malloc(<usize>bytes);
}

// ------------------------------------------------------------------------------- birth

/** Writes the header: one reference, of this type. Returns `p`; 0 when either is 0. */
export function PyObject_Init(p: usize, type: usize): usize {
  if (p === 0 || type === 0) return 0;
  const object = changetype<PyObject>(p);
  object.ob_refcnt = 1;
  object.ob_type = changetype<PyTypeObject>(type);
  return p;
}

/** The same for an object of variable size with `n` items; 0 also when `n` is negative. */
export function PyObject_InitVar(p: usize, type: usize, n: i32): usize {
  if (n < 0 || PyObject_Init(p, type) === 0) return 0;
  changetype<PyVarObject>(p).ob_size = n;
  return p;
}

/** A new object; its fields are not initialized. 0 when there is no memory, or `type` is no type. */
export function PyObject_New(type: usize): usize {
  if (type === 0) return 0;
  return PyObject_Init(take(changetype<PyTypeObject>(type).tp_basicsize, OBJECT_HEADER), type);
}

/**
 * A new object with `n` items, in whole words (CPython: _PyObject_VAR_SIZE). 0 when there is no memory,
 * `n` is negative, the size overflows, or `type` is no type.
 */
export function PyObject_NewVar(type: usize, n: i32): usize {
  if (type === 0 || n < 0) return 0;
  const it = changetype<PyTypeObject>(type);
  const bytes = (<u64>it.tp_basicsize + <u64>n * it.tp_itemsize + 3) & ~3;
  return PyObject_InitVar(take(bytes, VAR_OBJECT_HEADER), type, n);
}

// ------------------------------------------------------------------------------- death

/** Frees an object's memory, whatever its count; 0 is ignored. */
export function PyObject_Del(p: usize): void {
  free(p);
}

/** One reference more. 0 is ignored, as by Py_XINCREF. */
export function Py_INCREF(p: usize): void {
  if (p === 0) return;
  const object = changetype<PyObject>(p);
  if (object.ob_refcnt < IMMORTAL) object.ob_refcnt++;
}

/** One reference less; the last one takes the object with it. 0 is ignored, as by Py_XDECREF. */
export function Py_DECREF(p: usize): void {
  if (p === 0) return;
  const object = changetype<PyObject>(p);
  if (object.ob_refcnt >= IMMORTAL) return;
  if (--object.ob_refcnt === 0) die(object);
}

/**
 * An object dies. Its dealloc gives up the references that it holds, so other objects die inside of it, and others
 * inside of them: a long list would end the stack. What dies deeper than TRASHCAN_DEPTH therefore waits
 * until the outermost dealloc has returned (CPython: the trashcan, _PyTrash_thread_deposit_object).
 */
function die(object: PyObject): void {
  const depth = state().depth;
  if (object.ob_type.tp_dealloc === 0) PyObject_Del(changetype<usize>(object));
  else if (depth >= TRASHCAN_DEPTH) wait(object);
  else nest(object, depth);
}

/** Runs the dealloc of an object inside of `depth` others. */
function nest(object: PyObject, depth: u32): void {
  // Set to what it was, not counted down: a trap further inside may have skipped others that would.
  state().depth = depth + 1;
  run(object);
  if (depth === 0) empty();
  state().depth = depth;
  if (depth === 0 && state().failed !== 0) {
    state().failed = 0;
    raise();
  }
}

function run(object: PyObject): void {
  if (dealloc(object.ob_type.tp_dealloc, changetype<usize>(object)) === 0) state().failed = 1;
}

function wait(object: PyObject): void {
  object.ob_refcnt = <i32>changetype<usize>(state().waiting);
  state().waiting = object;
}

/** Runs the deallocs of those that wait, and of those that come to wait meanwhile. */
function empty(): void {
  let object = state().waiting;
  while (object !== null) {
    state().waiting = changetype<PyObject | null>(<usize>object.ob_refcnt);
    object.ob_refcnt = 0;
    run(object);
    object = state().waiting;
  }
}

// ------------------------------------------------------------------------------- types

/** A number for a dealloc that the heap has not had before. */
export function numberDealloc(): u32 {
  return ++state().deallocs;
}

/** Writes a type object. The first one of a heap is the metatype. */
export function initializeType(
  p: usize,
  name: usize,
  basicsize: u32,
  itemsize: u32,
  tp_dealloc: u32,
): void {
  const type = changetype<PyTypeObject>(p);
  if (state().metatype === null) state().metatype = type;
  type.ob_refcnt = TYPE_REFCNT;
  type.ob_type = changetype<PyTypeObject>(state().metatype);
  type.ob_size = 0;
  type.tp_name = name;
  type.tp_basicsize = basicsize;
  type.tp_itemsize = itemsize;
  type.tp_dealloc = tp_dealloc;
}
