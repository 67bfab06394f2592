/** What is in the state of the first interpreter, which is static data: found by what it must look like, as no offset says where. */
import type { Address } from "../../base/base.js";
import { DictFields, TypeFields } from "../../python/python.js";
import type { MemoryImage } from "../memory/memory.js";
import { eachEntry } from "./dict-entries.js";

/** What is known of the first interpreter's state. */
export interface InterpreterState {
  /** The dict of all interned strings, which does not hold them; 0 where it isn't found. */
  readonly interned: Address;
  /** Where the interpreter keeps what belongs to types: caches that hold nothing, and what `managed` gives. Both 0 where it isn't found. */
  readonly types: { readonly from: Address; readonly to: Address };
  /** Where the names in the cache of methods are, which are held. */
  readonly names: readonly Address[];
  /** What is kept of a static type that the interpreter manages: names, and addresses of objects. */
  managed(type: Address): readonly (readonly [name: string, object: Address])[];
}

/** How far into `_PyRuntime` that may be. */
const RUNTIME_BYTES = 1 << 20;

/** How many words a row of the table of types may have. */
const ROWS = [3, 4, 5, 6, 7, 8];

/**
 * What lies around the table (`struct types_state`), in words: before it the cache of methods, 4096 entries of a version, a name
 * and an object that is not held, and one word; behind its 200 rows two words, a second table of 10 rows for types of extensions,
 * and in 3.14 a word and the cache of types by their version, 4096 words.
 */
const Around = { entries: 4096, entry: 3, name: 1, rows: 200, gap: 2, moreRows: 10, types: 4096 };

/** Where a type has its version (`tp_version_tag`). */
const VERSION = 192;

/** More strings than this are interned before any program runs; so many of them are looked at. */
const LEAST_INTERNED = 256;
const LOOKED_AT = 64;

export function readInterpreter(image: MemoryImage): InterpreterState {
  return { interned: findInterned(image), ...managedTypes(image) };
}

/** The words of the runtime's state. */
function runtimeWords({ marks, u32 }: MemoryImage): { from: number; to: number } {
  const from = (marks.symbols["_PyRuntime"] ?? u32.length * 4) >>> 2;
  return { from, to: Math.min(from + RUNTIME_BYTES / 4, u32.length) };
}

/** A long dict with values that are their own keys, which the interpreter's state points to. */
function findInterned(image: MemoryImage): Address {
  const { u32 } = image;
  const { from, to } = runtimeWords(image);
  const dictType = image.marks.symbols["PyDict_Type"];
  for (let w = from; w < to; w++) {
    const dict = u32[w] as number;
    if (dict === 0 || (dict & 7) !== 0 || u32[(dict + 4) >>> 2] !== dictType) continue;
    if ((u32[(dict + DictFields.used) >>> 2] ?? 0) >= LEAST_INTERNED && mirrors(image, dict))
      return dict;
  }
  return 0;
}

function mirrors(image: MemoryImage, dict: Address): boolean {
  let others = 0;
  const shown = eachEntry(image, dict, LOOKED_AT, (key, value) => {
    if (key !== value) others++;
  });
  return shown > 0 && others === 0;
}

/**
 * Finds the table of static types (`types.builtins` in Include/internal/pycore_interp_structs.h): a row of structs that begin with
 * a type and have its dict and its subclasses somewhere; a type has its place in the table where others have their subclasses.
 */
function managedTypes(image: MemoryImage): Omit<InterpreterState, "interned"> {
  const { u32 } = image;
  const {
    PyType_Type = 0,
    PyBaseObject_Type = 0,
    PyLong_Type = 0,
    PyDict_Type = 0,
  } = image.marks.symbols;
  const placeOf = (type: Address) => (u32[(type + TypeFields.subclasses) >>> 2] ?? 0) - 1;
  const { from, to } = runtimeWords(image);
  for (let w = from; w < to; w++) {
    if (u32[w] !== PyType_Type) continue;
    for (const row of ROWS) {
      const first = w - placeOf(PyType_Type) * row;
      const has = (type: Address) => u32[first + placeOf(type) * row] === type;
      if (!has(PyBaseObject_Type) || !has(PyLong_Type)) continue;
      const objects = first + placeOf(PyBaseObject_Type) * row;
      const [dict, subclasses] = Array.from({ length: row }, (_, place) => place).filter(
        (place) => u32[((u32[objects + place] as number) + 4) >>> 2] === PyDict_Type,
      );
      // The runtime has a table of its own, which counts who uses a type.
      if (dict === undefined || subclasses === undefined) continue;
      const cache = first - 1 - Around.entries * Around.entry;
      const second = first + Around.rows * row + Around.gap;
      const last = second + Around.moreRows * row;
      return {
        types: {
          from: 4 * cache,
          to: 4 * (last + (isByVersion(u32, last + 1) ? Around.types + 1 : 0)),
        },
        names: Array.from(
          { length: Around.entries },
          (_, entry) => 4 * (cache + entry * Around.entry + Around.name),
        ),
        managed(type) {
          const place = placeOf(type) * row;
          const at = u32[first + place] === type ? first + place : second + place;
          if (u32[at] !== type) return [];
          return [
            ["__dict__", u32[at + dict] as number],
            ["subclasses", u32[at + subclasses] as number],
          ];
        },
      };
    }
  }
  return { types: { from: 0, to: 0 }, names: [], managed: () => [] };
}

/** Do words from one on have types, each in the place of its version? */
function isByVersion(u32: Uint32Array, first: number): boolean {
  let right = 0;
  let wrong = 0;
  for (let place = 0; place < Around.types; place++) {
    const type = u32[first + place] ?? 0;
    if (type === 0) continue;
    if (((u32[(type + VERSION) >>> 2] ?? 0) & (Around.types - 1)) === place) right++;
    else wrong++;
  }
  return right > wrong;
}
