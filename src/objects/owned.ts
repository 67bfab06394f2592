/// <reference lib="esnext.disposable" preserve="true" />
/** A reference that gives itself back. */
import { type Address, dispose } from "../../base/base.js";

/** One reference to an object, as `heap.own` gives it: `using` lets go of it at the end of the block. */
export class Owned implements Disposable {
  #address: Address;
  readonly #release: (p: Address) => void;

  /** @internal */
  constructor(p: Address, release: (p: Address) => void) {
    this.#address = p;
    this.#release = release;
  }

  /** The object; 0 once the reference is given back. */
  get address(): Address {
    return this.#address;
  }

  /** Gives the reference back; once, and not at all when there was no object. */
  [dispose](): void {
    const p = this.#address;
    this.#address = 0;
    if (p !== 0) this.#release(p);
  }
}
