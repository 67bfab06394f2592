/**
 * A debug block in CPython's words (Objects/obmalloc.c, _PyObject_DebugDumpAddress). CPython believes the numbers that
 * stand around the block; here they are those of the shadow, and where the ones in memory differ, a line says so. The pads
 * and the block's bytes are shown as they are, and only as long as they are the block's.
 *
 * core/debug/report/dump.ts does the same in WebAssembly, and test/unit/debug-report-text.test.ts compares them.
 */
import { type Address, type DomainName, fillIn, hex, debugLayout as L } from "../../base/base.js";
import * as texts from "./patterns.js";

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

/** What the names of a family's functions begin with. */
export const prefixes: Record<DomainName, string> = {
  raw: "PyMem_Raw",
  mem: "PyMem_",
  object: "PyObject_",
};

/** sizeof(size_t) where CPython runs in 32 bits. */
const SST = 4;

/** So many bytes as people say it. */
export function bytes(count: number): string {
  return count === 1 ? texts.phraseByte : fillIn(texts.phraseBytes, { d: count });
}

/** What the letters of a pattern stand for that are about a block; see `patterns.ts`. */
export function fieldsOf({ start, size, serial, family }: DebugBlock): Record<string, string> {
  const fields = {
    ...{ p: hex(start), e: hex(start + size), z: String(size), B: bytes(size), s: String(serial) },
    ...{ f: family, F: prefixes[family], l: letters[family] },
  };
  return { ...fields, b: fillIn(texts.phraseBlock, fields) };
}

/** A block by its size, its place, its family and its serial number. */
export function describe(block: DebugBlock): string {
  return fillIn(texts.phraseBlock, fieldsOf(block));
}

const byteText = (byte: number) => byte.toString(16).padStart(2, "0");

/** A line that says whether pads are intact, and where they are not one for each; `d` names the place of the byte at an index. */
function padLines(line: string, pads: Uint8Array, pattern: string, d: (index: number) => number) {
  const rows = Array.from(
    pads,
    (byte, index) =>
      fillIn(pattern, { d: d(index) }) +
      fillIn(byte === L.FORBIDDENBYTE ? texts.dumpRight : texts.dumpOuch, { x: byteText(byte) }),
  );
  const intact = pads.every((byte) => byte === L.FORBIDDENBYTE);
  const damaged = fillIn(texts.dumpDamaged, { x: byteText(L.FORBIDDENBYTE) });
  return { intact, text: line + (intact ? texts.dumpIntact : damaged + rows.join("")) };
}

/** The user's bytes: the first eight and the last eight. */
function dataLine(memory: Uint8Array, p: Address, size: number): string {
  const read = (from: number, to: number) =>
    Array.from(memory.subarray(from, to), (byte) =>
      fillIn(texts.dumpDataByte, { x: byteText(byte) }),
    );
  const tail = p + size;
  const parts = [
    texts.dumpData,
    ...read(p, Math.min(p + 8, tail)),
    size > 16 ? texts.dumpDataGap : "",
  ];
  if (size > 8) parts.push(...read(Math.max(p + 8, tail - 8), tail));
  return `${parts.join("")}\n`;
}

/** For an address at which no block begins. CPython would take what lies around it for one. */
export function dumpNothing(p: Address): string {
  return fillIn(texts.dumpNothing, { a: hex(p) });
}

/** The dump, each line with its newline. Of a block that left the quarantine nothing is read: it may be another by now. */
export function dumpBlock(memory: Uint8Array, block: DebugBlock): string {
  const { start: p, size, serial, family } = block;
  const fields = fieldsOf(block);
  const head = fillIn(texts.dumpHead, fields);
  const call = fillIn(texts.dumpCall, fields);
  if (block.state === L.GONE) return head + texts.dumpGone + call;

  const word = (at: number) =>
    memory.subarray(at, at + SST).reduce((value, byte) => value * 256 + byte, 0);
  const [letter = 0] = memory.subarray(p - SST);
  const [sizeThere, serialThere] = [word(p - 2 * SST), word(p + size + SST)];
  const tail = p + size;
  const front = padLines(
    texts.dumpFront,
    memory.subarray(p - SST + 1, p),
    texts.dumpFrontByte,
    (n) => 3 - n,
  );
  const rear = padLines(
    fillIn(texts.dumpRear, fields),
    memory.subarray(tail, tail + SST),
    texts.dumpRearByte,
    (n) => n,
  );
  return [
    head,
    letter === letters[family].charCodeAt(0)
      ? ""
      : fillIn(texts.dumpLetter, { x: byteText(letter) }),
    sizeThere === size ? "" : fillIn(texts.dumpSize, { d: sizeThere }),
    front.text,
    front.intact ? "" : texts.dumpBogus,
    rear.text,
    call,
    serialThere === serial ? "" : fillIn(texts.dumpSerial, { d: serialThere }),
    size > 0 ? dataLine(memory, p, size) : "",
  ].join("");
}
