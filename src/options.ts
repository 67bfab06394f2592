/** Options: what `createHeap` takes, and its one reader: unknown keys and wrong values stop here. */
import { isObject, type PyMemError, requireFunctions, requireKnown, show } from "./errors.js";
import { isAddress, unsigned } from "./memory.js";
import type { Address, MallocName, SystemMalloc } from "./types.js";

const PAGE = 65536;
const LIMIT = 2 ** 31;
const DEFAULT_QUARANTINE = 256 * 1024;
const LARGEST_QUARANTINE = 2 ** 30;

/** What becomes of a fault: the call throws it; or it is reported (on the console, to a function), and the program goes on. */
export type FaultHandler = "throw" | "report" | ((fault: PyMemError) => void);

/** How a debug mode behaves; without one, nothing of it matters. */
export interface DebugOptions {
  /**
   * What becomes of a fault. Default `"throw"`: the call throws the PyMemError and has changed nothing.
   * Otherwise the call does nothing (realloc returns 0), and a damaged block is never used again.
   */
  onFault?: FaultHandler | undefined;
  /** Keep the stack of each block's allocation and of its free, at some microseconds each. Default false. */
  stacks?: boolean | undefined;
  /** How many bytes of freed blocks are held back, pads included: 0 to 1 GiB. Default 256 KiB. */
  quarantineBytes?: number | undefined;
}

export interface HeapOptions extends DebugOptions {
  /** Which allocator serves the mem and object domains. Default: the variable PYTHONMALLOC, else `"pymalloc"`. */
  malloc?: MallocName | undefined;
  /** A memory that someone else owns; needs `system`. */
  memory?: WebAssembly.Memory | undefined;
  /** The malloc that owns `memory`. */
  system?: SystemMalloc | undefined;
  /** Of a memory that we create: its size at first, in bytes; rounded up to 64 KiB pages. Default 64 KiB. */
  initialBytes?: number | undefined;
  /** Of a memory that we create: past it, malloc returns 0. Rounded down to pages. Default and limit 2 GiB. */
  maximumBytes?: number | undefined;
  /**
   * Takes over a heap that is there: its `heap.root`. With `memory` and `system`, a heap in that memory;
   * with `image`, the heap in that copy.
   */
  root?: Address | undefined;
  /** A copy of the memory of a heap that owned its memory; needs `root`. */
  image?: Uint8Array | undefined;
}

/** What one of PYTHONMALLOC's words selects: are there pools, are there debug hooks? */
export interface MallocMode {
  readonly pools: boolean;
  readonly debug: boolean;
}

export const mallocModes: Record<MallocName, MallocMode> = {
  default: { pools: true, debug: false },
  pymalloc: { pools: true, debug: false },
  malloc: { pools: false, debug: false },
  debug: { pools: true, debug: true },
  pymalloc_debug: { pools: true, debug: true },
  malloc_debug: { pools: false, debug: true },
};

/** The word for what a heap is (CPython: _PyMem_GetCurrentAllocatorName). */
export function nameOf({ pools, debug }: MallocMode): MallocName {
  if (pools) return debug ? "pymalloc_debug" : "pymalloc";
  return debug ? "malloc_debug" : "malloc";
}

/** The debug options with every default in place. */
export type DebugSettings = {
  readonly [Key in keyof Required<DebugOptions>]: Exclude<DebugOptions[Key], undefined>;
};

/** The options with every default in place. */
export interface ResolvedOptions {
  readonly mode: MallocMode;
  readonly settings: DebugSettings;
  readonly owner:
    | { readonly kind: "own"; readonly initialPages: number; readonly maximumPages: number }
    | { readonly kind: "image"; readonly image: Uint8Array; readonly maximumPages: number }
    | {
        readonly kind: "given";
        readonly memory: WebAssembly.Memory;
        readonly system: SystemMalloc;
      };
  /** Of a heap that is there already. */
  readonly root: number | undefined;
}

function bad(option: string, value: unknown, expected: string, where = "createHeap"): TypeError {
  return new TypeError(`${where}: ${option} is ${show(value)}, expected ${expected}`);
}

/** Checks one of PYTHONMALLOC's words; `where` names the place that it came from. */
export function readMallocMode(word: unknown, where: string): MallocMode {
  const words = Object.keys(mallocModes);
  if (typeof word !== "string" || !words.includes(word)) {
    throw new TypeError(
      `${where}: unknown allocator ${show(word)}, expected one of ${words.join(", ")}`,
    );
  }
  return mallocModes[word as MallocName];
}

export const debugOptionNames = ["onFault", "stacks", "quarantineBytes"] as const;

