/** What is known of a memory (`ImageMarks`), as JSON. It comes out of a file: no field is believed before it was looked at. */
import { isObject, show } from "../../base/base.js";
import type { ImageMarks } from "../memory/memory.js";
import { DamageError } from "./pieces.js";

/** What a field has to be, for the message, and whether it is. */
type Field = readonly [expected: string, fits: (value: unknown) => boolean];

/** The longest memory there is. */
const MOST_BYTES = 2 ** 32;

/** A whole number up to `most`. */
function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isAddress(value: unknown): boolean {
  return isWhole(value, MOST_BYTES - 1);
}

function isLength(value: unknown): value is number {
  return isWhole(value, MOST_BYTES);
}

/** An object with at least these members. */
function has(members: Readonly<Record<string, (value: unknown) => boolean>>) {
  return (value: unknown): boolean =>
    isObject(value) &&
    Object.entries(members).every(
      ([name, fits]) =>
        Object.hasOwn(value, name) && fits((value as Record<string, unknown>)[name]),
    );
}

/** An object that is no list, all members of which are as they should be. */
function all(fits: (value: unknown) => boolean, isKey: (key: string) => boolean = () => true) {
  return (value: unknown): boolean =>
    isObject(value) &&
    !Array.isArray(value) &&
    Object.entries(value).every(([key, member]) => isKey(key) && fits(member));
}

function isNumeral(key: string): boolean {
  return /^(0|[1-9]\d*)$/.test(key) && isAddress(Number(key));
}

const range: Field = [
  "an object with the addresses from and to, in that order",
  (value) =>
    has({ from: isLength, to: isLength })(value) &&
    (value as ImageMarks["chunks"]).from <= (value as ImageMarks["chunks"]).to,
];
const length: Field = ["bytes from 0 to 2^32", isLength];

const isHeap = has({
  root: isAddress,
  how: (value) => value === "installed" || value === "linked" || value === "own",
  ledger: isAddress,
  pools: (value) => typeof value === "boolean",
});
const isHolder = has({ value: isAddress, name: isText });
const isNoted = has({ object: isAddress, stack: isText });

function isProxy(value: unknown): boolean {
  if (!isNoted(value)) return false;
  const { heldBy = [] } = value as { readonly heldBy?: unknown };
  return Array.isArray(heldBy) && heldBy.every(isHolder);
}

/** All fields of the marks; those that a reader doesn't know it leaves alone. */
const fields: { readonly [Name in keyof ImageMarks]: Field } = {
  kind: ['"pyodide" or "heap"', (value) => value === "pyodide" || value === "heap"],
  allocator: ["a text", isText],
  version: ["a text", isText],
  time: ["milliseconds since 1970", (value) => isWhole(value, Number.MAX_SAFE_INTEGER)],
  symbols: ["an object of addresses", all(isAddress)],
  chunks: range,
  stack: range,
  maximumBytes: length,
  limitBytes: length,
  heap: [
    "an object with root, how, ledger and pools, or nothing",
    (value) => value === undefined || isHeap(value),
  ],
  types: ["an object of texts by their address", all(isText, isNumeral)],
  proxies: [
    "a list of objects with object and stack",
    (value) => Array.isArray(value) && value.every(isProxy),
  ],
  jsValues: ["an object of texts by their number", all(isText, isNumeral)],
};

/** A memory's marks and its length, as the JSON text of a file. */
export function marksToJson(marks: ImageMarks, bytes: number): string {
  return JSON.stringify({ bytes, ...marks });
}

/** How a wrong value is shown: a file's text may be of any length. */
function shown(value: unknown): string {
  const text = show(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/**
 * The marks and the memory's length out of the JSON text of a file.
 *
 * @throws DamageError that names the first field that is not as it should be
 */
export function marksFromJson(text: string): {
  readonly marks: ImageMarks;
  readonly bytes: number;
} {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new DamageError("the marks are no JSON, expected an object");
  }
  if (!isObject(found)) throw new DamageError(`the marks are ${shown(found)}, expected an object`);
  const members = new Map(Object.entries(found));
  function take(name: string, [expected, fits]: Field): unknown {
    const value = members.get(name);
    if (fits(value)) return value;
    throw new DamageError(`the mark ${name} is ${shown(value)}, expected ${expected}`);
  }
  const bytes = take("bytes", [
    "a multiple of 4 up to 2^32",
    (value) => isLength(value) && value % 4 === 0,
  ]);
  const marks = Object.entries(fields).map(([name, field]) => [name, take(name, field)]);
  return { marks: Object.fromEntries(marks) as ImageMarks, bytes: bytes as number };
}
