/** Line numbers, out of the table that a CPython code object has for them. */

/** The forms of an entry that have more to say than the line's small steps. */
enum Forms {
  oneLine = 10,
  noColumns = 13,
  long = 14,
  none = 15,
}

/** An entry's first byte has the highest bit set, the others have not. */
const FIRST = 0x80;

/** More bytes of a number than this hold no line; without an end, a number could be the table. */
const LONGEST_NUMBER = 6;

/** A signed number: six bits a byte, the lowest first, bit 6 where more follow; bit 0 is the sign. */
function signedAt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let index = 0; index < LONGEST_NUMBER && start + index < end; index++) {
    const byte = bytes[start + index] ?? 0;
    value += (byte & 63) * 64 ** index;
    if ((byte & 64) === 0) break;
  }
  const size = Math.floor(value / 2);
  return value % 2 === 0 ? size : -size;
}

/**
 * The line of an instruction: `PyCode_Addr2Line` for a table in memory. The format, CPython's since 3.11,
 * is described in its InternalDocs/code_objects.md: entries for runs of up to 8 code units, each with the
 * step from the line of the one before.
 *
 *     first byte   1 | form (4 bits) | units - 1 (3 bits)
 *     form 0-9     the same line         13, 14   step is a signed number, which follows
 *     form 10-12   step is form - 10     15       no line
 *
 * @param bytes the memory that holds the table from `start` up to `end`, or what there is of it
 * @param firstLine the code object's first line, with which the steps begin
 * @param unit which code unit (two bytes) of the code
 * @returns 0 when the table has no line for it. What precedes every line counts as the first line: it
 *   is how a function that has just been called makes its cells.
 */
export function lineAt(
  bytes: Uint8Array,
  start: number,
  end: number,
  firstLine: number,
  unit: number,
): number {
  let line = firstLine;
  let units = 0;
  let started = false;
  for (let at = start; at < end; ) {
    const first = bytes[at++] ?? 0;
    const form = (first >>> 3) & 15;
    if (form === Forms.noColumns || form === Forms.long) line += signedAt(bytes, at, end);
    else if (form >= Forms.oneLine && form < Forms.noColumns) line += form - Forms.oneLine;
    started ||= form !== Forms.none;
    units += (first & 7) + 1;
    if (unit < units) return form === Forms.none && started ? 0 : line;
    while (at < end && ((bytes[at] ?? FIRST) & FIRST) === 0) at++;
  }
  return 0;
}