/** Checks the debug options and fills in the defaults; `where` begins the messages. */
export function readDebugOptions(options: DebugOptions, where: string): DebugSettings {
  const { onFault = "throw", stacks = false, quarantineBytes = DEFAULT_QUARANTINE } = options;
  if (onFault !== "throw" && onFault !== "report" && typeof onFault !== "function") {
    throw bad("onFault", onFault, '"throw", "report" or a function', where);
  }
  if (typeof stacks !== "boolean") throw bad("stacks", stacks, "true or false", where);
  const inRange = quarantineBytes >= 0 && quarantineBytes <= LARGEST_QUARANTINE;
  if (!Number.isInteger(quarantineBytes) || !inRange) {
    const expected = `a whole number of bytes from 0 to ${LARGEST_QUARANTINE}`;
    throw bad("quarantineBytes", quarantineBytes, expected, where);
  }
  return { onFault, stacks, quarantineBytes };
}

/** PYTHONMALLOC where there is an environment; as in CPython, empty is as good as unset. */
function environmentWord(): string | undefined {
  return globalThis.process?.env?.["PYTHONMALLOC"] || undefined;
}

function readBytes(option: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < PAGE || value > LIMIT) {
    throw bad(option, value, `a whole number of bytes from ${PAGE} to ${LIMIT}`);
  }
  return value;
}

function readSystem(value: unknown): SystemMalloc {
  if (!isObject(value)) {
    throw bad("system", value, "the malloc, calloc, realloc and free that own `memory`");
  }
  const { memalign } = value as SystemMalloc;
  const members = ["malloc", "calloc", "realloc", "free"];
  if (memalign !== undefined) members.push("memalign");
  requireFunctions(value, members, "createHeap: system.");
  return value as SystemMalloc;
}

function readMemory(value: unknown): WebAssembly.Memory {
  if (!(value instanceof WebAssembly.Memory)) throw bad("memory", value, "a WebAssembly.Memory");
  if (typeof SharedArrayBuffer !== "undefined" && value.buffer instanceof SharedArrayBuffer) {
    throw bad("memory", "shared", "a memory that is not shared: a heap belongs to one thread");
  }
  return value;
}

function readOwner(options: HeapOptions): ResolvedOptions["owner"] {
  const { memory, system, image, initialBytes, maximumBytes } = options;
  if (memory !== undefined || system !== undefined) {
    if (memory === undefined) throw bad("memory", memory, "the memory that `system` allocates in");
    for (const key of ["image", "initialBytes", "maximumBytes"] as const) {
      if (options[key] !== undefined) {
        throw bad(key, options[key], "nothing: `memory` is given, and with it its size");
      }
    }
    return { kind: "given", memory: readMemory(memory), system: readSystem(system) };
  }
  const maximum = readBytes("maximumBytes", maximumBytes, LIMIT);
  const maximumPages = Math.floor(maximum / PAGE);
  if (image !== undefined) {
    if (!(image instanceof Uint8Array)) throw bad("image", image, "a Uint8Array");
    if (image.length === 0 || image.length % PAGE !== 0 || image.length > maximum) {
      const expected = `whole pages of ${PAGE} bytes, at most ${maximum} in all`;
      throw bad("image", `${image.length} bytes long`, expected);
    }
    if (initialBytes !== undefined) {
      throw bad("initialBytes", initialBytes, "nothing: `image` is given, and with it the size");
    }
    return { kind: "image", image, maximumPages };
  }
  const initial = readBytes("initialBytes", initialBytes, PAGE);
  if (initial > maximum) throw bad("initialBytes", initial, `at most maximumBytes (${maximum})`);
  return { kind: "own", initialPages: Math.ceil(initial / PAGE), maximumPages };
}

function readRoot(options: HeapOptions, kind: string): number | undefined {
  const { root } = options;
  if (root === undefined) {
    if (kind === "image") throw bad("root", root, "the `heap.root` of the heap in `image`");
    return undefined;
  }
  if (kind === "own") throw bad("root", root, "nothing without `memory` and `system`, or `image`");
  if (!isAddress(root) || root === 0 || root % 8 !== 0) {
    throw bad("root", root, "the `heap.root` of a heap that is there");
  }
  return unsigned(root);
}

/** @throws TypeError that names the option, its value and what was expected. */
export function readOptions(options: HeapOptions = {}): ResolvedOptions {
  if (!isObject(options)) {
    throw new TypeError(`createHeap: expected an object of options, got ${show(options)}`);
  }
  const own = ["malloc", "memory", "system", "initialBytes", "maximumBytes", "root", "image"];
  const known = [...own, ...debugOptionNames];
  requireKnown(options, known, "createHeap");
  const word = options.malloc ?? environmentWord();
  const where = options.malloc !== undefined ? "createHeap: malloc" : "PYTHONMALLOC";
  const mode = readMallocMode(word ?? "default", where);
  const settings = readDebugOptions(options, "createHeap");
  const owner = readOwner(options);
  return { mode, settings, owner, root: readRoot(options, owner.kind) };
}
