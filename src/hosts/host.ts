/** A host: a memory, the malloc that owns it, and how arenas are best taken from that malloc. */
import { type ArenaSource, instantiate } from "../core.js";
import { layout } from "../generated/modules.js";
import type { Address, SystemMalloc } from "../types.js";

export interface Host {
  readonly memory: WebAssembly.Memory;
  readonly system: SystemMalloc;
}

/** The exports of modules/arenas.ts. */
interface Arenas {
  arenaAlloc(bytes: number): Address;
  arenaFree(p: Address, bytes: number): void;
  holeAlloc(bytes: number): Address;
}

/**
 * Runs out of the malloc that owns the memory.
 * @param root of the heap that they are for
 * @param begin where the memory ends that has holes in it already
 */
export function systemArenas(
  memory: WebAssembly.Memory,
  system: SystemMalloc,
  root: Address,
  begin: Address = 0,
): ArenaSource {
  const { malloc, realloc, free, memalign = () => 0 } = system;
  const holdOff = root + layout.HOLD_OFF;
  const arenas = { malloc, realloc, free, memalign, begin, holdOff };
  const exports = instantiate("arenas", { env: { memory }, arenas }) as unknown as Arenas;
  return { alloc: exports.arenaAlloc, free: exports.arenaFree, hole: exports.holeAlloc };
}
