/** CPython's names for a heap's functions: of `heap.capi`, and the old ones on the heap itself. */
import type {
  Allocator,
  ArenaAllocator,
  Domain,
  DomainName,
  DomainNumber,
} from "../../base/base.js";
import { byCNames } from "../domains.js";
import type { ObjectFunctions } from "../objects/objects.js";

/** The functions that say which allocators are in force. None of them needs a `this`. */
export interface AllocatorFunctions {
  /**
   * The allocator of a domain, as it was set or as the heap was made with (CPython: PyMem_GetAllocator).
   * @throws TypeError for an unknown domain
   */
  getAllocator(domain: DomainName | DomainNumber): Allocator;

  /**
   * Sets the allocator of a domain (CPython: PyMem_SetAllocator). It has to wrap the one before it, or
   * know what to do with blocks that are live already. What `getAllocator` gave brings the
   * unhooked functions back. Functions that were copied out of the heap before (`const { malloc } =
   * heap.object`) stay what they were. A hook in the raw domain also sees the large requests of the other two.
   * @throws TypeError for an unknown domain or an incomplete allocator
   */
  setAllocator(domain: DomainName | DomainNumber, allocator: Allocator): void;

  /**
   * Puts the debug hooks of the debug modes on every domain that has none, over the allocator that is set there
   * (CPython: PyMem_SetupDebugHooks). Blocks that are live already are let pass, and so are wrong pointers to
   * where no block was allocated since; a heap that was made in a debug mode knows more.
   * @throws RangeError when there is no memory for the debug heap's ledger
   */
  setupDebugHooks(): void;

  /** Where arenas come from (CPython: PyObject_GetArenaAllocator). */
  getArenaAllocator(): ArenaAllocator;

  /**
   * Sets where arenas come from and go to (CPython: PyObject_SetArenaAllocator). `alloc` is asked for an
   * arena, a few bytes less than up to 16 KiB, so that a malloc's own header fits into it; `free` gets the same size. Both
   * may use the heap; `alloc` is not called again while it is at work, and what it needs then comes from the raw domain.
   * What they throw comes out of the call that asked for an arena or gave one back; see core/heap/heap-host.ts.
   * @throws TypeError for an incomplete allocator
   */
  setArenaAllocator(allocator: ArenaAllocator): void;
}

/** A heap, as far as CPython has names for it. */
export interface NamedHeap extends AllocatorFunctions, ObjectFunctions {
  readonly raw: Domain;
  readonly mem: Domain;
  readonly object: Domain;
}

/**
 * A heap's functions by CPython's names (Doc/c-api/memory.rst, allocation.rst, refcounting.rst), for who knows those. They are
 * the very functions that the heap has by JavaScript's names, which see.
 */
export interface CApi {
  /** {@link Heap.raw}: the raw domain, the system malloc. */
  readonly PyMem_RawMalloc: Domain["malloc"];
  /** `heap.raw.calloc`: see {@link Domain}. */
  readonly PyMem_RawCalloc: Domain["calloc"];
  /** `heap.raw.realloc`: see {@link Domain}. */
  readonly PyMem_RawRealloc: Domain["realloc"];
  /** `heap.raw.free`: see {@link Domain}. */
  readonly PyMem_RawFree: Domain["free"];
  /** {@link Heap.mem}: the mem domain, for buffers. */
  readonly PyMem_Malloc: Domain["malloc"];
  /** `heap.mem.calloc`: see {@link Domain}. */
  readonly PyMem_Calloc: Domain["calloc"];
  /** `heap.mem.realloc`: see {@link Domain}. */
  readonly PyMem_Realloc: Domain["realloc"];
  /** `heap.mem.free`: see {@link Domain}. */
  readonly PyMem_Free: Domain["free"];
  /** {@link Heap.object}: the object domain. */
  readonly PyObject_Malloc: Domain["malloc"];
  /** `heap.object.calloc`: see {@link Domain}. */
  readonly PyObject_Calloc: Domain["calloc"];
  /** `heap.object.realloc`: see {@link Domain}. */
  readonly PyObject_Realloc: Domain["realloc"];
  /** `heap.object.free`: see {@link Domain}. */
  readonly PyObject_Free: Domain["free"];
  /** CPython's name of {@link Heap.getAllocator}. */
  readonly PyMem_GetAllocator: AllocatorFunctions["getAllocator"];
  /** CPython's name of {@link Heap.setAllocator}. */
  readonly PyMem_SetAllocator: AllocatorFunctions["setAllocator"];
  /** CPython's name of {@link Heap.setupDebugHooks}. */
  readonly PyMem_SetupDebugHooks: AllocatorFunctions["setupDebugHooks"];
  /** CPython's name of {@link Heap.getArenaAllocator}. */
  readonly PyObject_GetArenaAllocator: AllocatorFunctions["getArenaAllocator"];
  /** CPython's name of {@link Heap.setArenaAllocator}. */
  readonly PyObject_SetArenaAllocator: AllocatorFunctions["setArenaAllocator"];
  /** CPython's name of {@link Heap.newObject}. */
  readonly PyObject_New: ObjectFunctions["newObject"];
  /** CPython's name of {@link Heap.newVarObject}. */
  readonly PyObject_NewVar: ObjectFunctions["newVarObject"];
  /** CPython's name of {@link Heap.initObject}. */
  readonly PyObject_Init: ObjectFunctions["initObject"];
  /** CPython's name of {@link Heap.initVarObject}. */
  readonly PyObject_InitVar: ObjectFunctions["initVarObject"];
  /** CPython's name of {@link Heap.deleteObject}. */
  readonly PyObject_Del: ObjectFunctions["deleteObject"];
  /** CPython's name of {@link Heap.incref}. */
  readonly Py_INCREF: ObjectFunctions["incref"];
  /** CPython's name of {@link Heap.decref}. */
  readonly Py_DECREF: ObjectFunctions["decref"];
  /** CPython's name of {@link Heap.refcount}. */
  readonly Py_REFCNT: ObjectFunctions["refcount"];
  /** CPython's name of {@link Heap.typeOf}. */
  readonly Py_TYPE: ObjectFunctions["typeOf"];
  /** CPython's name of {@link Heap.itemCount}. */
  readonly Py_SIZE: ObjectFunctions["itemCount"];
}

/** The heap's functions in force, by CPython's names. */
export function cApiOf(heap: NamedHeap): CApi {
  return {
    ...byCNames(heap),
    PyMem_GetAllocator: heap.getAllocator,
    PyMem_SetAllocator: heap.setAllocator,
    PyMem_SetupDebugHooks: heap.setupDebugHooks,
    PyObject_GetArenaAllocator: heap.getArenaAllocator,
    PyObject_SetArenaAllocator: heap.setArenaAllocator,
    PyObject_New: heap.newObject,
    PyObject_NewVar: heap.newVarObject,
    PyObject_Init: heap.initObject,
    PyObject_InitVar: heap.initVarObject,
    PyObject_Del: heap.deleteObject,
    Py_INCREF: heap.incref,
    Py_DECREF: heap.decref,
    Py_REFCNT: heap.refcount,
    Py_TYPE: heap.typeOf,
    Py_SIZE: heap.itemCount,
  };
}
