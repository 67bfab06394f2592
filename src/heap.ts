/** The heap: three domains of functions over one memory. */
import { Allocators } from "./allocators.js";
import { type ArenaSource, type Core, instantiateCore } from "./core.js";
import { DebugHeap, type DebugHost, newLedger } from "./debug.js";
import { byCNames, domainNames, readDomain, requireMembers } from "./domains.js";
import { hex } from "./errors.js";
import { debugLayout, layout, objectsLayout } from "./generated/modules.js";
import { Guests } from "./guests/guests.js";
import { type Host, systemArenas, unnested } from "./hosts/host.js";
import { restoredHost, standaloneHost } from "./hosts/standalone.js";
import { MemoryViews } from "./memory.js";
import { ObjectHeap } from "./object-heap.js";
import { Objects } from "./objects.js";
import { type HeapOptions, nameOf, type ResolvedOptions, readOptions } from "./options.js";
import { javascriptTracer } from "./stacks.js";
import { formatStats, statsOf } from "./stats.js";
import type {
  Address,
  Allocator,
  ArenaAllocator,
  Domain,
  DomainName,
  DomainNumber,
  HeapStats,
} from "./types.js";
import { validateHeap } from "./validate.js";

/** The root block: the core's part, that of the objects, and the address of the debug heap's ledger. */
const OBJECTS_ROOT = layout.ROOT_SIZE;
const LEDGER_SLOT = OBJECTS_ROOT + objectsLayout.OBJECTS_ROOT_SIZE;
const ROOT_BLOCK = LEDGER_SLOT + 4;

