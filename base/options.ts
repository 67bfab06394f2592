/** Options: what `createHeap` takes, and its one reader: unknown keys and wrong values stop here. */
import { isAddress, unsigned } from "./address.js";
import {
  isObject,
  type PyMemError,
  requireFunctions,
  requireKnown,
  requireOptions,
  show,
  typeError,
} from "./errors.js";
import { type HeapModules, readModules } from "./modules.js";
import type { Address, HeapSnapshot, MallocName, SystemMalloc } from "./types.js";

/** Bytes in a page of WebAssembly's memory. */
export const PAGE = 65536;
/**
 * How long a memory of our own may be: one page less than there could be, so that the address behind a block is never 2^32,
 * which is 0. And how long it may be where nobody asked for more: so that no address is negative.
 */
const LIMIT = 2 ** 32 - PAGE;
const DEFAULT_MAXIMUM = 2 ** 31;
/** The variable that gives the default of `malloc`: one of our own, for PYTHONMALLOC is meant for a CPython. */
const VARIABLE = "PYMALLOC";
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

/** What `createHeap` takes; every option may be left out. */
export interface HeapOptions extends DebugOptions {
  /**
   * Which allocator serves the mem and object domains. Default: what the environment variable PYMALLOC says, where there
   * is one that may be read, else `"pymalloc"`. A heap that is taken over is what it is: anything else is refused.
   */
  malloc?: MallocName | undefined;
  /** A memory that someone else owns; needs `system`. */
  memory?: WebAssembly.Memory | undefined;
  /** The malloc that owns `memory`. */
  system?: SystemMalloc | undefined;
  /** Of a memory that we create: its size at first, in bytes; rounded up to 64 KiB pages. Default 64 KiB. */
  initialBytes?: number | undefined;
  /**
   * Of a memory that we create: past it, malloc returns 0. Rounded down to pages. Default 2 GiB, at most 4 GiB - 64 KiB.
   * Beyond 2 GiB, addresses come out of the domains' functions negative: `p >>> 0` puts them right.
   */
  maximumBytes?: number | undefined;
  /** With `memory` and `system`: takes over the heap that is there, by its `heap.root`. */
  root?: Address | undefined;
  /** What `heap.snapshot()` gave: a heap like that one was then, in a memory of its own. */
  from?: (Pick<HeapSnapshot, "image" | "root"> & Partial<HeapSnapshot>) | undefined;
  /**
   * Our WebAssembly modules, for a host that forbids to compile bytes: each imported from its file, `pymalloc/wasm/core.wasm`
   * and so on. Default: they are compiled when they are first needed. They are the same for every heap, so the later ones of this
   * process use them as well.
   */
  modules?: HeapModules | undefined;
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

/** A heap that is there already, and is taken over. */
export interface Adopted {
  readonly root: Address;
  /** Which option says so, for messages. */
  readonly option: "root" | "from.root";
  /** What it is said to be; undefined for whatever it is. */
  readonly mode: MallocMode | undefined;
  /** The version that is said to have made it. */
  readonly version?: string | undefined;
}

/** The options with every default in place. */
export interface ResolvedOptions {
  /** Of a new heap. */
  readonly mode: MallocMode;
  readonly settings: DebugSettings;
  readonly modules: HeapModules;
  readonly owner:
    | { readonly kind: "own"; readonly initialPages: number; readonly maximumPages: number }
    | { readonly kind: "snapshot"; readonly image: Uint8Array; readonly maximumPages: number }
    | {
        readonly kind: "given";
        readonly memory: WebAssembly.Memory;
        readonly system: SystemMalloc;
      };
  /** Undefined for a new heap. */
  readonly adopted: Adopted | undefined;
}

/** The error for an option of a value that it can't have; `where` names whose option it is. */
export function badOption(
  option: string,
  value: unknown,
  expected: string,
  where = "createHeap",
): TypeError {
  return typeError(`${where}: ${option} is ${show(value)}, expected ${expected}`);
}

/** Checks one of PYTHONMALLOC's words; `where` names the place that it came from. */
export function readMallocMode(word: unknown, where: string): MallocMode {
  const words = Object.keys(mallocModes);
  if (typeof word !== "string" || !words.includes(word)) {
    throw typeError(
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
    throw badOption("onFault", onFault, '"throw", "report" or a function', where);
  }
  if (typeof stacks !== "boolean") throw badOption("stacks", stacks, "true or false", where);
  const inRange = quarantineBytes >= 0 && quarantineBytes <= LARGEST_QUARANTINE;
  if (!Number.isInteger(quarantineBytes) || !inRange) {
    const expected = `a whole number of bytes from 0 to ${LARGEST_QUARANTINE}`;
    throw badOption("quarantineBytes", quarantineBytes, expected, where);
  }
  return { onFault, stacks, quarantineBytes };
}

/** What of Deno's is asked whether the environment may be read: reading it would ask the user. */
interface Deno {
  readonly permissions: { querySync(of: object): { readonly state: string } };
}

/**
 * The variable where there is an environment that may be read; empty is as good as unset, as in CPython. A page has no
 * environment, Deno and some sandboxes throw: a library that needs nothing of it goes on without.
 */
function environmentWord(): string | undefined {
  try {
    const { Deno } = globalThis as { Deno?: Deno };
    const permission = Deno?.permissions.querySync({ name: "env", variable: VARIABLE });
    if (permission !== undefined && permission.state !== "granted") return undefined;
    return globalThis.process?.env?.[VARIABLE] || undefined;
  } catch {
    return undefined;
  }
}

function readBytes(option: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < PAGE || value > LIMIT) {
    const why = "4 GiB less a page, so that the address behind a block is never 2^32";
    throw badOption(option, value, `a whole number of bytes from ${PAGE} to ${LIMIT} (${why})`);
  }
  return value;
}

function readSystem(value: unknown): SystemMalloc {
  if (!isObject(value)) {
    throw badOption("system", value, "the malloc, calloc, realloc and free that own `memory`");
  }
  const { memalign } = value as SystemMalloc;
  const members = ["malloc", "calloc", "realloc", "free"];
  if (memalign !== undefined) members.push("memalign");
  requireFunctions(value, members, "createHeap: system.");
  return value as SystemMalloc;
}

function readMemory(value: unknown): WebAssembly.Memory {
  if (!(value instanceof WebAssembly.Memory))
    throw badOption("memory", value, "a WebAssembly.Memory");
  if (typeof SharedArrayBuffer !== "undefined" && value.buffer instanceof SharedArrayBuffer) {
    throw badOption(
      "memory",
      "shared",
      "a memory that is not shared: a heap belongs to one thread",
    );
  }
  return value;
}

/** Options that are given although another one leaves nothing of them to be said. */
function requireAbsent(options: HeapOptions, keys: readonly (keyof HeapOptions)[], why: string) {
  for (const key of keys) {
    if (options[key] !== undefined) throw badOption(key, options[key], `nothing: ${why}`);
  }
}

function readRoot(option: Adopted["option"], root: unknown): Pick<Adopted, "root" | "option"> {
  if (!isAddress(root) || root === 0 || root % 8 !== 0) {
    throw badOption(option, root, "the `heap.root` of a heap that is there");
  }
  return { root: unsigned(root), option };
}

type Source = Pick<ResolvedOptions, "owner" | "adopted">;

function readGiven(options: HeapOptions, mode: MallocMode | undefined): Source {
  const { memory, system, root } = options;
  if (memory === undefined)
    throw badOption("memory", memory, "the memory that `system` allocates in");
  const sizes = ["initialBytes", "maximumBytes"] as const;
  requireAbsent(options, sizes, "`memory` is given, and with it its size");
  const owner = { kind: "given", memory: readMemory(memory), system: readSystem(system) } as const;
  return {
    owner,
    adopted: root === undefined ? undefined : { ...readRoot("root", root), mode },
  };
}

function readSnapshot(options: HeapOptions, mode: MallocMode | undefined): Source {
  const { from, maximumBytes } = options;
  if (!isObject(from)) throw badOption("from", from, "what `heap.snapshot()` gave");
  requireKnown(from, ["image", "root", "malloc", "version"], "createHeap: from");
  const given = ["memory", "system", "root", "initialBytes"] as const;
  requireAbsent(options, given, "`from` is given, and with it the memory");
  const { image, malloc, version } = from;
  if (!(image instanceof Uint8Array)) throw badOption("from.image", image, "a Uint8Array");
  const most = Math.max(DEFAULT_MAXIMUM, Math.min(image.length, LIMIT));
  const maximum = readBytes("maximumBytes", maximumBytes, most);
  if (image.length === 0 || image.length % PAGE !== 0 || image.length > maximum) {
    const expected = `whole pages of ${PAGE} bytes, at most ${maximum} in all`;
    throw badOption("from.image", `${image.length} bytes long`, expected);
  }
  const said = malloc === undefined ? undefined : readMallocMode(malloc, "createHeap: from.malloc");
  return {
    owner: { kind: "snapshot", image, maximumPages: Math.floor(maximum / PAGE) },
    adopted: { ...readRoot("from.root", from.root), mode: mode ?? said, version },
  };
}

function readOwn(options: HeapOptions): Source {
  const { initialBytes, maximumBytes } = options;
  requireAbsent(options, ["root"], "`memory` and `system` are not given, nor `from`");
  const maximum = readBytes("maximumBytes", maximumBytes, DEFAULT_MAXIMUM);
  const initial = readBytes("initialBytes", initialBytes, PAGE);
  if (initial > maximum)
    throw badOption("initialBytes", initial, `at most maximumBytes (${maximum})`);
  const initialPages = Math.ceil(initial / PAGE);
  return {
    owner: { kind: "own", initialPages, maximumPages: Math.floor(maximum / PAGE) },
    adopted: undefined,
  };
}

/** @throws TypeError that names the option, its value and what was expected. */
export function readOptions(options: HeapOptions = {}): ResolvedOptions {
  const own = [
    "malloc",
    "memory",
    "system",
    "initialBytes",
    "maximumBytes",
    "root",
    "from",
    "modules",
  ];
  requireOptions(options, [...own, ...debugOptionNames], "createHeap");
  const { malloc, memory, system, from } = options;
  const asked = malloc === undefined ? undefined : readMallocMode(malloc, "createHeap: malloc");
  const settings = readDebugOptions(options, "createHeap");
  const modules = options.modules === undefined ? {} : readModules(options.modules);
  const given = memory !== undefined || system !== undefined;
  const source =
    from !== undefined
      ? readSnapshot(options, asked)
      : given
        ? readGiven(options, asked)
        : readOwn(options);
  const word = source.adopted === undefined ? environmentWord() : undefined;
  return {
    mode: asked ?? readMallocMode(word ?? "default", VARIABLE),
    settings,
    modules,
    ...source,
  };
}
