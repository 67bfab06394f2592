/** The one reader of `createHeap`'s options: unknown keys and wrong values stop here. */
import { isObject, requireFunctions, show } from "./errors.js";
import type { HeapOptions, MallocName, SystemMalloc } from "./types.js";

const PAGE = 65536;
const LIMIT = 2 ** 31;

/** What each of PYTHONMALLOC's words selects here. */
export const mallocNames: Record<MallocName, "pymalloc" | "malloc" | "debug modes"> = {
  default: "pymalloc",
  pymalloc: "pymalloc",
  malloc: "malloc",
  debug: "debug modes",
  pymalloc_debug: "debug modes",
  malloc_debug: "debug modes",
};

const notYet = ["onFault", "stacks", "quarantineBytes"];

/** The options with every default in place. */
export interface ResolvedOptions {
  readonly malloc: "pymalloc" | "malloc";
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

function bad(option: string, value: unknown, expected: string): TypeError {
  return new TypeError(`createHeap: ${option} is ${show(value)}, expected ${expected}`);
}

/** Checks one of PYTHONMALLOC's words; `where` names the place that it came from. */
export function readMallocName(word: unknown, where: string): "pymalloc" | "malloc" {
  const words = Object.keys(mallocNames);
  if (typeof word !== "string" || !words.includes(word)) {
    throw new TypeError(
      `${where}: unknown allocator ${show(word)}, expected one of ${words.join(", ")}`,
    );
  }
  const meaning = mallocNames[word as MallocName];
  if (meaning === "debug modes") {
    throw new TypeError(`${where}: ${show(word)} needs the debug modes, which are not built yet`);
  }
  return meaning;
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
  requireFunctions(value, ["malloc", "calloc", "realloc", "free"], "createHeap: system.");
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
  if (!Number.isInteger(root) || root <= 0 || root % 8 !== 0) {
    throw bad("root", root, "the `heap.root` of a heap that is there");
  }
  return root;
}

/** @throws TypeError that names the option, its value and what was expected. */
export function readOptions(options: HeapOptions = {}): ResolvedOptions {
  if (!isObject(options)) {
    throw new TypeError(`createHeap: expected an object of options, got ${show(options)}`);
  }
  const known = ["malloc", "memory", "system", "initialBytes", "maximumBytes", "root", "image"];
  for (const key of Object.keys(options)) {
    if (notYet.includes(key)) {
      throw new TypeError(`createHeap: ${key} needs the debug modes, which are not built yet`);
    }
    if (!known.includes(key)) {
      throw new TypeError(
        `createHeap: unknown option ${show(key)}, expected one of ${known.join(", ")}`,
      );
    }
  }
  const word = options.malloc ?? environmentWord();
  const where = options.malloc !== undefined ? "createHeap: malloc" : "PYTHONMALLOC";
  const malloc = word === undefined ? "pymalloc" : readMallocName(word, where);
  const owner = readOwner(options);
  return { malloc, owner, root: readRoot(options, owner.kind) };
}
