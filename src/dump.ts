/**
 * A debug block in CPython's words (Objects/obmalloc.c, _PyObject_DebugDumpAddress), read from the memory as
 * it is: what was overwritten shows as it was overwritten. No byte outside the memory is read, whatever the
 * damaged count of bytes says.
 */
import { hex } from "./errors.js";
import { debugLayout } from "./generated/modules.js";
import type { Address } from "./types.js";

const { FORBIDDENBYTE } = debugLayout;
/** sizeof(size_t) where CPython runs in 32 bits. */
const SST = 4;

const byteText = (byte: number) => byte.toString(16).padStart(2, "0");

/** One row of pads; `label` names the place of the byte at an index. */
function padLines(bytes: readonly number[], label: (index: number) => string): string[] {
  return bytes.map((byte, index) => {
    const ouch = byte === FORBIDDENBYTE ? "" : " *** OUCH";
    return `        at ${label(index)}: 0x${byteText(byte)}${ouch}`;
  });
}

const EXPECTED = "FORBIDDENBYTE, as expected.";
const UNEXPECTED = `not all FORBIDDENBYTE (0x${byteText(FORBIDDENBYTE)}):`;

/** The user's bytes: the first eight and the last eight. */
function dataLine(memory: Uint8Array, p: Address, size: number): string {
  const read = (from: number, to: number) =>
    Array.from(memory.subarray(from, to), (byte) => ` ${byteText(byte)}`).join("");
  const tail = p + size;
  const first = read(p, Math.min(p + 8, tail));
  const gap = size > 16 ? " ..." : "";
  return `    Data at p:${first}${gap}${size > 8 ? read(Math.max(p + 8, tail - 8), tail) : ""}`;
}

/** For an address at which no block begins. CPython would take what lies around it for one. */
export function dumpNothing(p: Address): string {
  return `Debug memory block at address p=${hex(p)}: no block begins here\n`;
}

/** The dump, each line with its newline, of a block whose front is in the memory. */
export function dumpBlock(memory: Uint8Array, p: Address): string {
  const head = `Debug memory block at address p=${hex(p)}:`;
  const word = (at: number) =>
    new DataView(memory.buffer, memory.byteOffset, memory.length).getUint32(at);
  const size = word(p - 2 * SST);
  const lines = [
    `${head} API '${String.fromCharCode(memory[p - SST] as number)}'`,
    `    ${size} bytes originally requested`,
  ];

  const front = Array.from(memory.subarray(p - SST + 1, p));
  const frontIntact = front.every((byte) => byte === FORBIDDENBYTE);
  lines.push(`    The 3 pad bytes at p-3 are ${frontIntact ? EXPECTED : UNEXPECTED}`);
  if (!frontIntact) {
    lines.push(
      ...padLines(front, (index) => `p-${front.length - index}`),
      "    Because memory is corrupted at the start, the count of bytes requested",
      "       may be bogus, and checking the trailing pad bytes may segfault.",
    );
  }

  const tail = p + size;
  if (tail + 2 * SST > memory.length) {
    lines.push(`    The 4 pad bytes at tail=0x${tail.toString(16)} are outside the memory.`);
  } else {
    const rear = Array.from(memory.subarray(tail, tail + SST));
    const rearIntact = rear.every((byte) => byte === FORBIDDENBYTE);
    lines.push(
      `    The 4 pad bytes at tail=${hex(tail)} are ${rearIntact ? EXPECTED : UNEXPECTED}`,
    );
    if (!rearIntact) lines.push(...padLines(rear, (index) => `tail+${index}`));
    const serial = word(tail + SST);
    lines.push(`    The block was made by call #${serial} to debug malloc/realloc.`);
  }
  if (size > 0) lines.push(dataLine(memory, p, size));
  return `${lines.join("\n")}\n`;
}
