/**
 * How long a program's own memory is at its start. Pyodide restores a memory snapshot with `HEAP8.set`, and since 314, whose
 * program has its memory of its own, nothing makes it longer before: what does not fit says "offset is out of bounds".
 */
import { LinkError } from "./errors.js";

const PAGE = 65536;
const MEMORY_SECTION = 5;
const HAS_MAXIMUM = 1;

/** A number as WebAssembly writes it (LEB128), without a sign, and where it ends; it does beyond the last byte. */
function readNumber(bytes: Uint8Array, from: number): [value: number, end: number] {
  let value = 0;
  for (let at = from, scale = 1; ; scale *= 128) {
    const byte = bytes[at++] as number;
    value += (byte & 127) * scale;
    if (!(byte > 127)) return [value, at];
  }
}

function written(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...written(value >>> 7)];
}

/** The section about the program's own memory: from where to where, and pages; undefined where there is none. */
function memorySection(program: Uint8Array) {
  for (let at = 8; at < program.length; ) {
    const section = at;
    const [length, start] = readNumber(program, section + 1);
    if (program[section] === MEMORY_SECTION) {
      const [, flagsAt] = readNumber(program, start);
      const [flags, initialAt] = readNumber(program, flagsAt);
      const [initial, maximumAt] = readNumber(program, initialAt);
      const [maximum] = flags & HAS_MAXIMUM ? readNumber(program, maximumAt) : ([PAGE] as [number]);
      return { section, start, initialAt, initial, maximum, maximumAt, end: start + length };
    }
    at = start + length;
  }
  return undefined;
}

type MemorySection = NonNullable<ReturnType<typeof memorySection>>;

/**
 * Checks a length for the memory of a program, which may not be shorter than it is.
 * @throws LinkError that names the value and what was expected
 */
export function checkInitialBytes(program: Uint8Array, bytes: number): MemorySection {
  const found = memorySection(program);
  if (found === undefined) {
    throw new LinkError(
      `initialBytes is ${bytes}, expected nothing: before Pyodide 314, memories are as long as a snapshot needs`,
    );
  }
  const [least, most] = [found.initial * PAGE, found.maximum * PAGE];
  if (!Number.isInteger(bytes) || bytes < least || bytes > most) {
    throw new LinkError(
      `initialBytes is ${bytes}, expected a whole number of bytes from ${least} to ${most}`,
    );
  }
  return found;
}

/** The program with a memory that has so many bytes at its start, rounded up to pages of 64 KiB. */
export function withInitialBytes(program: Uint8Array, bytes: number): Uint8Array {
  const { section, start, initialAt, maximumAt, end } = checkInitialBytes(program, bytes);
  const content = [
    ...program.subarray(start, initialAt),
    ...written(Math.ceil(bytes / PAGE)),
    ...program.subarray(maximumAt, end),
  ];
  const head = Uint8Array.of(MEMORY_SECTION, ...written(content.length), ...content);
  return Buffer.concat([program.subarray(0, section), head, program.subarray(end)]);
}
