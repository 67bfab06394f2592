/// <reference lib="esnext.disposable" preserve="true" />
/** The heap: three domains of functions over one memory. */

import {
  type Address,
  bytesAt,
  conflict,
  type Domain,
  type DomainName,
  debugLayout,
  dispose,
  disposed,
  type HeapOptions,
  type HeapSnapshot,
  isAddress,
  ledgerOf,
  type MemoryViews,
  nameOf,
  OBJECTS_ROOT,
  PAGE,
  packageVersion,
  type ResolvedOptions,
  readOptions,
  useModules,
} from "../../base/base.js";
import { allocatorMembers, byCNames, domainNames, readDomain, requireMembers } from "../domains.js";
import { Guests } from "../guests/guests.js";
import { type ObjectFunctions, Objects } from "../objects/objects.js";
import {
  formatStats,
  type HeapStats,
  statsOf,
  validateHeap,
  validateMalloc,
} from "../report/report.js";
import { type AllocatorFunctions, type CApi, cApiOf } from "./capi.js";
import { checkedDomains } from "./checked.js";
import { OldNames } from "./old-names.js";
import { HeapParts } from "./parts.js";

/** In the place of a domain's functions once the heap was disposed of. */
function refuse(): never {
  throw disposed();
}

const noFunctions: Domain = { malloc: refuse, calloc: refuse, realloc: refuse, free: refuse };

/** What a heap is as long as nobody has disposed of it. */
interface Living {
  readonly parts: HeapParts;
  readonly guests: Guests;
}

/**
 * A heap. Make one with {@link createHeap}; any number can live in one process. Its functions that are no methods need no
 * `this`: `const { incref, decref } = heap`.
 */
export class Heap extends OldNames implements AllocatorFunctions, ObjectFunctions, Disposable {
  /** The raw domain: the system malloc (CPython: PyMem_RawMalloc, ...). */
  readonly raw: Domain;
  /** The mem domain: for buffers of Python's own (CPython: PyMem_Malloc, ...). */
  readonly mem: Domain;
  /** The object domain: for objects (CPython: PyObject_Malloc, ...). */
  readonly object: Domain;
  /**
   * The same three domains for numbers from outside: their functions check what they are given, as the exports
   * themselves can't at no cost. See {@link Domain}.
   */
  readonly checked: Readonly<Record<DomainName, Domain>>;
  /** The heap's functions by CPython's names. */
  readonly capi: CApi;
  /** Address of the block that all of the heap's state is reached from. See {@link HeapOptions.root}. */
  readonly root: Address;

  readonly defineType!: ObjectFunctions["defineType"];
  readonly adoptType!: ObjectFunctions["adoptType"];
  readonly newObject!: ObjectFunctions["newObject"];
  readonly newVarObject!: ObjectFunctions["newVarObject"];
  readonly initObject!: ObjectFunctions["initObject"];
  readonly initVarObject!: ObjectFunctions["initVarObject"];
  readonly deleteObject!: ObjectFunctions["deleteObject"];
  readonly incref!: ObjectFunctions["incref"];
  readonly decref!: ObjectFunctions["decref"];
  readonly refcount!: ObjectFunctions["refcount"];
  readonly typeOf!: ObjectFunctions["typeOf"];
  readonly itemCount!: ObjectFunctions["itemCount"];
  readonly own!: ObjectFunctions["own"];

  readonly #views: MemoryViews;
  readonly #objects: Objects;
  /** Undefined once the heap was disposed of. */
  #living: Living | undefined;

