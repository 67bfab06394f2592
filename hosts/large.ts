/** Where a heap of its own has its malloc, and how fine that is: see core/large. */
import { largeLayout as L } from "../base/base.js";

/** Behind address 0, which is NULL, at a multiple of any granule. */
export const LARGE_ROOT = 64;

/** A granule has `1 << bits` bytes: where small blocks come from pools, and where they do not. */
export const GRANULE_BITS = { large: 6, any: 4 } as const;

/** How fine the malloc of a memory is. Whatever else stands there is for others to find out. */
export function granuleBitsIn(bytes: Uint8Array): number {
  const bits = bytes[LARGE_ROOT + L.STATE_BITS];
  return bits === GRANULE_BITS.any ? bits : GRANULE_BITS.large;
}
