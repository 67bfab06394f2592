/** Addresses: numbers that WebAssembly gives a sign and people don't. See base/memory.ts. */
import type { Address } from "./types.js";

/** An address or a size that came out of WebAssembly, as the number from 0 to 2^32 - 1 that it stands for. */
export function unsigned(value: number): number {
  return value >>> 0;
}

/** Can this be an address, of either sign? WebAssembly would take any number for one, modulo 2^32. */
export function isAddress(value: unknown): value is Address {
  return typeof value === "number" && (value === value >>> 0 || value === (value | 0));
}

/** An address as people write it. */
export function hex(p: Address): string {
  return `0x${unsigned(p).toString(16)}`;
}
