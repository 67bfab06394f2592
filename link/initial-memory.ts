/** The memory of a program as it is when the program begins: how long it is, and what is in it. */
import type { Address } from "../base/base.js";
import { LinkError } from "./errors.js";
import {
  findSection,
  readNumber,
  Sections,
  signedBytes,
  unsignedBytes,
  withContent,
  withSection,
} from "./sections.js";

const PAGE = 65536;
const MOST_PAGES = 65536;
const HAS_MAXIMUM = 1;

/** A segment of data that is copied to a constant address: its kind, `i32.const`, `end`. */
const ACTIVE = 0;
const I32_CONST = 0x41;
const END = 0x0b;

/** The limits of the program's own memory, in pages; undefined where it imports one. */
function limitsOf(program: Uint8Array) {
  const section = findSection(program, Sections.memory);
  if (section === undefined) return undefined;
  const [, flagsAt] = readNumber(program, section.start);
  const [flags, initialAt] = readNumber(program, flagsAt);
  const [initial, maximumAt] = readNumber(program, initialAt);
  const maximum = flags & HAS_MAXIMUM ? readNumber(program, maximumAt)[0] : MOST_PAGES;
  return { section, initialAt, initial, maximumAt, maximum };
}

type Limits = NonNullable<ReturnType<typeof limitsOf>>;

/**
 * Checks a length for the memory of a program, which may not be shorter than it is.
 * @throws LinkError that names the value and what was expected
 */
export function checkInitialBytes(program: Uint8Array, bytes: number): Limits {
  const limits = limitsOf(program);
  if (limits === undefined) {
    throw new LinkError(
      `initialBytes is ${bytes}, expected nothing: before Pyodide 314, memories are as long as a snapshot needs`,
    );
  }
  const [least, most] = [limits.initial * PAGE, limits.maximum * PAGE];
  if (!Number.isInteger(bytes) || bytes < least || bytes > most) {
    throw new LinkError(
      `initialBytes is ${bytes}, expected a whole number of bytes from ${least} to ${most}`,
    );
  }
  return limits;
}

/**
 * The program with a memory that has so many bytes at its start, rounded up to pages of 64 KiB.
 *
 * Pyodide restores a memory snapshot with `HEAP8.set`, and since 314, whose program has its memory of its own, nothing makes
 * it longer before: what does not fit says "offset is out of bounds".
 */
export function withInitialBytes(program: Uint8Array, bytes: number): Uint8Array {
  const { section, initialAt, maximumAt } = checkInitialBytes(program, bytes);
  return withContent(program, section, [
    program.subarray(section.start, initialAt),
    unsignedBytes(Math.ceil(bytes / PAGE)),
    program.subarray(maximumAt, section.end),
  ]);
}

/** The program with a memory that has at least so many bytes at its start, where it has one of its own and may be so long. */
export function withLeastBytes(program: Uint8Array, bytes: number): Uint8Array {
  const limits = limitsOf(program);
  if (limits === undefined) return program;
  const { initial, maximum } = limits;
  return withInitialBytes(program, Math.min(Math.max(bytes, initial * PAGE), maximum * PAGE));
}

/** The program with these bytes at an address of its memory. */
export function withData(program: Uint8Array, address: Address, bytes: Uint8Array): Uint8Array {
  const section = findSection(program, Sections.data);
  const segment = [ACTIVE, I32_CONST, ...signedBytes(address | 0), END];
  if (section === undefined) {
    const content = [1, ...segment, ...unsignedBytes(bytes.length), ...bytes];
    return withSection(program, Sections.data, content);
  }
  const [count, first] = readNumber(program, section.start);
  const more = unsignedBytes(count + 1);
  const longer = withContent(program, section, [
    ...[more, program.subarray(first, section.end)],
    ...[segment, unsignedBytes(bytes.length), bytes],
  ]);
  // It comes before the data, so that is where it was.
  const counted = findSection(longer, Sections.dataCount);
  return counted === undefined ? longer : withContent(longer, counted, [more]);
}
