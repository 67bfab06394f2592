/** The heap: three domains of functions over one memory. */
import { type ArenaSource, type Core, instantiateCore } from "./core.js";
import {
  bind,
  copyOf,
  domainNames,
  objectDomain,
  rawDomain,
  readDomain,
  requireMembers,
  withContext,
} from "./domains.js";
import { layout, objectsLayout } from "./generated/modules.js";
import { givenHost, type Host } from "./hosts/host.js";
import { restoredHost, standaloneHost } from "./hosts/standalone.js";
import { MemoryViews } from "./memory.js";
import { ObjectHeap } from "./object-heap.js";
import { Objects } from "./objects.js";
import { type ResolvedOptions, readOptions } from "./options.js";
import { emptyStats, formatStats, readStats } from "./stats.js";
import type {
  Address,
  Allocator,
  ArenaAllocator,
  Domain,
  DomainName,
  DomainNumber,
  HeapOptions,
  HeapStats,
} from "./types.js";
import { validateHeap } from "./validate.js";

function hostFor(owner: ResolvedOptions["owner"]): Host {
  if (owner.kind === "given") return givenHost(owner.memory, owner.system);
  if (owner.kind === "image") return restoredHost(owner.image, owner.maximumPages);
  return standaloneHost(owner.initialPages, owner.maximumPages);
}

/** A heap. Make one with {@link createHeap}; any number can live in one process. */
export class Heap extends ObjectHeap {
  /** The raw domain: the system malloc (CPython: PyMem_RawMalloc, ...). */
  readonly raw: Domain;
  /** The mem domain: for buffers of Python's own (CPython: PyMem_Malloc, ...). */
  readonly mem: Domain;
  /** The object domain: for objects (CPython: PyObject_Malloc, ...). */
  readonly object: Domain;
  /** Address of the block that all of the heap's state is reached from. See {@link HeapOptions.root}. */
  readonly root: Address;

  PyMem_RawMalloc!: Domain["malloc"];
  PyMem_RawCalloc!: Domain["calloc"];
  PyMem_RawRealloc!: Domain["realloc"];
  PyMem_RawFree!: Domain["free"];
  PyMem_Malloc!: Domain["malloc"];
  PyMem_Calloc!: Domain["calloc"];
  PyMem_Realloc!: Domain["realloc"];
  PyMem_Free!: Domain["free"];
  PyObject_Malloc!: Domain["malloc"];
  PyObject_Calloc!: Domain["calloc"];
  PyObject_Realloc!: Domain["realloc"];
  PyObject_Free!: Domain["free"];

  readonly #host: Host;
  readonly #views: MemoryViews;
  readonly #pooled: boolean;
  /** The core over the system malloc itself, and the one over the raw domain as it is hooked now. */
  readonly #systemCore: Core;
  #core: Core;
  readonly #defaults: Readonly<Record<DomainName, Allocator>>;
  readonly #allocators: Record<DomainName, Allocator>;
  readonly #defaultArenas: ArenaAllocator;
  #arenas: ArenaAllocator;
  /** @internal */
  protected override readonly objects: Objects;

