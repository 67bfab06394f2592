/**
 * What CPython's structs look like in 32 bits: all that a new version of Python may change is in this file. Where the fields of
 * most of them are, a running CPython says itself, for debuggers.
 */
import type { Address } from "../base/base.js";

/**
 * What is read of `struct _Py_DebugOffsets` (Include/internal/pycore_debug_offsets.h; in 3.13
 * pycore_runtime.h), with which `_PyRuntime` begins. The struct is a row of 64-bit numbers, on 32-bit
 * machines, too, and each version of CPython puts other things between them: so for every version
 * the number's place in the row, the cookie's being 0.
 *
 *                     [3.13, 3.14]
 */
const PLACES = {
  runtimeSize: [3, 3], // runtime_state
  interpretersHead: [5, 5], // the newest interpreter
  interpreterSize: [6, 6], // interpreter_state
  interpreterNext: [8, 8],
  threadsHead: [9, 9],
  modules: [11, 12], // sys.modules, and the dicts of sys and builtins
  sysDict: [12, 13],
  builtins: [13, 14],
  threadSize: [19, 22], // thread_state
  threadNext: [21, 24],
  currentFrame: [23, 26],
  dataStack: [26, 29], // the newest chunk of the stack of frames
  threadStatus: [27, 30],
  previous: [29, 32], // interpreter_frame
  executable: [30, 33],
  instruction: [31, 34],
  locals: [32, 35],
  owner: [33, 36],
  fileName: [35, 40], // code_object
  qualifiedName: [37, 42],
  lineTable: [38, 43],
  firstLine: [39, 44],
  localNames: [41, 46],
  byteCode: [43, 48],
  type: [45, 51], // pyobject
  typeFlags: [49, 55], // type_object
  tupleItems: [51, 57], // tuple_object
  tupleLength: [52, 58],
  bytesLength: [65, 75], // bytes_object
  bytesData: [66, 76],
  textBytes: [67, 77], // unicode_object: the size of the struct, its state, ...
  textState: [68, 78],
  textLength: [69, 79],
  asciiBytes: [70, 80], // ... and the size of the shorter struct that ASCII texts have
} as const;

export type Offsets = Readonly<Record<keyof typeof PLACES, number>>;

/** `PY_VERSION_HEX >> 16`, in the order of the columns above. */
const VERSIONS = [0x030d, 0x030e];

/** Versions before the first release candidate may have another row. */
const CANDIDATE = 0xc0;

/** "xdebugpy", as two numbers. */
const COOKIE = [0x62656478, 0x79706775];

/**
 * The offsets that the interpreter at `runtime` (the address of `_PyRuntime`) gives.
 *
 * @param words the memory; nothing outside of it is read
 * @returns undefined when there is no such interpreter, when its version is none of those known
 *   here, or when what is there can't be true
 */
export function readOffsets(words: Uint32Array, runtime: Address): Offsets | undefined {
  const start = runtime >>> 2;
  const low = (place: number) => words[start + 2 * place];
  const high = (place: number) => words[start + 2 * place + 1];
  if (runtime % 4 !== 0 || low(0) !== COOKIE[0] || high(0) !== COOKIE[1]) return undefined;
  const version = low(1) ?? 0;
  const column = VERSIONS.indexOf(version >>> 16);
  const freeThreaded = low(2) !== 0;
  if (column < 0 || (version & 0xff) < CANDIDATE || freeThreaded) return undefined;

  const offsets: Record<string, number> = {};
  for (const [name, places] of Object.entries(PLACES)) {
    const place = places[column] as number;
    const offset = low(place);
    if (offset === undefined || high(place) !== 0) return undefined;
    offsets[name] = offset;
  }
  return offsets as Offsets;
}

/** Where 3.12 to 3.15 have the fields of an object, a type and a list (Include/cpython/object.h, listobject.h). */
export enum ObjectFields {
  type = 4,
  length = 8,
  listItems = 12,
  typeName = 12,
  basicSize = 16,
  itemSize = 20,
  typeFlags = 84,
}

/** Flags of a type (Include/object.h): what its objects are, and what comes before them. */
export enum TypeFlags {
  /** Two words come before the object: its dictionary or its inline values, and its weak references. */
  preHeader = (1 << 3) | (1 << 4),
  /** The collector's two words come before the object. */
  collected = 1 << 14,
  int = 1 << 24,
  list = 1 << 25,
  tuple = 1 << 26,
  bytes = 1 << 27,
  text = 1 << 28,
  dict = 1 << 29,
  type = 1 << 31,
  /** Its value is in its own words. */
  plain = int | bytes | text,
}

/** dict (Include/cpython/dictobject.h) and its keys (Include/internal/pycore_dict.h). */
export enum DictFields {
  used = 8,
  keys = 24,
  values = 28,
  logSize = 4,
  logIndexBytes = 5,
  kind = 6,
  usable = 12,
  entries = 16,
  indices = 20,
  /** Kinds of keys: entries of hash, key and value; of key and value; of keys alone, the values are elsewhere. */
  general = 0,
  unicode = 1,
  split = 2,
  /** Of values: how many there is room for, are they part of an object, are they in use; the first of them. */
  capacity = 0,
  embedded = 2,
  valid = 3,
  firstValue = 4,
}

/** How many bytes can come before an object in its block: that depends on its type. */
export const LEADS = [0, 8, 16] as const;

/**
 * `_status.bound_gilstate` of a thread state: of those of one thread of the system it is the one that has the GIL, or had it last
 * (Include/cpython/pystate.h, and tstate_activate in Python/pystate.c).
 */
export const BOUND_GILSTATE = 1 << 3;

/**
 * Who owns a frame (`enum _frameowner`): a thread 0, a generator 1, a frame object 2. From 3 on it is
 * an entry of the interpreter's loop and no Python: 3.13 has 3 for it, 3.14 has 3 and 4.
 */
export enum Owners {
  firstEntry = 3,
  last = 4,
}

/** 3.14 marks references that are not counted in the lowest bits (`_PyStackRef`). */
export const TAG_BITS = 3;
