/** Where the arenas of a linked guest come from: the system malloc, until the guest sets an allocator. */

import {
  memalign,
  arenaAlloc as systemArenaAlloc,
  arenaFree as systemArenaFree,
} from "../large/large";
import { ARENA_REQUEST, SLICE_SIZE, Spare } from "../layout";
import { ARENA_UNITS } from "../policy/policy";
import { arenaAllocIndex, arenaHooks } from "./guest-host";
import { arenas, state } from "./state";

/** An arena of the allocator that is set: it is asked for the longest only, and nobody is let in here a second time meanwhile. */
function takeHooked(): usize {
  const s = state();
  if (s.taking !== 0) return 0;
  s.taking = 1;
  const p = call_indirect<usize>(arenas().alloc, arenas().ctx, ARENA_REQUEST);
  s.taking = 0;
  if (p !== 0) changetype<Spare>(p).units = <u32>ARENA_UNITS;
  return p;
}

/** The arena allocator of the core: see core/heap/heap-host.ts. */
export function arenaAlloc(): usize {
  return arenaHooks !== 0 && arenas().alloc !== arenaAllocIndex ? takeHooked() : systemArenaAlloc();
}

export function arenaFree(p: usize, bytes: usize): void {
  if (arenaHooks !== 0) call_indirect<void>(arenas().free, arenas().ctx, p, bytes);
  else systemArenaFree(p, bytes);
}

/** PyObjectArenaAllocator's functions over the system malloc. */
export function arenaPyAlloc(_ctx: usize, bytes: usize): usize {
  return memalign(SLICE_SIZE, bytes);
}

export function arenaPyFree(_ctx: usize, p: usize, bytes: usize): void {
  systemArenaFree(p, bytes);
}
