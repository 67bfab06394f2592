/**
 * Objects are made, counted and die (CPython: Objects/object.c, Include/refcount.h).
 *
 * Every address is taken as C takes it: nobody checks that there is an object. A guest calls these functions directly; the
 * library calls `incref` and `decref`, which look first. But an object that is dead, and a waiting one in particular, is never
 * counted, freed or made anew: whoever asks for that gets an error, which the host throws, and nothing has changed.
 */

import { dealloc, free, malloc, raise, root } from "./object-host";
import {
  IMMORTAL,
  MAX_SIZE,
  OB_TYPE,
  OBJECT_HEADER,
  ObjectsRoot,
  PyObject,
  PyTypeObject,
  PyVarObject,
  REFUSED_DECREF,
  REFUSED_DEL,
  REFUSED_INCREF,
  REFUSED_INIT,
  REFUSED_INIT_VAR,
  TRASHCAN_DEPTH,
  TYPE_REFCNT,
  VAR_OBJECT_HEADER,
  WAITING,
} from "./object-layout";

function state(): ObjectsRoot {
  return changetype<ObjectsRoot>(root);
}

/** A block for a new object; 0 also for a size that is too short for its header, or longer than any block. */
function take(bytes: u64, header: usize): usize {
  return bytes < header || bytes > MAX_SIZE ? 0 : malloc(<usize>bytes);
}

// ------------------------------------------------------------------------------- the dead

function refuse(what: u32, p: usize): void {
  state().refused = what;
  state().refusedObject = p;
  raise();
}

/** The one behind a waiting object; null for none. */
function nextOf(object: PyObject): PyObject | null {
  return changetype<PyObject | null>((<usize>object.ob_refcnt) << 2);
}

/** Does an object wait at this address? It may be any, and a count below 0 alone anything, where there is no object. */
function isWaiting(p: usize): bool {
  let object = state().waiting;
  if (object === null || <u64>p + OBJECT_HEADER > (<u64>memory.size()) << 16) return false;
  if (changetype<PyObject>(p).ob_refcnt >= 0) return false;
  while (object !== null && changetype<usize>(object) !== p) object = nextOf(object);
  return object !== null;
}

// ------------------------------------------------------------------------------- birth

/** Writes the header: one reference, of this type. Returns `p`. */
function begin(p: usize, type: usize): usize {
  const object = changetype<PyObject>(p);
  object.ob_refcnt = 1;
  object.ob_type = changetype<PyTypeObject>(type);
  return p;
}

function beginVar(p: usize, type: usize, n: i32): usize {
  changetype<PyVarObject>(p).ob_size = n;
  return begin(p, type);
}

/** May an object begin at `p`? Not at 0, and not where one waits. */
function isPlace(p: usize, what: u32): bool {
  if (p === 0) return false;
  if (!isWaiting(p)) return true;
  refuse(what, p);
  return false;
}

/** Makes an object of memory that is there. Returns `p`; 0 when either is 0. */
export function PyObject_Init(p: usize, type: usize): usize {
  return type !== 0 && isPlace(p, REFUSED_INIT) ? begin(p, type) : 0;
}

/** The same for an object of variable size with `n` items; 0 also when `n` is negative. */
export function PyObject_InitVar(p: usize, type: usize, n: i32): usize {
  return n >= 0 && type !== 0 && isPlace(p, REFUSED_INIT_VAR) ? beginVar(p, type, n) : 0;
}

/** A new object; its fields are not initialized. 0 when there is no memory, or `type` is no type. */
export function PyObject_New(type: usize): usize {
  if (type === 0) return 0;
  const p = take(changetype<PyTypeObject>(type).tp_basicsize, OBJECT_HEADER);
  return p === 0 ? 0 : begin(p, type);
}

/**
 * A new object with `n` items, in whole words (CPython: _PyObject_VAR_SIZE). 0 when there is no memory,
 * `n` is negative, the size overflows, or `type` is no type.
 */
export function PyObject_NewVar(type: usize, n: i32): usize {
  if (type === 0 || n < 0) return 0;
  const it = changetype<PyTypeObject>(type);
  const bytes = (<u64>it.tp_basicsize + <u64>n * it.tp_itemsize + 3) & ~3;
  const p = take(bytes, VAR_OBJECT_HEADER);
  return p === 0 ? 0 : beginVar(p, type, n);
}

// ------------------------------------------------------------------------------- death

/** Frees an object's memory, whatever its count, unless it waits; 0 is ignored. */
export function PyObject_Del(p: usize): void {
  if (p !== 0 && isWaiting(p)) refuse(REFUSED_DEL, p);
  else free(p);
}

/** One reference more. 0 is ignored, as by Py_XINCREF; a dead object is refused. */
export function Py_INCREF(p: usize): void {
  if (p === 0) return;
  const object = changetype<PyObject>(p);
  if (object.ob_refcnt < 1) refuse(REFUSED_INCREF, p);
  else if (object.ob_refcnt < IMMORTAL) object.ob_refcnt++;
}

/** One reference less; the last one takes the object with it. 0 is ignored, as by Py_XDECREF; a dead object is refused. */
export function Py_DECREF(p: usize): void {
  if (p === 0) return;
  const object = changetype<PyObject>(p);
  if (object.ob_refcnt < 1) refuse(REFUSED_DECREF, p);
  else if (object.ob_refcnt < IMMORTAL && --object.ob_refcnt === 0) die(object);
}

/**
 * An object dies. Its dealloc gives up the references that it holds, so other objects die inside of it, and others
 * inside of them: a long list would end the stack. What dies deeper than TRASHCAN_DEPTH therefore waits
 * until the outermost dealloc has returned (CPython: the trashcan, _PyTrash_thread_deposit_object).
 */
function die(object: PyObject): void {
  const depth = state().depth;
  // It had a reference until now, so it does not wait.
  if (object.ob_type.tp_dealloc === 0) free(changetype<usize>(object));
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
  object.ob_refcnt = <i32>(WAITING | (<u32>changetype<usize>(state().waiting) >>> 2));
  state().waiting = object;
}

/** Runs the deallocs of those that wait, and of those that come to wait meanwhile. */
function empty(): void {
  let object = state().waiting;
  while (object !== null) {
    state().waiting = nextOf(object);
    object.ob_refcnt = 0;
    run(object);
    object = state().waiting;
  }
}

// ------------------------------------------------------------------- callers who know nothing

/** Is there an object at `p`? Its type's type is the metatype. `p` may be anything. */
function isObject(p: usize): bool {
  const metatype = changetype<usize>(state().metatype);
  return metatype !== 0 && hasType(p) && hasType(typeAt(p)) && typeAt(typeAt(p)) === metatype;
}

/** Can the header of an object be at `p`? */
function hasType(p: usize): bool {
  // The length of 4 GiB of memory is 0 in 32 bits, and what is subtracted makes it right.
  return (p & 3) === 0 && p <= ((<usize>memory.size()) << 16) - OBJECT_HEADER;
}

function typeAt(p: usize): usize {
  return load<usize>(p, OB_TYPE);
}

/** Py_INCREF where an object is at `p`; else it says so, and nothing has changed. */
export function incref(p: usize): bool {
  if (!isObject(p)) return false;
  Py_INCREF(p);
  return true;
}

/** Py_DECREF where an object is at `p`; else it says so, and nothing has changed. */
export function decref(p: usize): bool {
  if (!isObject(p)) return false;
  Py_DECREF(p);
  return true;
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
