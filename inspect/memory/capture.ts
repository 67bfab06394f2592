/** An image of a memory as it is now: of a running interpreter, of one that has crashed, of a heap. No Python runs for it. */
import {
  type Address,
  bytesAt,
  isObject,
  kindAt,
  ledgerOf,
  objectsLayout as O,
  OBJECTS_ROOT,
  PAGE,
  packageVersion,
  show,
  typeError,
  unsigned,
  wordsAt,
} from "../../base/base.js";
import {
  addressesIn,
  ask,
  type EmscriptenProgram,
  findState,
  firstChunk,
  LARGE_ROOT,
  largeEnd,
} from "../../hosts/hosts.js";
import {
  installedPlace,
  limitOf,
  linkedLedger,
  linkedRoot,
  type PyodideLike,
  placedRoot,
  programOf,
} from "../../python/python.js";
import type { Heap } from "../../src/index.js";
import { type HeapMark, type ImageMarks, imageOf, type MemoryImage } from "./image.js";

/** What `captureImage` takes; every option may be left out. */
export interface CaptureOptions {
  /**
   * Copy the memory? Default: false, and the image is the memory itself: it changes with it, and ends when the memory grows.
   */
  readonly copy?: boolean | undefined;
  /** What JavaScript holds of Python: what the marks of the image say. Default: nothing is known. */
  readonly proxies?: ImageMarks["proxies"] | undefined;
  /** What Python holds of JavaScript. Default: nothing is known. */
  readonly jsValues?: ImageMarks["jsValues"] | undefined;
}

/** What is looked at: a Pyodide, or a heap. */
export type Inspected = PyodideLike | Heap;

/** The exported variables that a reader of images may ask for. Those of C libraries would make the marks ten times as long. */
const SYMBOLS = /^(_?Py|__heap_base$|__stack_(low|high)$|pymalloc_|Jsr?_)/;

/** The name under which dlmalloc's state is among the symbols: as in its malloc.c. */
export const DLMALLOC_STATE = "_gm_";

/** No name is longer. */
const LONGEST_TEXT = 256;

/** A text of C's. */
function textAt(memory: WebAssembly.Memory, p: Address): string {
  const most = Math.min(LONGEST_TEXT, memory.buffer.byteLength - unsigned(p));
  if (p === 0 || most <= 0) return "";
  const bytes = bytesAt(memory, p, most);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? most : end));
}

// ------------------------------------------------------------------------------------ Pyodide

/** Exported variables stay where they are, and to find them takes longer than all the rest. */
const symbolsOf = new WeakMap<object, Record<string, Address>>();

function readSymbols(program: EmscriptenProgram): Record<string, Address> {
  const known = symbolsOf.get(program.module);
  if (known !== undefined) return known;
  const symbols = addressesIn(program, SYMBOLS);
  const end = program.break();
  const state = findState(wordsAt(program.memory, 0, end >>> 2), firstChunk(program), end);
  // Without a state, dlmalloc has not been asked for anything yet.
  if (state === 0) return symbols;
  symbols[DLMALLOC_STATE] = state;
  symbolsOf.set(program.module, symbols);
  return symbols;
}

/** PY_VERSION_HEX as text: 0x030e02f0 is "3.14.2"; empty for 0. */
function versionText(hex: number): string {
  return hex === 0 ? "" : `${hex >>> 24}.${(hex >>> 16) & 255}.${(hex >>> 8) & 255}`;
}

function heapOf(program: EmscriptenProgram, where: string): HeapMark | undefined {
  const place = installedPlace(program, where);
  const root = linkedRoot(program, where);
  if (place !== undefined && place.root !== root) {
    const { ledger, malloc } = place;
    return { root: place.root, how: "installed", ledger, pools: malloc.startsWith("pymalloc") };
  }
  const pools = placedRoot(program, where) !== undefined;
  const ledger = linkedLedger(program) ?? 0;
  if (root === undefined || (!pools && ledger === 0)) return undefined;
  return { root, how: "linked", ledger, pools };
}

