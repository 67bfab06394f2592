/** Validation: core/heap/validate.ts names an invariant and a place, the error tells it. */
import { type Address, brokenInvariant, instantiate, layout, loadWord } from "../../base/base.js";

/** @throws PyMemError with the number in docs/invariants.md of the first broken invariant */
export function validateHeap(memory: WebAssembly.Memory, root: Address): void {
  const { validate } = instantiate("validate", {
    env: { memory },
    "heap-host": { root },
  }) as unknown as {
    validate(): number;
  };
  const invariant = validate();
  if (invariant === 0) return;
  throw brokenInvariant(invariant, loadWord(memory, root + layout.BROKEN_AT));
}
