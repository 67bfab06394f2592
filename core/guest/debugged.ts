/**
 * The debug heap of a linked guest. What it finds is written down, goes to standard error where the guest knows of one, and ends the
 * program with a trap.
 */

import { ALIGNS, EARLIER_ANY, HELD_LIMIT, initialize } from "../debug/debug";
import { fd_write, ledgerRoot, quarantineBytes, reportBuffer } from "./guest-host";

export { reportFault } from "../debug/report/report";

/** Makes the ledger of a debug heap that has no block yet. Blocks of 16 bytes and more are at multiples of 16, for C's malloc. */
export function makeLedger(): void {
  initialize();
  store<u32>(ledgerRoot + HELD_LIMIT, quarantineBytes);
  store<u32>(ledgerRoot + ALIGNS, 1);
}

/** From now on blocks that nobody knows are let pass: they are older than the debug hooks. */
export function letPass(): void {
  store<u32>(ledgerRoot + EARLIER_ANY, 1);
}

// ------------------------------------------------------------- see core/debug/report/report-host.ts

const STDERR: i32 = 2;

/** What fd_write takes: where the text is, and how long. (It takes a row of these.) */
@unmanaged
class Vector {
  text: usize;
  bytes: usize;
  /** How much of it was written. */
  written: usize;
}

export const VECTOR_SIZE: usize = offsetof<Vector>();

/** Standard error may take it in pieces, or not at all. */
export function writeReport(text: usize, bytes: usize): void {
  const vector = changetype<Vector>(reportBuffer - VECTOR_SIZE);
  while (bytes !== 0) {
    vector.text = text;
    vector.bytes = bytes;
    vector.written = 0;
    const at = changetype<usize>(vector);
    if (fd_write(STDERR, at, 1, at + offsetof<Vector>("written")) !== 0) return;
    const written = min(vector.written, bytes);
    if (written === 0) return;
    text += written;
    bytes -= written;
  }
}

export function endProgram(): void {
  unreachable();
}

/** Where the report of the fault is that ended the program, UTF-8 with a 0 behind it; 0 while there is none. */
export function pymalloc_report(): usize {
  return load<u8>(reportBuffer) === 0 ? 0 : reportBuffer;
}

/** In the place of WASI's function, where the guest does not know it. */
export function noStandardError(_file: i32, _vectors: usize, _count: i32, _written: usize): i32 {
  return -1;
}
