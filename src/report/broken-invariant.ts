/** Validation: core/heap/validate.ts and core/large/validate.ts name an invariant and a place, the error tells it. */
import {
  type Address,
  brokenInMalloc,
  brokenInvariant,
  instantiate,
  layout,
  loadWord,
  unsigned,
  validateModule,
} from "../../base/base.js";
import type { OwnMemory } from "../../hosts/hosts.js";

/** @throws PyMemError with the number in docs/invariants.md of the first broken invariant */
export function validateHeap(memory: WebAssembly.Memory, root: Address): void {
  const { validate } = instantiate(validateModule, {
    env: { memory },
    "heap-host": { root },
  }) as unknown as {
    validate(): number;
  };
  const invariant = validate();
  if (invariant === 0) return;
  throw brokenInvariant(invariant, loadWord(memory, root + layout.BROKEN_AT));
}

/** The same of the malloc of an own memory. */
export function validateMalloc({ validate, brokenAt }: OwnMemory): void {
  const invariant = validate();
  if (invariant !== 0) throw brokenInMalloc(invariant, unsigned(brokenAt()));
}
