/**
 * A memory that is looked at: the bytes, and what has to be known of the program in it. It is read only, and it may be the
 * memory of a running program, a copy, or what was saved in a file.
 */
import type { Address } from "../../base/base.js";

/** Whose memory it is. */
export type ImageKind = "pyodide" | "heap";

/** What a heap of ours is, wherever it is. */
export interface HeapMark {
  /** The address of its root (core/layout.ts). */
  readonly root: Address;
  /** How it came there. */
  readonly how: "installed" | "linked" | "own";
  /** The address of the debug heap's ledger; 0 where it is in no debug mode. */
  readonly ledger: Address;
  /** Are there pools? In the modes malloc and malloc_debug there are none. */
  readonly pools: boolean;
}

/**
 * What is to be known to read a memory, as JSON: this and the bytes are a saved snapshot. Everything in it may come from a file,
 * so nothing in it is to be believed: addresses may lie anywhere.
 */
export interface ImageMarks {
  /** Whose memory it is. */
  readonly kind: ImageKind;
  /** What Python calls its allocator ("malloc", "mimalloc_debug", "pymalloc"); empty where it has no name for it. */
  readonly allocator: string;
  /** The version of the Python or of this package: "3.14.2". */
  readonly version: string;
  /** When it was taken: milliseconds since 1970. */
  readonly time: number;
  /** Where exported variables lie: `_PyRuntime`, `PyType_Type`, `__heap_base`, ... */
  readonly symbols: Readonly<Record<string, Address>>;
  /**
   * Where dlmalloc's first chunk begins, or where our malloc has its state, and where that ends (the break). Both 0 where the system
   * malloc is another one.
   */
  readonly chunks: { readonly from: Address; readonly to: Address };
  /** The C stack's used part. Both 0 where it is not known. */
  readonly stack: { readonly from: Address; readonly to: Address };
  /** The longest that the memory may become, in bytes; 0 where it is not known. */
  readonly maximumBytes: number;
  /** The limit that was set, in bytes; 0 for none. */
  readonly limitBytes: number;
  /** Our heap in it; undefined in a stock interpreter. */
  readonly heap: HeapMark | undefined;
  /** Types of `defineType`, by the address of their type object. */
  readonly types: Readonly<Record<Address, string>>;
  /** What JavaScript holds: objects that PyProxies hold, and what is known of those. */
  readonly proxies: readonly ProxyMark[];
  /** What Python holds of JavaScript: by the number that a JsProxy has, a short text. */
  readonly jsValues: Readonly<Record<number, string>>;
}

/** A PyProxy that was not destroyed. */
export interface ProxyMark {
  /** The Python object that it holds. */
  readonly object: Address;
  /** The JavaScript stack that made it; empty where nobody noted it (`traceProxies`). */
  readonly stack: string;
  /** Which values of JavaScript's that Python has hold it, as far as that can be seen: a ring over the border is one of those. */
  readonly heldBy?: readonly JsHolder[];
}

/** A value of JavaScript's that holds a PyProxy. */
export interface JsHolder {
  /** Its number in `jsValues`. */
  readonly value: number;
  /** How one comes from it to the proxy: `.onclick`, `[3]`; empty where it is the proxy itself. */
  readonly name: string;
}

/** A memory, and what is known of it. */
export interface MemoryImage {
  /** What is known of it. */
  readonly marks: ImageMarks;
  /** The memory, by bytes. */
  readonly u8: Uint8Array;
  /** The same, by two bytes each. */
  readonly u16: Uint16Array;
  /** The same, by words. */
  readonly u32: Uint32Array;
}

/** An image of these bytes, which are not copied. Their number is a multiple of 4. */
export function imageOf(marks: ImageMarks, bytes: Uint8Array): MemoryImage {
  const { buffer, byteOffset, length } = bytes;
  return {
    marks,
    u8: bytes,
    u16: new Uint16Array(buffer, byteOffset, length >>> 1),
    u32: new Uint32Array(buffer, byteOffset, length >>> 2),
  };
}