function hostFor(owner: ResolvedOptions["owner"]): Host {
  if (owner.kind === "given") return { memory: owner.memory, system: owner.system };
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
  readonly #options: ResolvedOptions;
  readonly #allocators: Allocators;
  #debugHeap: DebugHeap | undefined;
  readonly #defaultArenas: ArenaAllocator;
  #arenas: ArenaAllocator;
  readonly #arenaSource: ArenaSource;
  readonly #guests: Guests;
  /** @internal */
  protected override readonly objects: Objects;

  /** @internal */
  constructor(options: ResolvedOptions) {
    super();
    this.#options = options;
    this.#host = hostFor(options.owner);
    this.#views = new MemoryViews(this.#host.memory);
    this.root = options.root ?? this.#host.system.calloc(1, ROOT_BLOCK);
    if (this.root === 0) {
      throw new RangeError("createHeap: the memory has no room for the heap's root");
    }
    const source = systemArenas(this.#host.memory, this.#host.system, this.root, {
      fillHoles: !options.mode.debug,
    });
    this.#defaultArenas = Object.freeze({
      ctx: null,
      alloc: (_ctx: unknown, bytes: number) => source.alloc(bytes),
      free: (_ctx: unknown, p: Address, bytes: number) => source.free(p, bytes),
    });
    this.#arenas = this.#defaultArenas;
    this.#arenaSource = unnested({
      alloc: (bytes) => this.#arenas.alloc(this.#arenas.ctx, bytes),
      free: (p, bytes) => this.#arenas.free(this.#arenas.ctx, p, bytes),
      // An allocator that was set is asked for the longest runs only, and knows itself where to put them.
      hole: () => (this.#arenas === this.#defaultArenas ? source.hole() : 0),
    });
    const systemCore = this.#coreOver(this.#host.system);
    if (options.root === undefined) systemCore.initialize();
    else this.#checkMode();

    this.#allocators = new Allocators({
      pools: options.mode.pools,
      systemCore,
      coreOver: (raw) => this.#coreOver(raw),
      debugHeap: () => this.#makeDebugHeap(),
    });
    if (options.mode.debug) this.#allocators.setupDebugHooks();
    this.raw = this.#allocators.functions("raw");
    this.mem = this.#allocators.functions("mem");
    this.object = this.#allocators.functions("object");
    this.objects = new Objects(this.#views, this.root + OBJECTS_ROOT, this.raw, this.object);
    this.#publish();
    this.#guests = new Guests({
      host: this.#host,
      views: this.#views,
      objects: this.objects,
      control: this,
      domains: this,
      poolOf: (p) => this.#allocators.core.poolOf(p),
      debug: () => this.#allocators.debug,
    });
  }

  #coreOver(raw: Domain): Core {
    return instantiateCore(this.#host.memory, this.root, this.#host.system, raw, this.#arenaSource);
  }

  /** The address of the debug heap's ledger; 0 while there is none. */
  get #ledger(): Address {
    return this.#views.u32[(this.root + LEDGER_SLOT) >>> 2] as number;
  }

  /** A block with pads in it is not one without: a heap that is there has to be taken for what it is. */
  #checkMode(): void {
    const { mode, root } = this.#options;
    const debug = this.#ledger !== 0;
    if (debug === mode.debug) return;
    const word = nameOf({ ...mode, debug });
    throw new TypeError(
      `createHeap: malloc is "${nameOf(mode)}", expected "${word}" for the heap at ${hex(root as Address)}`,
    );
  }

  #makeDebugHeap(): DebugHeap {
    if (this.#debugHeap !== undefined) return this.#debugHeap;
    const { memory, system } = this.#host;
    const host: DebugHost = {
      memory,
      system,
      settings: this.#options.settings,
      tracer: javascriptTracer,
      poolOf: (p) => this.#allocators.core.poolOf(p),
    };
    const ledger = this.#ledger || newLedger(host);
    if (ledger === 0) throw new RangeError("the memory has no room for the debug mode's ledger");
    this.#views.u32[(this.root + LEDGER_SLOT) >>> 2] = ledger;
    this.#debugHeap = new DebugHeap(host, ledger);
    return this.#debugHeap;
  }

  /** Puts the functions in force in their places: exports where nothing is hooked. */
  #publish(): void {
    for (const name of domainNames) {
      Object.assign(this[name], this.#allocators.functions(name));
    }
    Object.assign(this, byCNames(this));
    this.objects.rebind();
  }

  /**
   * The allocator of a domain, as it was set or as the heap was made with
   * (CPython: PyMem_GetAllocator).
   * @throws TypeError for an unknown domain
   */
  PyMem_GetAllocator(domain: DomainName | DomainNumber): Allocator {
    return this.#allocators.get(readDomain(domain, "PyMem_GetAllocator"));
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
    this.#allocators.set(name, allocator);
    this.#publish();
  }

  /**
   * Puts the debug hooks of the debug modes on every domain that has none, over the allocator that is set there
   * (CPython: PyMem_SetupDebugHooks). Blocks that are live already are let pass, and so are wrong pointers to
   * where no block was allocated since; a heap that was made in a debug mode knows more.
   * @throws RangeError when there is no memory for the debug heap's ledger
   */
  PyMem_SetupDebugHooks(): void {
    if (this.#allocators.setupDebugHooks()) this.#debugHeap?.write(debugLayout.EARLIER_ANY, 1);
    this.#publish();
  }

  /** Where arenas come from (CPython: PyObject_GetArenaAllocator). */
  PyObject_GetArenaAllocator(): ArenaAllocator {
    return this.#arenas;
  }

  /**
   * Sets where arenas come from and go to (CPython: PyObject_SetArenaAllocator). `alloc` is asked for a run of
   * several arenas, and a few bytes less, so that a malloc's own header fits into it; `free` gets the same size. Both
   * may use the heap; `alloc` is not called again while it is at work, and what it needs then comes from the raw domain.
   * What they throw comes out of the call that asked for an arena or gave one back; see core/host.ts.
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

  /**
   * What a guest imports that was written to `include/pymalloc.h`: the functions in force now, and the memory. For
   * those who instantiate it themselves, in a part of the memory that nobody else uses; see {@link instantiate}.
   * @param table where the guest's function pointers are found (its export `__indirect_function_table`); needed once
   *   it hands one in, with `PyType_Ready` or `PyMem_SetAllocator`
   */
  imports(table: () => WebAssembly.Table | undefined = () => undefined): WebAssembly.Imports {
    return this.#guests.imports(table);
  }

  /**
   * Instantiates a guest in this heap's memory, with the functions in force now, and runs its constructors
   * (`_initialize`). The guest's data and stack get the memory up to the end that it was linked for; see docs/guests.md.
   * A guest that calls `PyMem_SetAllocator` or `PyMem_SetupDebugHooks` always has the functions in force.
   * @param bytes the guest's binary
   * @param imports what else it imports, by module and name: WASI's functions, for example
   * @throws TypeError when guest and heap can't share a memory, or an import is missing; it says what was expected
   * @throws RangeError when there is no memory for the guest's data
   * @throws WebAssembly.CompileError when `bytes` is no WebAssembly
   */
  instantiate(bytes: BufferSource, imports: WebAssembly.Imports = {}): WebAssembly.Instance {
    return this.#guests.instantiate(bytes, imports);
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
    const mode = { ...this.#options.mode, debug: this.#allocators.debug };
    const debug = this.#debugHeap?.stats();
    return statsOf(mode, this.#allocators.core, this.#host.memory, this.root, debug);
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
    if (!this.#options.mode.pools) return 0;
    return this.#allocators.core.allocatedBlocks() - (this.#debugHeap?.deadBlocks() ?? 0);
  }

  /**
   * Walks the whole heap; in a debug mode also all blocks, live and held back, whose damage goes where faults
   * go (`onFault`).
   * @throws PyMemError with the number in docs/invariants.md of the first broken invariant
   */
  validate(): void {
    validateHeap(this.#host.memory, this.root);
    this.#allocators.validateBlocks();
  }

  /** Does `p` point into a pool (CPython: address_in_range)? Any number may be asked about. */
  isPymallocAddress(p: Address): boolean {
    return this.#allocators.core.addressInRange(p) !== 0;
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
