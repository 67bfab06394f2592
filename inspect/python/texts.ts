/** Texts in a memory: C's, and Python's str. Nothing here believes what it reads. */
import type { Address } from "../../base/base.js";
import { TextFields } from "../../python/python.js";
import type { MemoryImage } from "../memory/memory.js";

const LONGEST_NAME = 200;

const decoder = new TextDecoder();

/** A name of C's, in UTF-8; empty where there is none, or no end of it. */
export function cText({ u8 }: MemoryImage, start: Address): string {
  if (start === 0 || start >= u8.length) return "";
  // A copy: a memory that is shared with workers can't be decoded in place.
  const bytes = u8.slice(start, start + LONGEST_NAME + 1);
  const end = bytes.indexOf(0);
  if (end < 0) return "";
  const name = bytes.subarray(0, end);
  return name.every((byte) => byte >= 0x20) ? decoder.decode(name) : "";
}

/** Where the characters of a str are: `width` bytes each. */
export interface Characters {
  readonly data: Address;
  readonly length: number;
  readonly width: number;
}

/** The characters of the str at an address; undefined where there can't be one. */
export function charactersAt(image: MemoryImage, text: Address): Characters | undefined {
  const { u8, u32 } = image;
  const w = text >>> 2;
  const state = u32[w + TextFields.state / 4];
  if (state === undefined || (text & 3) !== 0) return undefined;
  const width = (state >>> 2) & 7;
  if (width !== 1 && width !== 2 && width !== 4) return undefined;
  const length = u32[w + TextFields.length / 4] as number;
  const compact = (state & TextFields.compactBit) !== 0;
  const ascii = (state & TextFields.asciiBit) !== 0;
  const inside = text + (ascii ? TextFields.ascii : TextFields.compact);
  const data = compact ? inside : (u32[w + TextFields.data / 4] ?? 0);
  if (data === 0 || data % width !== 0 || data + length * width > u8.length) return undefined;
  return { data, length, width };
}

/** The first characters of the str at an address; undefined where there can't be one. */
export function strAt(image: MemoryImage, text: Address, most: number): string | undefined {
  const found = charactersAt(image, text);
  if (found === undefined) return undefined;
  const { u8, u16, u32 } = image;
  const { data, width } = found;
  const units = width === 1 ? u8 : width === 2 ? u16 : u32;
  const from = data / width;
  let result = "";
  for (let at = from; at < from + Math.min(found.length, most); at++) {
    const character = units[at] as number;
    result += character <= 0x10ffff ? String.fromCodePoint(character) : "\ufffd";
  }
  return result;
}
