/**
 * A memory as JavaScript reads and writes it: parts of it by their address, and typed views, made anew when it has grown.
 *
 * WebAssembly's numbers have no sign and JavaScript gives them one: an address from 2 GiB on comes out negative. So whatever
 * came out of WebAssembly and is an index here, or is compared, divided or shown, goes through `unsigned` first, and nobody
 * but this file makes a view of a part of a memory. (An index into one of `MemoryViews`' arrays may be had by `p >>> 2` as
 * well: a shift takes an address of either sign.) What goes back into WebAssembly may have either sign.
 *
 * Addresses that our own functions return are unsigned. Only the domains' functions, which are the exports themselves, return
 * them as they come out.
 */
import { unsigned } from "./address.js";
import { disposed } from "./errors.js";
import type { Address } from "./types.js";

/** So many words (u32) of a memory from an address on, a multiple of 4; the view is good until the memory grows. */
export function wordsAt(memory: WebAssembly.Memory, p: Address, count: number): Uint32Array {
  return new Uint32Array(memory.buffer, unsigned(p), count);
}

/** So many bytes of a memory from an address on; the view is good until the memory grows. */
export function bytesAt(memory: WebAssembly.Memory, p: Address, count: number): Uint8Array {
  return new Uint8Array(memory.buffer, unsigned(p), count);
}

/** The word (u32) at an address that is a multiple of 4. */
export function loadWord(memory: WebAssembly.Memory, p: Address): number {
  return wordsAt(memory, p, 1)[0] as number;
}

/** Writes the word (u32) at an address that is a multiple of 4. */
export function storeWord(memory: WebAssembly.Memory, p: Address, value: number): void {
  wordsAt(memory, p, 1)[0] = value;
}

/** Growing detaches a memory's buffer and empties the views of it: an empty view is an old view. */
export class MemoryViews {
  /** Undefined once it was released. */
  #memory: WebAssembly.Memory | undefined;
  #u8 = new Uint8Array();
  #i8 = new Int8Array();
  #u16 = new Uint16Array();
  #i16 = new Int16Array();
  #u32 = new Uint32Array();
  #i32 = new Int32Array();
  #f32 = new Float32Array();
  #f64 = new Float64Array();

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#renew();
  }

  /** @throws Error once it was released */
  get memory(): WebAssembly.Memory {
    if (this.#memory === undefined) throw disposed();
    return this.#memory;
  }

  /** Lets go of the memory: from now on every view is refused. */
  release(): void {
    this.#memory = undefined;
    this.#view(new ArrayBuffer());
  }

  #renew(): void {
    this.#view(this.memory.buffer);
  }

  #view(buffer: ArrayBuffer): void {
    this.#u8 = new Uint8Array(buffer);
    this.#i8 = new Int8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#i16 = new Int16Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#i32 = new Int32Array(buffer);
    this.#f32 = new Float32Array(buffer);
    this.#f64 = new Float64Array(buffer);
  }

  get u8(): Uint8Array {
    if (this.#u8.length === 0) this.#renew();
    return this.#u8;
  }

  get i8(): Int8Array {
    if (this.#i8.length === 0) this.#renew();
    return this.#i8;
  }

  get u16(): Uint16Array {
    if (this.#u16.length === 0) this.#renew();
    return this.#u16;
  }

  get i16(): Int16Array {
    if (this.#i16.length === 0) this.#renew();
    return this.#i16;
  }

  get u32(): Uint32Array {
    if (this.#u32.length === 0) this.#renew();
    return this.#u32;
  }

  get i32(): Int32Array {
    if (this.#i32.length === 0) this.#renew();
    return this.#i32;
  }

  get f32(): Float32Array {
    if (this.#f32.length === 0) this.#renew();
    return this.#f32;
  }

  get f64(): Float64Array {
    if (this.#f64.length === 0) this.#renew();
    return this.#f64;
  }
}
