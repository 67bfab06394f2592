/** What is in the state of the first interpreter, which is static data: found by what it must look like, as no offset says where. */
import type { Address } from "../../base/base.js";
import { DictFields, TypeFields } from "../../python/python.js";
import type { MemoryImage } from "../memory/memory.js";
import { eachEntry } from "./dict-entries.js";

/** What is known of the first interpreter's state. */
export interface InterpreterState {
  /** The dict of all interned strings, which does not hold them; 0 where it isn't found. */
  readonly interned: Address;
  /** What is kept of a static type that the interpreter manages: names, and addresses of objects. */
  managed(type: Address): readonly (readonly [name: string, object: Address])[];
}

/** How far into `_PyRuntime` that may be. */
const RUNTIME_BYTES = 1 << 20;

/** How many words a row of the table of types may have. */
const ROWS = [3, 4, 5, 6, 7, 8];

/** More strings than this are interned before any program runs; so many of them are looked at. */
const LEAST_INTERNED = 256;
const LOOKED_AT = 64;

export function readInterpreter(image: MemoryImage): InterpreterState {
  return { interned: findInterned(image), managed: managedTypes(image) };
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
function managedTypes(image: MemoryImage): InterpreterState["managed"] {
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
      const [dict = 0, subclasses = 0] = Array.from({ length: row }, (_, place) => place).filter(
        (place) => u32[((u32[objects + place] as number) + 4) >>> 2] === PyDict_Type,
      );
      return (type) => {
        const at = first + placeOf(type) * row;
        if (u32[at] !== type) return [];
        return [
          ["__dict__", u32[at + dict] as number],
          ["subclasses", u32[at + subclasses] as number],
        ];
      };
    }
  }
  return () => [];
}