  /** @internal */
  constructor(options: ResolvedOptions) {
    super();
    useModules(options.modules);
    const parts = new HeapParts(options);
    const { host, views, root, allocators } = parts;
    this.#views = views;
    this.root = root;
    this.raw = allocators.functions("raw");
    this.mem = allocators.functions("mem");
    this.object = allocators.functions("object");
    this.checked = checkedDomains(this);
    this.#objects = new Objects(views, root + OBJECTS_ROOT, this.raw, this.object);
    Object.assign(this, this.#objects); // whose properties are these functions
    const guests = new Guests({
      host,
      views,
      objects: this.#objects,
      control: this,
      domains: this,
      poolOf: (p) => allocators.core.poolOf(p),
      debug: () => allocators.debug,
      sizeAt: (p) => allocators.sizeAt(p),
      alignDebugBlocks: () => parts.debugHeap?.write(debugLayout.ALIGNS, 1),
    });
    this.#living = { parts, guests };
    this.capi = cApiOf(this);
    Object.assign(this, this.capi);
  }

  /** @throws Error once the heap was disposed of */
  get #alive(): Living {
    if (this.#living === undefined) throw disposed();
    return this.#living;
  }

  /** Puts the functions in force in their places: exports where nothing is hooked. */
  #publish(): void {
    for (const name of domainNames) {
      Object.assign(this[name], this.#living?.parts.allocators.functions(name) ?? noFunctions);
    }
    const names = byCNames(this);
    Object.assign(this.capi, names);
    Object.assign(this, names);
    this.#objects.rebind();
    this.#living?.guests.rebind();
  }

  readonly getAllocator: AllocatorFunctions["getAllocator"] = (domain) =>
    this.#alive.parts.allocators.get(readDomain(domain, "PyMem_GetAllocator"));

  readonly setAllocator: AllocatorFunctions["setAllocator"] = (domain, allocator) => {
    const where = "PyMem_SetAllocator";
    const name = readDomain(domain, where);
    requireMembers(allocator, allocatorMembers, where);
    this.#alive.parts.allocators.set(name, allocator);
    this.#publish();
  };

  readonly setupDebugHooks: AllocatorFunctions["setupDebugHooks"] = () => {
    const parts = this.#alive.parts;
    if (parts.allocators.setupDebugHooks()) parts.debugHeap?.write(debugLayout.EARLIER_ANY, 1);
    this.#publish();
  };

  readonly getArenaAllocator: AllocatorFunctions["getArenaAllocator"] = () =>
    this.#alive.parts.arenas.get();

  readonly setArenaAllocator: AllocatorFunctions["setArenaAllocator"] = (allocator) =>
    this.#alive.parts.arenas.set(allocator);

  /**
   * What a guest imports that was written to `include/pymalloc.h`: the functions in force now, and the memory. For
   * those who instantiate it themselves, in a part of the memory that nobody else uses; see {@link instantiate}.
   * @param table where the guest's function pointers are found (its export `__indirect_function_table`); needed once
   *   it hands one in, with `PyType_Ready` or `PyMem_SetAllocator`
   */
  imports(table: () => WebAssembly.Table | undefined = () => undefined): WebAssembly.Imports {
    return this.#alive.guests.imports(table);
  }

  /**
   * Instantiates a guest in this heap's memory, with the functions in force now, and runs its constructors
   * (`_initialize`). The guest's data and stack get the memory up to the end that it was linked for; see docs/guide/guests.md.
   * A guest that calls `PyMem_SetAllocator` or `PyMem_SetupDebugHooks` always has the functions in force.
   * @param bytes the guest's binary
   * @param imports what else it imports, by module and name: WASI's functions, for example
   *
   * A guest that is refused, or fails while it starts, leaves the heap as it was: its place is free again, and the allocators
   * that it set are not in force. Only blocks that it made stay.
   * @throws TypeError when guest and heap can't share a memory, or an import is missing or of another kind; it says what
   *   was expected
   * @throws RangeError when there is no memory for the guest's data
   * @throws WebAssembly.CompileError when `bytes` is no WebAssembly
   * @throws WebAssembly.LinkError when an import is of another type than the guest has for it
   */
  instantiate(bytes: BufferSource, imports: WebAssembly.Imports = {}): WebAssembly.Instance {
    return this.#alive.guests.instantiate(bytes, imports);
  }

  /**
   * A copy of the heap, to be given to `createHeap({ from })`, now or later, here or in another thread: it is all of
   * the memory that the heap uses, and what it is taken for. What JavaScript has is not in it: hooks, instances of
   * guests, the stacks of a debug mode, types and their deallocs (see `adoptType`).
   * @throws Error where the heap's memory is someone else's, whose state is no part of the heap
   */
  snapshot(): HeapSnapshot {
    const { host, mode } = this.#alive.parts;
    const { memory, own } = host;
    if (own === undefined) {
      throw conflict(
        "snapshot: the heap's memory is someone else's, expected a heap that createHeap made a memory for; " +
          "a copy of that memory, with the malloc that owns it, is taken over by createHeap({ memory, system, root })",
      );
    }
    return Object.freeze({
      image: bytesAt(memory, 0, own.pagesInUse() * PAGE).slice(),
      root: this.root,
      malloc: nameOf({ ...mode, debug: ledgerOf(memory, this.root) !== 0 }),
      version: packageVersion,
    });
  }

  /** @internal Pages that the memory may grow to; undefined where it is someone else's. */
  get maximumPages(): number | undefined {
    return this.#alive.parts.host.own?.maximumPages;
  }

  /** The memory that the heap is in. */
  get memory(): WebAssembly.Memory {
    return this.#views.memory;
  }

  /** Views of the whole memory. Read the property anew each time: a view that is kept ends when the memory grows. */
  get u8(): Uint8Array {
    return this.#views.u8;
  }

  /** Like {@link u8}, of 8-bit numbers with a sign. */
  get i8(): Int8Array {
    return this.#views.i8;
  }

  /** Like {@link u8}, of 16-bit numbers. */
  get u16(): Uint16Array {
    return this.#views.u16;
  }

  /** Like {@link u8}, of 16-bit numbers with a sign. */
  get i16(): Int16Array {
    return this.#views.i16;
  }

  /** Like {@link u8}, of 32-bit numbers: the index is an address / 4. */
  get u32(): Uint32Array {
    return this.#views.u32;
  }

  /** Like {@link u8}, of 32-bit numbers with a sign. */
  get i32(): Int32Array {
    return this.#views.i32;
  }

  /** Like {@link u8}, of 32-bit floats. */
  get f32(): Float32Array {
    return this.#views.f32;
  }

  /** Like {@link u8}, of 64-bit floats: the index is an address / 8. */
  get f64(): Float64Array {
    return this.#views.f64;
  }

  /** What the heap holds, in numbers whose parts sum up. Walks all pools. */
  stats(): HeapStats {
    const { allocators, debugHeap, mode, views } = this.#alive.parts;
    const now = { ...mode, debug: allocators.debug };
    return statsOf(now, allocators.core, views.memory, this.root, debugHeap?.stats());
  }

  /** The text of CPython's `sys._debugmallocstats()`; empty with `malloc: "malloc"`. */
  debugMallocStats(): string {
    return formatStats(this.stats());
  }

  /**
   * Live blocks of the mem and object domains (CPython: sys.getallocatedblocks()); 0 with
   * `malloc: "malloc"` and `"malloc_debug"`. Freed blocks that a debug mode holds back do not count. Walks all
   * pools.
   */
  getAllocatedBlocks(): number {
    const { allocators, debugHeap, mode } = this.#alive.parts;
    if (!mode.pools) return 0;
    return allocators.core.allocatedBlocks() - (debugHeap?.deadBlocks() ?? 0);
  }

  /**
   * Walks the whole heap; in a debug mode also all blocks, live and held back, whose damage goes where faults
   * go (`onFault`).
   * @throws PyMemError with the number in docs/invariants.md of the first broken invariant
   */
  validate(): void {
    const { host, allocators } = this.#alive.parts;
    // First what all else lies in.
    if (host.own !== undefined) validateMalloc(host.own);
    validateHeap(this.memory, this.root);
    allocators.validateBlocks();
  }

  /** Does `p` point into a pool (CPython: address_in_range)? Any number may be asked about; what is no address does not. */
  isPymallocAddress(p: Address): boolean {
    return isAddress(p) && this.#alive.parts.allocators.core.addressInRange(p) !== 0;
  }

  /**
   * Lets go of the memory and of all that is instantiated over it: `using heap = createHeap()`. After it every use of the heap
   * and of its types throws an Error; a second time it does nothing. Functions that were copied out of the heap
   * before go on working, and keep the memory. A memory that someone else owns stays as it is, with the heap in it, which
   * another one can take over by its root.
   */
  [dispose](): void {
    this.#living = undefined;
    this.#publish();
    this.#views.release();
  }
}

/**
 * Makes a heap, over a memory of its own or over one that someone else owns.
 *
 * @throws TypeError that names the option, its value and what was expected
 * @throws RangeError when there is no room for the heap at all
 */
export function createHeap(options?: HeapOptions): Heap {
  return new Heap(readOptions(options));
}

export type { AllocatorFunctions, CApi };
