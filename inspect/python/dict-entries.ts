/** The entries of a dict, read from a memory. Nothing here believes what it reads. */
import type { Address } from "../../base/base.js";
import { DictFields, ObjectFields } from "../../python/python.js";
import type { MemoryImage } from "../memory/memory.js";

/** Sizes of tables are powers of 2 up to this one. */
const LARGEST_INDEX = 30;

/**
 * Shows the entries of a dict that has its values in its own table; a split one shows none, nor does what is no dict.
 *
 * @param most how many entries at most, those that were deleted counted in
 * @param see is given addresses
 * @returns how many were shown
 */
export function eachEntry(
  { marks, u8, u32 }: MemoryImage,
  dict: Address,
  most: number,
  see: (key: Address, value: Address) => void,
): number {
  const word = (address: number): number => u32[address >>> 2] ?? 0;
  const typeOfDicts = marks.symbols["PyDict_Type"];
  if (dict % 4 !== 0 || word(dict + ObjectFields.type) !== typeOfDicts) return 0;
  const keys = word(dict + DictFields.keys);
  const logBytes = u8[keys + DictFields.logIndexBytes] ?? 0;
  const kind = u8[keys + DictFields.kind] ?? DictFields.split;
  if (keys % 4 !== 0 || logBytes > LARGEST_INDEX || kind >= DictFields.split) return 0;
  const lead = kind === DictFields.general ? 4 : 0;
  const step = lead + 8;
  const first = keys + DictFields.indices + 2 ** logBytes;
  const count = Math.min(word(keys + DictFields.entries), most, ((u8.length - first) / step) | 0);
  let shown = 0;
  for (let entry = 0; entry < count; entry++) {
    const at = first + entry * step + lead;
    const value = word(at + 4);
    if (value === 0) continue;
    shown++;
    see(word(at), value);
  }
  return shown;
}
