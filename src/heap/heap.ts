/** The heap: three domains of functions over one memory. */

import {
  type Address,
  type Allocator,
  type ArenaAllocator,
  type ArenaSource,
  bytesAt,
  type Core,
  type DebugSettings,
  type Domain,
  type DomainName,
  type DomainNumber,
  debugLayout,
  type HeapOptions,
  type HeapSnapshot,
  type HeapStats,
  instantiateCore,
  isAddress,
  LEDGER_SLOT,
  ledgerOf,
  type MallocMode,
  MemoryViews,
  markRoot,
  modeAt,
  nameOf,
  OBJECTS_ROOT,
  PAGE,
  packageVersion,
  type ResolvedOptions,
  ROOT_BLOCK,
  readOptions,
  storeWord,
  unsigned,
  useModules,
} from "../../base/base.js";
import {
  givenHost,
  type Host,
  longestOf,
  restoredHost,
  standaloneHost,
  systemArenas,
  unnested,
} from "../../hosts/hosts.js";
import { DebugHeap, type DebugHost, javascriptTracer, newLedger } from "../debug/debug.js";
import {
  allocatorMembers,
  arenaMembers,
  byCNames,
  copyOf,
  domainNames,
  readDomain,
  requireMembers,
} from "../domains.js";
import { Guests } from "../guests/guests.js";
import { Objects } from "../objects/objects.js";
import { formatStats, statsOf, validateHeap } from "../report/report.js";
import { Allocators } from "./allocators.js";
import { checkedDomains } from "./checked.js";
import { ObjectHeap } from "./object-heap.js";

