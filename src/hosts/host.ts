/** A host: a memory, the malloc that owns it, and how arenas are best taken from that malloc. */
import type { ArenaSource } from "../core.js";
import { layout } from "../generated/modules.js";
import type { Address, SystemMalloc } from "../types.js";

export interface Host {
  readonly memory: WebAssembly.Memory;
  readonly system: SystemMalloc;
  readonly arenas: ArenaSource;
}

/** A memory that someone else owns. */
export function givenHost(memory: WebAssembly.Memory, system: SystemMalloc): Host {
  return { memory, system, arenas: alignedArenas(system) };
}

const { POOL_SIZE } = layout;

function misalignment(p: Address): number {
  return (p >>> 0) % POOL_SIZE;
}

/**
 * Arenas that start at a pool boundary where the system malloc can be brought to it, and so lose no pool.
 *
 * An ordinary block may be aligned already: next to the arena before it, or in the place of one that was
 * given back. Otherwise the block is cut down, where it is, to what is missing up to the next boundary,
 * and the next block of an arena's size begins there if the system malloc takes it from the rest. If not,
 * the arena is used as it is and loses a pool. (memalign asks for more than it returns, and so never
 * finds the place of an arena that was given back.)
 */
export function alignedArenas(system: SystemMalloc): ArenaSource {
  function alloc(bytes: number): Address {
    const p = system.malloc(bytes);
    if (p === 0 || misalignment(p) === 0) return p;
    if (system.memalign !== undefined) {
      system.free(p);
      return system.memalign(POOL_SIZE, bytes) || system.malloc(bytes);
    }
    const gap = POOL_SIZE - misalignment(p);
    // A malloc's smallest blocks are longer than a very small gap.
    const spacer = system.realloc(p, (gap < 64 ? gap + POOL_SIZE : gap) - layout.ARENA_RESERVE);
    if (spacer === 0) return p;
    const moved = system.malloc(bytes);
    system.free(spacer);
    return moved === 0 ? system.malloc(bytes) : moved;
  }
  return { alloc, free: (p) => system.free(p) };
}
