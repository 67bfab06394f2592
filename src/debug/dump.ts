/**
 * A debug block in CPython's words (Objects/obmalloc.c, _PyObject_DebugDumpAddress). CPython believes the numbers that
 * stand around the block; here they are those of the shadow, and where the ones in memory differ, a line says so. The pads
 * and the block's bytes are shown as they are, and only as long as they are the block's.
 */
import { type Address, type DomainName, hex, debugLayout as L } from "../../base/base.js";

/** What the shadow knows of a block. */
export interface DebugBlock {
  readonly start: Address;
  readonly size: number;
  readonly serial: number;
  readonly family: DomainName;
  /** One of the states of core/debug/debug-layout.ts. */
  readonly state: number;
}

/** The letters of the families, which CPython calls APIs. */
export const letters: Readonly<Record<DomainName, string>> = { raw: "r", mem: "m", object: "o" };

/** sizeof(size_t) where CPython runs in 32 bits. */
const SST = 4;

const byteText = (byte: number) => byte.toString(16).padStart(2, "0");

/** One row of pads; `label` names the place of the byte at an index. */
function padLines(bytes: readonly number[], label: (index: number) => string): string[] {
  return bytes.map((byte, index) => {
    const ouch = byte === L.FORBIDDENBYTE ? "" : " *** OUCH";
    return `        at ${label(index)}: 0x${byteText(byte)}${ouch}`;
  });
}

const EXPECTED = "FORBIDDENBYTE, as expected.";
const unexpected = () => `not all FORBIDDENBYTE (0x${byteText(L.FORBIDDENBYTE)}):`;

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

/** For a block that left the quarantine: where it was may be another one by now, so nothing is read there. */
function dumpGone({ start, size, serial, family }: DebugBlock): string {
  return [
    `Debug memory block at address p=${hex(start)}: API '${letters[family]}'`,
    `    ${size} bytes originally requested`,
    "    It was freed and has left the quarantine: its memory may belong to others by now.",
    `    The block was made by call #${serial} to debug malloc/realloc.\n`,
  ].join("\n");
}

/** The dump, each line with its newline, of a block that has its memory still. */
function dumpThere(memory: Uint8Array, { start: p, size, serial, family }: DebugBlock): string {
  const word = (at: number) =>
    memory.subarray(at, at + SST).reduce((value, byte) => value * 256 + byte, 0);
  const letter = letters[family];
  const lines = [
    `Debug memory block at address p=${hex(p)}: API '${letter}'`,
    `    ${size} bytes originally requested`,
  ];
  const [found = 0] = memory.subarray(p - SST);
  if (found !== letter.charCodeAt(0)) {
    lines.push(`    The letter of the API in memory is damaged: 0x${byteText(found)}.`);
  }
  if (word(p - 2 * SST) !== size) {
    lines.push(`    The count of bytes in memory is damaged: ${word(p - 2 * SST)}.`);
  }

  const front = Array.from(memory.subarray(p - SST + 1, p));
  const frontIntact = front.every((byte) => byte === L.FORBIDDENBYTE);
  lines.push(`    The 3 pad bytes at p-3 are ${frontIntact ? EXPECTED : unexpected()}`);
  if (!frontIntact) {
    lines.push(
      ...padLines(front, (index) => `p-${front.length - index}`),
      "    Because memory is corrupted at the start, the count of bytes requested",
      "       may be bogus, and checking the trailing pad bytes may segfault.",
    );
  }

  const tail = p + size;
  const rear = Array.from(memory.subarray(tail, tail + SST));
  const rearIntact = rear.every((byte) => byte === L.FORBIDDENBYTE);
  lines.push(
    `    The 4 pad bytes at tail=${hex(tail)} are ${rearIntact ? EXPECTED : unexpected()}`,
  );
  if (!rearIntact) lines.push(...padLines(rear, (index) => `tail+${index}`));
  lines.push(`    The block was made by call #${serial} to debug malloc/realloc.`);
  if (word(tail + SST) !== serial) {
    lines.push(`    The serial number in memory is damaged: ${word(tail + SST)}.`);
  }
  if (size > 0) lines.push(dataLine(memory, p, size));
  return `${lines.join("\n")}\n`;
}

export function dumpBlock(memory: Uint8Array, block: DebugBlock): string {
  return block.state === L.GONE ? dumpGone(block) : dumpThere(memory, block);
}
