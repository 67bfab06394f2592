/** A short text for an object that says which one it is. */
import type { Address } from "../../base/base.js";
import {
  IntFields,
  NameFields,
  ObjectFields,
  SetFields,
  ValueFields,
} from "../../python/python.js";
import type { MemoryImage } from "../memory/memory.js";
import { cText, strAt } from "./texts.js";
import { Shape, type TypePlan } from "./types.js";

/** So many characters of a text are shown. */
const SHOWN = 80;
/** Longer numbers are not written out. */
const MOST_DIGITS = 32;

/** The label of the object at an address; empty where there is nothing to be said. */
export function labelOf(
  image: MemoryImage,
  address: Address,
  plan: TypePlan,
  typeName: () => string,
): string {
  const word = (at: Address): number => image.u32[at >>> 2] ?? 0;
  const text = (at: Address): string => strAt(image, word(at), SHOWN) ?? "";
  const length = word(address + ObjectFields.length);
  switch (plan.shape) {
    case Shape.text: {
      const shown = strAt(image, address, SHOWN) ?? "";
      return length > SHOWN ? `${shown}...` : shown;
    }
    case Shape.bytes:
      return bytesLabel(image.u8, address + ValueFields.bytes, length);
    case Shape.int:
      return plan.cName === "bool"
        ? boolLabel(word(address + IntFields.tag))
        : intLabel(word, address);
    case Shape.float:
      return floatLabel(word(address + ValueFields.float), word(address + ValueFields.float + 4));
    case Shape.tuple:
    case Shape.list:
    case Shape.dict:
    case Shape.orderedDict:
    case Shape.deque:
    case Shape.bytearray:
    case Shape.array:
      return `len ${length}`;
    case Shape.set:
      return `len ${word(address + SetFields.used)}`;
    case Shape.type:
      return typeName();
    case Shape.code:
      return codeLabel(address);
    case Shape.module:
      return text(address + NameFields.moduleName);
    case Shape.generator:
      return text(address + NameFields.generatorName);
    default:
      return named();
  }

  function codeLabel(code: Address): string {
    const name = text(code + NameFields.codeName);
    const file = text(code + NameFields.codeFile);
    return name === "" ? "" : `${name} (${file}:${word(code + NameFields.codeLine)})`;
  }

  function functionLabel(at: Address): string {
    const code = codeLabel(word(at + NameFields.functionCode));
    const place = code.lastIndexOf(" (");
    return text(at + NameFields.functionName) + (place < 0 ? "" : code.slice(place));
  }

  function named(): string {
    switch (plan.cName) {
      case "function":
        return functionLabel(address);
      case "method":
        return functionLabel(word(address + NameFields.methodFunction));
      case "builtin_function_or_method":
      case "builtin_method":
        return cText(image, word(word(address + NameFields.builtinDefinition)));
      case "property":
        return text(address + NameFields.propertyName);
      case "wrapper_descriptor":
      case "method_descriptor":
      case "classmethod_descriptor":
      case "getset_descriptor":
      case "member_descriptor":
        return text(address + NameFields.descriptorName);
      default:
        return "";
    }
  }
}

function bytesLabel(u8: Uint8Array, from: Address, length: number): string {
  let text = "";
  for (const byte of u8.subarray(from, from + Math.min(length, SHOWN / 2))) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return length > SHOWN / 2 ? `${text}...` : text;
}

function boolLabel(tag: number): string {
  return tag >>> IntFields.tagBits === 0 || (tag & IntFields.signBits) === 1 ? "False" : "True";
}

function intLabel(word: (at: Address) => number, address: Address): string {
  const tag = word(address + IntFields.tag);
  const digits = tag >>> IntFields.tagBits;
  if (digits > MOST_DIGITS) return `${digits * IntFields.digitBits} bits`;
  let value = 0n;
  for (let digit = digits - 1; digit >= 0; digit--) {
    value = (value << 30n) | BigInt(word(address + IntFields.digits + 4 * digit));
  }
  return String((tag & IntFields.signBits) === IntFields.negative ? -value : value);
}

function floatLabel(low: number, high: number): string {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, low, true);
  bits.setUint32(4, high, true);
  const value = bits.getFloat64(0, true);
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? value.toFixed(1) : String(value);
}