function hostFor(owner: ResolvedOptions["owner"]): Host {
  if (owner.kind === "given") return givenHost(owner.memory, owner.system);
  if (owner.kind === "snapshot") return restoredHost(owner.image, owner.maximumPages);
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
  /**
   * The same three domains for numbers from outside: their functions check what they are given, as the exports
   * themselves can't at no cost. See {@link Domain}.
   */
  readonly checked: Readonly<Record<DomainName, Domain>>;
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
  readonly #mode: MallocMode;
  readonly #settings: DebugSettings;
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
    useModules(options.modules);
    this.#settings = options.settings;
    this.#host = hostFor(options.owner);
    const { memory, system, own } = this.#host;
    this.#views = new MemoryViews(memory);
    const { adopted } = options;
    this.#mode = adopted === undefined ? options.mode : modeAt(memory, adopted, own !== undefined);
    this.root = adopted?.root ?? unsigned(system.calloc(1, ROOT_BLOCK));
    if (this.root === 0) {
      throw new RangeError("createHeap: the memory has no room for the heap's root");
    }
    const { pools, debug } = this.#mode;
    const source = systemArenas(memory, system, this.root, { fillHoles: !debug });
    this.#defaultArenas = Object.freeze({
      ctx: null,
      alloc: (_ctx: unknown, bytes: number) => unsigned(source.longest(bytes)),
      free: (_ctx: unknown, p: Address, bytes: number) => source.free(p, bytes),
    });
    this.#arenas = this.#defaultArenas;
    this.#arenaSource = unnested({
      // An allocator that was set is asked for the longest arenas only, and knows itself where to put them.
      alloc: () =>
        this.#arenas === this.#defaultArenas ? source.alloc() : longestOf(memory, this.#arenas),
      free: (p, bytes) => this.#arenas.free(this.#arenas.ctx, p, bytes),
    });
    const systemCore = this.#coreOver(system);
    if (adopted === undefined) systemCore.initialize(own?.indent);

    this.#allocators = new Allocators({
      pools,
      systemCore,
      coreOver: (raw) => this.#coreOver(raw),
      debugHeap: () => this.#makeDebugHeap(),
    });
    if (debug) this.#setUpDebugMode(adopted === undefined);
    if (adopted === undefined) markRoot(memory, this.root, { pools, ownMemory: own !== undefined });
    this.raw = this.#allocators.functions("raw");
    this.mem = this.#allocators.functions("mem");
    this.object = this.#allocators.functions("object");
    this.checked = checkedDomains(this);
    this.objects = new Objects(this.#views, this.root + OBJECTS_ROOT, this.raw, this.object);
    this.#guests = new Guests({
      host: this.#host,
      views: this.#views,
      objects: this.objects,
      control: this,
      domains: this,
      poolOf: (p) => this.#allocators.core.poolOf(p),
      debug: () => this.#allocators.debug,
      sizeAt: (p) => this.#allocators.sizeAt(p),
      alignDebugBlocks: () => this.#debugHeap?.write(debugLayout.ALIGNS, 1),
    });
    this.#publish();
  }

  /** @throws RangeError when there is no memory for it; then nothing is left of a new heap */
  #setUpDebugMode(isNew: boolean): void {
    try {
      this.#allocators.setupDebugHooks();
    } catch (error) {
      if (isNew) this.#host.system.free(this.root);
      throw error;
    }
  }

  #coreOver(raw: Domain): Core {
    return instantiateCore(this.#host.memory, this.root, this.#host.system, raw, this.#arenaSource);
  }

  #makeDebugHeap(): DebugHeap {
    if (this.#debugHeap !== undefined) return this.#debugHeap;
    const { memory, system } = this.#host;
    const host: DebugHost = {
      memory,
      system,
      settings: this.#settings,
      tracer: javascriptTracer,
      poolOf: (p) => this.#allocators.core.poolOf(p),
    };
    const ledger = ledgerOf(memory, this.root) || newLedger(host);
    if (ledger === 0) throw new RangeError("the memory has no room for the debug mode's ledger");
    storeWord(memory, this.root + LEDGER_SLOT, ledger);
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
    this.#guests.rebind();
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
    requireMembers(allocator, allocatorMembers, where);
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
   * What they throw comes out of the call that asked for an arena or gave one back; see core/heap/heap-host.ts.
   * @throws TypeError for an incomplete allocator
   */
  PyObject_SetArenaAllocator(allocator: ArenaAllocator): void {
    requireMembers(allocator, arenaMembers, "PyObject_SetArenaAllocator");
    const known = allocator === this.#defaultArenas || allocator === this.#arenas;
    this.#arenas = known ? allocator : copyOf(allocator, arenaMembers);
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
    return this.#guests.instantiate(bytes, imports);
  }

  /**
   * A copy of the heap, to be given to `createHeap({ from })`, now or later, here or in another thread: it is all of
   * the memory that the heap uses, and what it is taken for. What JavaScript has is not in it: hooks, instances of
   * guests, the stacks of a debug mode, types and their deallocs (see `adoptType`).
   * @throws Error where the heap's memory is someone else's, whose state is no part of the heap
   */
  snapshot(): HeapSnapshot {
    const { memory, own } = this.#host;
    if (own === undefined) {
      throw new Error(
        "snapshot: the heap's memory is someone else's, expected a heap that createHeap made a memory for; " +
          "a copy of that memory, with the malloc that owns it, is taken over by createHeap({ memory, system, root })",
      );
    }
    return Object.freeze({
      image: bytesAt(memory, 0, own.pagesInUse() * PAGE).slice(),
      root: this.root,
      malloc: nameOf({ ...this.#mode, debug: ledgerOf(memory, this.root) !== 0 }),
      version: packageVersion,
    });
  }

  /** The memory that the heap is in. */
  get memory(): WebAssembly.Memory {
    return this.#host.memory;
  }

  /** Views of the whole memory. Read the property anew each time: a view that is kept ends when the memory grows. */
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
    const mode = { ...this.#mode, debug: this.#allocators.debug };
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
    if (!this.#mode.pools) return 0;
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

  /** Does `p` point into a pool (CPython: address_in_range)? Any number may be asked about; what is no address does not. */
  isPymallocAddress(p: Address): boolean {
    return isAddress(p) && this.#allocators.core.addressInRange(p) !== 0;
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
