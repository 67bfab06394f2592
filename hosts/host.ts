/** A host: a memory, the malloc that owns it, and how arenas are best taken from that malloc. */
import {
  type Address,
  type ArenaAllocator,
  type ArenaSource,
  arenasModule,
  bytesAt,
  instantiate,
  layout,
  type SystemMalloc,
  unsigned,
} from "../base/base.js";

export interface Host {
  readonly memory: WebAssembly.Memory;
  readonly system: SystemMalloc;
  /** Where the memory is the heap's own, and so can be shared with guests. */
  readonly own?: OwnMemory;
}

/** A memory that the heap's system malloc owns. */
export interface OwnMemory {
  /** How far pools are indented (`initialize` of the core), so that a guest's malloc has blocks at multiples of 16. */
  readonly indent: number;
  /** Pages that the memory may grow to. */
  readonly maximumPages: number;
  /** Pages, from the beginning, that are taken. */
  pagesInUse(): number;
  /** Leaves the pages from `start`, behind those in use, up to `end` to someone else; 0 where there is no memory for them. */
  leave(start: number, end: number): number;
  /** Takes back the pages from `start` on that were left, whatever is in them. */
  takeBack(start: number): void;
  /** The bytes that may be used of a block of the system malloc. */
  usableSize(p: Address): number;
  /** The number of the malloc's first invariant that is broken; 0 for none. And where that was found. */
  validate(): number;
  brokenAt(): Address;
  /** The malloc knows where there is room for arenas. */
  readonly arenas: SystemArenas;
}

/** The exports of hosts/wasm/arena-source.ts. */
interface Arenas {
  arenaAlloc(): Address;
  arenaFree(p: Address, bytes: number): void;
  longestArena(bytes: number): Address;
}

/** Arenas out of a system malloc. */
export interface SystemArenas extends ArenaSource {
  /** The longest arena, of so many bytes, for whoever asks by CPython's interface, which has no word for another length. */
  longest(bytes: number): Address;
}

export interface ArenaOptions {
  /** Where the memory ends that has holes in it already; 0 when there are none. */
  readonly begin?: Address;
  /**
   * Do small blocks fill the holes that are too short for arenas? Not in a debug mode: wherever blocks were, a
   * shadow stays.
   */
  readonly fillHoles: boolean;
}

/**
 * A source that is not asked for another arena while it looks for one. Who has to allocate in order to give an arena would
 * otherwise be asked for the next one, and so on without an end; so that gets what it needs from the raw domain.
 */
export function unnested({ alloc, free }: ArenaSource): ArenaSource {
  let isAtWork = false;
  const once = (): Address => {
    if (isAtWork) return 0;
    isAtWork = true;
    try {
      return alloc();
    } finally {
      isAtWork = false;
    }
  };
  return { alloc: once, free };
}

/** The longest arena of an allocator that was set, as the core wants it: how long it is stands in it. */
export function longestOf(memory: WebAssembly.Memory, allocator: ArenaAllocator): Address {
  const p = unsigned(allocator.alloc(allocator.ctx, layout.ARENA_REQUEST));
  const units = layout.LONGEST_ARENA / layout.UNIT_SIZE;
  if (p !== 0) bytesAt(memory, p + layout.SPARE_UNITS, 4).set([units, 0, 0, 0]);
  return p;
}

/** Arenas, for the heap at `root`, out of the malloc that owns the memory. */
export function systemArenas(
  memory: WebAssembly.Memory,
  system: SystemMalloc,
  root: Address,
  { begin = 0, fillHoles }: ArenaOptions,
): SystemArenas {
  const { malloc, realloc, free, memalign = () => 0 } = system;
  const holdOff = root + layout.HOLD_OFF;
  const arenas = { malloc, realloc, free, memalign, begin, fillHoles: fillHoles ? 1 : 0, holdOff };
  const imports = { env: { memory }, "arena-source": arenas };
  const { arenaAlloc, arenaFree, longestArena } = instantiate(
    arenasModule,
    imports,
  ) as unknown as Arenas;
  return { alloc: arenaAlloc, free: arenaFree, longest: longestArena };
}
