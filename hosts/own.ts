/** A host of our own: a memory that nobody else uses, and our malloc as its malloc (core/large). */
import {
  type Address,
  bytesAt,
  type Domain,
  instantiate,
  largeModule,
  layout,
  PAGE,
} from "../base/base.js";
import type { Host, OwnMemory } from "./host.js";
import { GRANULE_BITS, granuleBitsIn, LARGE_ROOT } from "./large.js";

/** The exports of core/programs/large.ts that are functions. */
export interface Large extends Domain {
  /** See core/heap/heap-host.ts. */
  arenaAlloc(): Address;
  arenaFree(p: Address, bytes: number): void;
  memalign(alignment: number, bytes: number): Address;
  usableSize(p: Address): number;
  end(): Address;
  leave(from: Address, to: Address): number;
  takeBack(from: Address): void;
  validate(): number;
  brokenAt(): Address;
}

/** @throws RangeError where the engine has no room for the memory at all. */
function hostOf(initial: number, maximumPages: number, granuleBits: number): Host {
  const memory = new WebAssembly.Memory({ initial, maximum: maximumPages });
  const numbers = { largeRoot: LARGE_ROOT, granuleBits };
  const system = instantiate(largeModule, {
    env: { memory },
    "large-host": numbers,
  }) as unknown as Large;
  const own: OwnMemory = {
    indent: 8,
    maximumPages,
    // Before the first request the malloc has no more than the page that it will begin in.
    pagesInUse: () => Math.max((system.end() >>> 0) / PAGE, 1),
    leave: (start, end) => system.leave(start * PAGE, end * PAGE),
    takeBack: (start) => system.takeBack(start * PAGE),
    usableSize: system.usableSize,
    validate: system.validate,
    brokenAt: system.brokenAt,
    arenas: {
      alloc: system.arenaAlloc,
      free: system.arenaFree,
      longest: (bytes) => system.memalign(layout.SLICE_SIZE, bytes),
    },
  };
  return { memory, system, own };
}

/**
 * @param pools do small blocks come from pools? Then the malloc is tuned for large ones: the default.
 * @throws RangeError where the engine has no room for the memory at all.
 */
export function standaloneHost(initial: number, maximumPages: number, pools = true): Host {
  return hostOf(initial, maximumPages, pools ? GRANULE_BITS.large : GRANULE_BITS.any);
}

/** A memory with the content of `image`, which all of the malloc's state is in. */
export function restoredHost(image: Uint8Array, maximumPages: number): Host {
  const host = hostOf(image.length / PAGE, maximumPages, granuleBitsIn(image));
  bytesAt(host.memory, 0, image.length).set(image);
  return host;
}
