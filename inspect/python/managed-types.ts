/** What the interpreter keeps of the static types of its own: their dict and their subclasses, which are not in the types. */
import type { Address } from "../../base/base.js";
import { TypeFields } from "../../python/python.js";
import type { MemoryImage } from "../memory/memory.js";

/** Gives the names and addresses of what is kept of the type at an address. */
export type ManagedTypes = (type: Address) => readonly (readonly [name: string, object: Address])[];

/** How far into `_PyRuntime` the first interpreter's table of types may be. */
const RUNTIME_BYTES = 1 << 20;

/** How many words a row of the table may have. */
const ROWS = [3, 4, 5, 6, 7, 8];

/**
 * Finds the table in the state of the first interpreter (`types.builtins` in Include/internal/pycore_interp_structs.h): a row of
 * structs that begin with a type and have its dict and its subclasses somewhere; a type has its place in it where others have their
 * subclasses. Where it is, is found by what is in it: three types that are known stand where they say.
 */
export function managedTypes({ marks, u32 }: MemoryImage): ManagedTypes {
  const { _PyRuntime = 0, PyType_Type = 0, PyBaseObject_Type = 0, PyLong_Type = 0, PyDict_Type = 0 } =
    marks.symbols;
  const placeOf = (type: Address) => (u32[(type + TypeFields.subclasses) >>> 2] ?? 0) - 1;
  const end = Math.min((_PyRuntime + RUNTIME_BYTES) >>> 2, u32.length);
  for (let w = _PyRuntime >>> 2; w < end && PyType_Type !== 0; w++) {
    if (u32[w] !== PyType_Type) continue;
    for (const row of ROWS) {
      const first = w - placeOf(PyType_Type) * row;
      const has = (type: Address) => u32[first + placeOf(type) * row] === type;
      if (!has(PyBaseObject_Type) || !has(PyLong_Type)) continue;
      const objects = first + placeOf(PyBaseObject_Type) * row;
      const dicts = Array.from({ length: row }, (_, place) => place).filter(
        (place) => u32[((u32[objects + place] as number) + 4) >>> 2] === PyDict_Type,
      );
      const [dict = 0, subclasses = 0] = dicts;
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