function marksOfPyodide(pyodide: PyodideLike, where: string): Omit<ImageMarks, OfCaller> {
  const program = programOf(pyodide, where);
  const { memory } = program;
  // First: a program of another version's may end when it is asked for anything.
  const heap = heapOf(program, where);
  const symbols = readSymbols(program);
  const word = (p: Address | undefined) =>
    p === undefined ? 0 : (wordsAt(memory, p, 1)[0] as number);
  const high = symbols["__stack_high"] ?? 0;
  return {
    kind: "pyodide",
    allocator: textAt(memory, ask(program, "_PyMem_GetCurrentAllocatorName")),
    version: versionText(word(symbols["Py_Version"])),
    time: Date.now(),
    symbols,
    chunks: { from: firstChunk(program), to: program.break() },
    stack: { from: high && ask(program, "emscripten_stack_get_current"), to: high },
    maximumBytes: ask(program, "emscripten_get_heap_max"),
    limitBytes: limitOf(program),
    heap,
    types: {},
  };
}

// --------------------------------------------------------------------------------------- heaps

/** A list of types that was overwritten may be a ring. */
const MOST_TYPES = 65536;

function typesOf(memory: WebAssembly.Memory, root: Address): Record<Address, string> {
  const end = memory.buffer.byteLength - O.HEAP_TYPE_SIZE;
  const word = (p: Address) => wordsAt(memory, p, 1)[0] as number;
  const types: Record<Address, string> = {};
  let next = word(root + OBJECTS_ROOT + O.TYPES);
  for (let rest = MOST_TYPES; next !== 0 && rest > 0; rest--) {
    if (next > end || next % 4 !== 0) break;
    types[next] = textAt(memory, word(next + O.TP_NAME));
    next = word(next + O.NEXT_TYPE);
  }
  return types;
}

function marksOfHeap(heap: Heap, where: string): Omit<ImageMarks, OfCaller> {
  const { memory, root } = heap;
  const kind = kindAt(memory, root);
  if (kind === undefined) {
    throw typeError(`${where}: the heap's root was written over, or is another version's`);
  }
  const ledger = ledgerOf(memory, root);
  const end = kind.ownMemory ? largeEnd(wordsAt(memory, 0, memory.buffer.byteLength >>> 2)) : 0;
  return {
    kind: "heap",
    allocator: `${kind.pools ? "pymalloc" : "malloc"}${ledger === 0 ? "" : "_debug"}`,
    version: packageVersion,
    time: Date.now(),
    symbols: {},
    chunks: { from: kind.ownMemory ? LARGE_ROOT : 0, to: end },
    stack: { from: 0, to: 0 },
    maximumBytes: (heap.maximumPages ?? 0) * PAGE,
    limitBytes: 0,
    heap: { root, how: "own", ledger, pools: kind.pools },
    types: typesOf(memory, root),
  };
}

// ------------------------------------------------------------------------------------- images

/** What the caller knows. */
type OfCaller = "proxies" | "jsValues";

function isHeap(target: Inspected): target is Heap {
  return "root" in target && "memory" in target && target.memory instanceof WebAssembly.Memory;
}

/**
 * An image of the memory of an interpreter or a heap, at this moment. Nothing in the memory is changed, no Python runs, nothing
 * is allocated: so it works in an interpreter that has crashed as well.
 *
 * @param where begins the messages of errors
 * @throws TypeError for what is neither
 * @throws Error where another version of this package is installed or linked in
 */
export function captureImage(
  target: Inspected,
  { copy = false, proxies = [], jsValues = {} }: CaptureOptions = {},
  where = "captureImage",
): MemoryImage {
  if (!isObject(target)) {
    throw typeError(`${where}: expected a Pyodide or a heap, got ${show(target)}`);
  }
  const isOurs = isHeap(target);
  const memory = isOurs ? target.memory : programOf(target, where).memory;
  const marks = isOurs ? marksOfHeap(target, where) : marksOfPyodide(target, where);
  const bytes = bytesAt(memory, 0, memory.buffer.byteLength);
  return imageOf({ ...marks, proxies, jsValues }, copy ? bytes.slice() : bytes);
}
