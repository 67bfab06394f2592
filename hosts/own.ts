/** A host of our own: a memory that nobody else uses, and AssemblyScript's TLSF as its malloc. */
import { type Address, bytesAt, type Domain, instantiate, tlsfModule } from "../base/base.js";
import type { Host } from "./host.js";

/** The exports of core/programs/tlsf.ts. */
export interface Tlsf extends Domain {
  usableSize(p: Address): number;
  pagesInUse(): number;
  leave(end: number): number;
  takeBack(start: number, end: number): void;
}

/** @throws RangeError where the engine has no room for the memory at all. */
export function standaloneHost(initial: number, maximumPages: number): Host {
  const memory = new WebAssembly.Memory({ initial, maximum: maximumPages });
  const tlsf = instantiate(tlsfModule, { env: { memory } }) as unknown as Tlsf;
  const { pagesInUse, leave, takeBack, usableSize } = tlsf;
  const own = { indent: 8, maximumPages, pagesInUse, leave, takeBack, usableSize };
  return { memory, system: tlsf, own };
}

/**
 * A memory with the content of `image`. TLSF finds its state at a fixed place once it has started, so it
 * is started first, and then everything is overwritten.
 */
export function restoredHost(image: Uint8Array, maximumPages: number): Host {
  const host = standaloneHost(image.length / 65536, maximumPages);
  host.system.free(host.system.malloc(1));
  bytesAt(host.memory, 0, image.length).set(image);
  return host;
}
