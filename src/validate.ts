/** Validation: the core names an invariant and a place, the error tells it. */
import type { Core } from "./core.js";
import { brokenInvariant } from "./errors.js";
import { layout } from "./generated/modules.js";
import type { Address } from "./types.js";

/** @throws PyMemError with the number in docs/invariants.md of the first broken invariant */
export function validateHeap(core: Core, memory: WebAssembly.Memory, root: Address): void {
  const invariant = core.validate();
  if (invariant === 0) return;
  const [at] = new Uint32Array(memory.buffer, root + layout.BROKEN_AT, 1);
  throw brokenInvariant(invariant, at as number);
}
