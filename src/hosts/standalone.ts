/** A host of our own: a memory that nobody else uses, and AssemblyScript's TLSF as its malloc. */
import { instantiate, type Tlsf } from "../core.js";
import { bytesAt } from "../memory.js";
import type { Host } from "./host.js";

/** Calls what traps when there is no memory. */
function orNull(call: () => number): number {
  try {
    return call();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return 0;
    throw error;
  }
}

function hostOver(initial: number, maximumPages: number): Host {
  const memory = new WebAssembly.Memory({ initial, maximum: maximumPages });
  const host = {
    tryMalloc: (bytes: number) => orNull(() => tlsf.trappingMalloc(bytes)),
    tryRealloc: (p: number, bytes: number) => orNull(() => tlsf.trappingRealloc(p, bytes)),
  };
  const tlsf = instantiate("tlsf", { env: { memory }, host }) as unknown as Tlsf;
  const { pagesInUse, leave, usableSize } = tlsf;
  return { memory, system: tlsf, own: { maximumPages, pagesInUse, leave, usableSize } };
}

/** @throws RangeError where the engine has no room for the memory at all. */
export function standaloneHost(initialPages: number, maximumPages: number): Host {
  return hostOver(initialPages, maximumPages);
}

/**
 * A memory with the content of `image`. TLSF finds its state at a fixed place once it has started, so it
 * is started first, and then everything is overwritten.
 */
export function restoredHost(image: Uint8Array, maximumPages: number): Host {
  const host = hostOver(image.length / 65536, maximumPages);
  host.system.free(host.system.malloc(1));
  bytesAt(host.memory, 0, image.length).set(image);
  return host;
}