  /** @internal */
  constructor(options: ResolvedOptions) {
    super();
    this.#host = hostFor(options.owner);
    this.#views = new MemoryViews(this.#host.memory);
    this.#pooled = options.malloc === "pymalloc";
    const source = this.#host.arenas;
    this.#defaultArenas = Object.freeze({
      ctx: null,
      alloc: (_ctx: unknown, bytes: number) => source.alloc(bytes),
      free: (_ctx: unknown, p: Address, bytes: number) => source.free(p, bytes),
    });
    this.#arenas = this.#defaultArenas;
    const rootSize = layout.ROOT_SIZE + objectsLayout.OBJECTS_ROOT_SIZE;
    this.root = options.root ?? this.#host.system.calloc(1, rootSize);
    if (this.root === 0) {
      throw new RangeError("createHeap: the memory has no room for the heap's root");
    }
    this.#systemCore = this.#coreOver(this.#host.system);
    if (options.root === undefined) this.#systemCore.initialize();
    this.#core = this.#systemCore;

    this.raw = this.#defaultDomain("raw");
    this.mem = this.#defaultDomain("mem");
    this.object = this.#defaultDomain("object");
    this.#defaults = {
      raw: withContext(() => this.#defaultDomain("raw")),
      mem: withContext(() => this.#defaultDomain("mem")),
      object: withContext(() => this.#defaultDomain("object")),
    };
    this.#allocators = { ...this.#defaults };
    const objectsRoot = this.root + layout.ROOT_SIZE;
    this.objects = new Objects(this.#views, objectsRoot, this.raw, this.object);
    this.#publish();
  }

  #coreOver(raw: Domain): Core {
    const arenas: ArenaSource = {
      alloc: (bytes) => this.#arenas.alloc(this.#arenas.ctx, bytes),
      free: (p, bytes) => this.#arenas.free(this.#arenas.ctx, p, bytes),
    };
    return instantiateCore(this.#host.memory, this.root, this.#host.system, raw, arenas);
  }

  #defaultDomain(name: DomainName): Domain {
    const pooled = name !== "raw" && this.#pooled;
    return pooled ? objectDomain(this.#core) : rawDomain(this.#systemCore);
  }

  /** Puts the functions in force in their places: exports where nothing is hooked. */
  #publish(): void {
    for (const name of domainNames) {
      const hooked = this.#allocators[name] !== this.#defaults[name];
      Object.assign(this[name], hooked ? bind(this.#allocators[name]) : this.#defaultDomain(name));
    }
    const families = { PyMem_Raw: this.raw, PyMem_: this.mem, PyObject_: this.object };
    for (const [prefix, domain] of Object.entries(families)) {
      const { malloc, calloc, realloc, free } = domain;
      Object.assign(this, {
        [`${prefix}Malloc`]: malloc,
        [`${prefix}Calloc`]: calloc,
        [`${prefix}Realloc`]: realloc,
        [`${prefix}Free`]: free,
      });
    }
    this.objects.rebind();
  }

  /**
   * The allocator of a domain, as it was set or as the heap was made with
   * (CPython: PyMem_GetAllocator).
   * @throws TypeError for an unknown domain
   */
  PyMem_GetAllocator(domain: DomainName | DomainNumber): Allocator {
    return this.#allocators[readDomain(domain, "PyMem_GetAllocator")];
  }

  /**
   * Sets the allocator of a domain (CPython: PyMem_SetAllocator). It has to wrap the one before it, or
   * know what to do with blocks that are live already. What `PyMem_GetAllocator` gave brings the
   * unhooked functions back. Functions that were copied out of the heap before (`const { malloc } =
   * heap.object`) stay what they were. A hook in the raw domain also sees the large requests of the other two.
   * @throws TypeError for an unknown domain or an incomplete allocator
   */
  PyMem_SetAllocator(domain: DomainName | DomainNumber, allocator: Allocator): void {
    const where = "PyMem_SetAllocator";
    const name = readDomain(domain, where);
    requireMembers(allocator, ["malloc", "calloc", "realloc", "free"], where);
    const isDefault = allocator === this.#defaults[name];
    this.#allocators[name] = isDefault ? allocator : copyOf(allocator);
    if (name === "raw") {
      this.#core = isDefault ? this.#systemCore : this.#coreOver(bind(this.#allocators.raw));
    }
    this.#publish();
  }

  /** Where arenas come from (CPython: PyObject_GetArenaAllocator). */
  PyObject_GetArenaAllocator(): ArenaAllocator {
    return this.#arenas;
  }

  /**
   * Sets where arenas come from and go to (CPython: PyObject_SetArenaAllocator). `alloc` is asked for
   * a few bytes less than an arena, so that a malloc's own header fits into it.
   * @throws TypeError for an incomplete allocator
   */
  PyObject_SetArenaAllocator(allocator: ArenaAllocator): void {
    requireMembers(allocator, ["alloc", "free"], "PyObject_SetArenaAllocator");
    this.#arenas =
      allocator === this.#defaultArenas
        ? allocator
        : Object.freeze({
            ctx: allocator.ctx,
            alloc: allocator.alloc.bind(allocator),
            free: allocator.free.bind(allocator),
          });
  }

  /** The memory that the heap is in. */
  get memory(): WebAssembly.Memory {
    return this.#host.memory;
  }

  /** Views of the whole memory, valid after growth as well: read them anew instead of keeping them. */
  get u8(): Uint8Array {
    return this.#views.u8;
  }

  get i8(): Int8Array {
    return this.#views.i8;
  }

  get u16(): Uint16Array {
    return this.#views.u16;
  }

  get i16(): Int16Array {
    return this.#views.i16;
  }

  get u32(): Uint32Array {
    return this.#views.u32;
  }

  get i32(): Int32Array {
    return this.#views.i32;
  }

  get f32(): Float32Array {
    return this.#views.f32;
  }

  get f64(): Float64Array {
    return this.#views.f64;
  }

  /** What the heap holds, in numbers whose parts sum up. Walks all pools. */
  stats(): HeapStats {
    if (!this.#pooled) return emptyStats();
    return readStats(this.#core, this.#host.memory, this.root);
  }

  /** The text of CPython's `sys._debugmallocstats()`; empty with `malloc: "malloc"`. */
  debugMallocStats(): string {
    return formatStats(this.stats());
  }

  /**
   * Live blocks of the mem and object domains (CPython: sys.getallocatedblocks()); 0 with
   * `malloc: "malloc"`. Walks all pools.
   */
  getAllocatedBlocks(): number {
    return this.#pooled ? this.#core.allocatedBlocks() : 0;
  }

  /**
   * Walks the whole heap.
   * @throws PyMemError with the number in docs/invariants.md of the first broken invariant
   */
  validate(): void {
    validateHeap(this.#core, this.#host.memory, this.root);
  }

  /** Does `p` point into a pool (CPython: address_in_range)? Any number may be asked about. */
  isPymallocAddress(p: Address): boolean {
    return this.#core.addressInRange(p) !== 0;
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
