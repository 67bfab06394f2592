/**
 * Which functions serve each domain of a heap: its own, an allocator that was set, the debug hooks.
 *
 *     raw               <- [debug] <- hooks           the system malloc
 *      |
 *     core: the pools, over raw as it is hooked
 *      |
 *     mem, object       <- [debug] <- hooks
 *
 * Nothing tests at run time what is in place. What changes is the imports of the modules' instances: two
 * instances over one state are the same heap, so a module is simply instantiated again. An instance is remembered
 * with what it stands on: when that comes back, so do the very same functions.
 */
import {
  type Address,
  type Allocator,
  type Core,
  type DebugCore,
  type Domain,
  type DomainName,
  unsigned,
} from "../../base/base.js";
import type { DebugHeap } from "../debug/debug.js";
import {
  bind,
  debugDomain,
  domainNames,
  inForce,
  late,
  objectDomain,
  rawDomain,
  recordOf,
  remembered,
  withContext,
} from "../domains.js";

type ByDomain<T> = Record<DomainName, T>;

function forDomains<T>(make: (name: DomainName) => T): ByDomain<T> {
  return { raw: make("raw"), mem: make("mem"), object: make("object") };
}

/** Debug functions that stand on a core, and the allocators that they are in front of. */
interface Upper {
  readonly below: ByDomain<Allocator>;
  readonly core: DebugCore;
}

/** What a heap is built from. */
export interface Parts {
  readonly pools: boolean;
  /** The core over the system malloc, and one over another raw domain. */
  readonly systemCore: Core;
  coreOver(raw: Domain): Core;
  /** The debug heap, made at its first use. */
  debugHeap(): DebugHeap;
}

export class Allocators {
  readonly #parts: Parts;
  readonly #defaults: ByDomain<Allocator>;
  readonly #debugHooks: ByDomain<Allocator>;
  readonly #current: ByDomain<Allocator>;
  /** What the debug hooks of a domain stand on, as long as they are in place. */
  readonly #below: Partial<ByDomain<Allocator>> = {};
  #core: Core;
  /** The debug functions of raw, which the core stands on, and those that stand on the core. */
  #lower: DebugCore | undefined;
  #upper: DebugCore | undefined;
  readonly #lowers = new WeakMap<Allocator, DebugCore>();
  readonly #cores = new WeakMap<Domain["malloc"], Core>();
  readonly #uppers = new WeakMap<Core, Upper>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#core = parts.systemCore;
    this.#defaults = forDomains((name) => withContext(() => this.#defaultDomain(name)));
    this.#debugHooks = forDomains((name) => withContext(() => this.#debugDomain(name)));
    this.#current = { ...this.#defaults };
  }

  /** The core whose raw domain is the one in force. */
  get core(): Core {
    return this.#core;
  }

  /** Are the debug hooks in place? */
  get debug(): boolean {
    return this.#below.object !== undefined;
  }

  get(name: DomainName): Allocator {
    return this.#current[name];
  }

  set(name: DomainName, allocator: Allocator): void {
    const before = this.#below[name];
    const below = before && inForce(before);
    this.#current[name] = inForce(recordOf(allocator));
    if (below === undefined || below === this.#current[name]) delete this.#below[name];
    else this.#below[name] = below;
    if (name === "raw" || below !== before) this.#assemble();
  }

  /** Puts the debug hooks on every domain that has none; false when all had them. */
  setupDebugHooks(): boolean {
    this.#parts.debugHeap(); // or there is no memory for it, and nothing has changed
    const bare = domainNames.filter((name) => this.#below[name] === undefined);
    for (const name of bare) {
      this.#below[name] = this.#current[name];
      this.#current[name] = this.#debugHooks[name];
    }
    if (bare.length > 0) this.#assemble();
    return bare.length > 0;
  }

  /** The functions in force: exports of WebAssembly where nothing of JavaScript's is hooked. */
  functions(name: DomainName, allocator = this.#current[name]): Domain {
    if (allocator === this.#defaults[name]) return this.#defaultDomain(name);
    if (allocator === this.#debugHooks[name]) return this.#debugDomain(name);
    return bind(allocator);
  }

  /**
   * The bytes that were asked for of a live block of mem or object, as the debug hooks know it: 0 where none begins, undefined
   * without them and for a block from before.
   */
  sizeAt(p: Address): number | undefined {
    if (!this.debug || this.#upper === undefined) return undefined;
    const size = unsigned(this.#upper.sizeAt(p));
    return size === 0 && this.#upper.isEarlier(p) !== 0 ? undefined : size;
  }

  /** Reports what the debug hooks find damaged. */
  validateBlocks(): void {
    this.#upper?.validate();
  }

  #defaultDomain(name: DomainName): Domain {
    const pooled = name !== "raw" && this.#parts.pools;
    return pooled ? objectDomain(this.#core) : rawDomain(this.#parts.systemCore);
  }

  #debugDomain(name: DomainName): Domain {
    return debugDomain((name === "raw" ? this.#lower : this.#upper) as DebugCore, name);
  }

  /** Puts together what stands on something that changed, from the bottom up. */
  #assemble(): void {
    const below = forDomains((name) => this.#below[name] ?? this.#defaults[name]);
    const ground = (name: DomainName) => this.functions(name, below[name]);
    const debugs = Object.keys(this.#below).length > 0;
    const { debugHeap, systemCore, coreOver } = this.#parts;
    if (debugs) {
      // The lower instance stands below the core, and so can only find what stands on it when it is called:
      // when a free of raw makes another family's block leave the quarantine.
      this.#lower = remembered(this.#lowers, below.raw, () => {
        const now = (name: DomainName) =>
          late(() => this.functions(name, this.#below[name] ?? this.#defaults[name]));
        return debugHeap().instantiate({
          raw: ground("raw"),
          mem: now("mem"),
          object: now("object"),
        });
      });
    }
    const raw = this.functions("raw");
    const isDefault = this.#current.raw === this.#defaults.raw;
    this.#core = isDefault ? systemCore : remembered(this.#cores, raw.malloc, () => coreOver(raw));
    if (!debugs) return;
    const known = this.#uppers.get(this.#core);
    const isKnown =
      known !== undefined && domainNames.every((name) => known.below[name] === below[name]);
    const core = isKnown ? known.core : debugHeap().instantiate(forDomains(ground));
    this.#uppers.set(this.#core, { below, core });
    this.#upper = core;
  }
}
