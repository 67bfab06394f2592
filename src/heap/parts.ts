/** What a heap consists of, put together over its memory. */
import {
  type Address,
  type Core,
  type DebugSettings,
  type Domain,
  instantiateCore,
  LEDGER_SLOT,
  ledgerOf,
  type MallocMode,
  MemoryViews,
  markRoot,
  modeAt,
  outOfMemory,
  type ResolvedOptions,
  ROOT_BLOCK,
  storeWord,
  unsigned,
} from "../../base/base.js";
import {
  givenHost,
  type Host,
  restoredHost,
  standaloneHost,
  systemArenas,
} from "../../hosts/hosts.js";
import { DebugHeap, type DebugHost, javascriptTracer, newLedger } from "../debug/debug.js";
import { Allocators } from "./allocators.js";
import { ArenaAllocators } from "./arena-allocators.js";

function hostFor(owner: ResolvedOptions["owner"], pools: boolean): Host {
  if (owner.kind === "given") return givenHost(owner.memory, owner.system);
  if (owner.kind === "snapshot") return restoredHost(owner.image, owner.maximumPages);
  return standaloneHost(owner.initialPages, owner.maximumPages, pools);
}

export class HeapParts {
  readonly host: Host;
  readonly views: MemoryViews;
  readonly mode: MallocMode;
  /** Address of the block that all of the heap's state is reached from. */
  readonly root: Address;
  readonly arenas: ArenaAllocators;
  readonly allocators: Allocators;
  readonly #settings: DebugSettings;
  #debugHeap: DebugHeap | undefined;

  constructor({ owner, adopted, mode, settings }: ResolvedOptions) {
    this.#settings = settings;
    this.host = hostFor(owner, mode.pools);
    const { memory, system, own } = this.host;
    this.views = new MemoryViews(memory);
    this.mode = adopted === undefined ? mode : modeAt(memory, adopted, own !== undefined);
    this.root = adopted?.root ?? unsigned(system.calloc(1, ROOT_BLOCK));
    if (this.root === 0) {
      throw outOfMemory("createHeap: the memory has no room for the heap's root");
    }
    const { pools, debug } = this.mode;
    const source = own?.arenas ?? systemArenas(memory, system, this.root, { fillHoles: !debug });
    this.arenas = new ArenaAllocators(memory, source);
    const systemCore = this.#coreOver(system);
    if (adopted === undefined) systemCore.initialize(own?.indent);
    this.allocators = new Allocators({
      pools,
      systemCore,
      coreOver: (raw) => this.#coreOver(raw),
      debugHeap: () => this.#makeDebugHeap(),
    });
    if (debug) this.#setUpDebugMode(adopted === undefined);
    if (adopted === undefined) markRoot(memory, this.root, { pools, ownMemory: own !== undefined });
  }

  /** The debug heap, once there is one. */
  get debugHeap(): DebugHeap | undefined {
    return this.#debugHeap;
  }

  /** @throws RangeError when there is no memory for it; then nothing is left of a new heap */
  #setUpDebugMode(isNew: boolean): void {
    try {
      this.allocators.setupDebugHooks();
    } catch (error) {
      if (isNew) this.host.system.free(this.root);
      throw error;
    }
  }

  #coreOver(raw: Domain): Core {
    const { memory, system } = this.host;
    return instantiateCore(memory, this.root, system, raw, this.arenas.source);
  }

  #makeDebugHeap(): DebugHeap {
    if (this.#debugHeap !== undefined) return this.#debugHeap;
    const { memory, system } = this.host;
    const host: DebugHost = {
      memory,
      system,
      settings: this.#settings,
      tracer: javascriptTracer,
      poolOf: (p) => this.allocators.core.poolOf(p),
    };
    const ledger = ledgerOf(memory, this.root) || newLedger(host);
    if (ledger === 0) throw outOfMemory("the memory has no room for the debug mode's ledger");
    storeWord(memory, this.root + LEDGER_SLOT, ledger);
    this.#debugHeap = new DebugHeap(host, ledger);
    return this.#debugHeap;
  }
}
