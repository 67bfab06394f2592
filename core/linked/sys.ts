/**
 * The two functions of `sys` that are about the allocator, for an interpreter that has no JavaScript of ours. Their text
 * is a pattern of src/report/patterns.ts's, which fills in the same for other heaps.
 */

import { allocatedBlocks, books, root, sizeOf, stats } from "../heap/heap";
import {
  CLASS_SLICES,
  POOL_HEADER,
  REPORT_ALL_SLICES,
  REPORT_BLOCKS,
  REPORT_FREE_SLICES,
  REPORT_POOLS,
  REPORT_USED,
  SIZE_CLASSES,
  SLICE_SIZE,
  UNIT_SIZE,
} from "../layout";
import {
  PyLong_FromSize_t,
  reportHead,
  reportRow,
  reportTail,
  systemFree,
  systemMalloc,
  write,
} from "./linked-host";
import { state } from "./state";
import { STDERR } from "./text";

/** Longer than any line of the report. */
const LINE_BYTES: usize = 128;

/** The line that is being written. */
let line: usize = 0;
let end: usize = 0;

function put(character: u32): void {
  store<u8>(end++, <u8>character);
  if (character !== 0x0a) return;
  write(STDERR, line, end - line);
  end = line;
}

function padTo(column: usize): void {
  while (end < column) put(0x20);
}

/** A number in so many columns, to the right; with commas between its thousands, or without. */
function putNumber(value: u32, width: u32, commas: bool): void {
  let digits: u32 = 1;
  for (let rest = value / 10; rest !== 0; rest /= 10) digits++;
  const length = digits + (commas ? (digits - 1) / 3 : 0);
  if (length < width) padTo(end + width - length);
  end += length;
  let at = end;
  for (let digit: u32 = 0; digit < digits; digit++) {
    if (commas && digit !== 0 && digit % 3 === 0) store<u8>(--at, 0x2c);
    store<u8>(--at, <u8>(0x30 + (value % 10)));
    value /= 10;
  }
}

/**
 * Writes a pattern up to its next number, which is this one; where the pattern goes on. In a pattern, `%5` is a number in
 * five columns, `%,21` one with commas, and `%|35` fills the line up to there.
 */
function fill(pattern: usize, value: u32): usize {
  for (;;) {
    const character = <u32>load<u8>(pattern++);
    if (character === 0) return pattern;
    if (character !== 0x25) {
      put(character);
      continue;
    }
    const kind = <u32>load<u8>(pattern);
    const commas = kind === 0x2c;
    const column = kind === 0x7c;
    if (commas || column) pattern++;
    let width: u32 = 0;
    for (; <u32>load<u8>(pattern) - 0x30 < 10; pattern++) {
      width = width * 10 + <u32>load<u8>(pattern) - 0x30;
    }
    if (column) {
      padTo(line + width);
      continue;
    }
    putNumber(value, width, commas);
    return pattern;
  }
}

function counted(cell: usize, sizeClass: usize): u32 {
  return load<u32>(root + cell + sizeClass * sizeof<u32>());
}

/** Writes the text of `sys._debugmallocstats` on standard error. */
export function report(): void {
  stats();
  line = systemMalloc(LINE_BYTES);
  if (line === 0) return;
  end = line;
  fill(reportHead, 0);
  let pools: u32 = 0;
  let inUse: u32 = 0;
  let available: u32 = 0;
  let quantization: u32 = 0;
  for (let sizeClass: usize = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const own = counted(REPORT_POOLS, sizeClass);
    if (own === 0) continue;
    const size = <u32>sizeOf(sizeClass);
    const blocks = counted(REPORT_BLOCKS, sizeClass);
    const used = counted(REPORT_USED, sizeClass);
    let row = fill(reportRow, <u32>sizeClass);
    row = fill(row, size);
    row = fill(row, own);
    row = fill(row, used);
    fill(fill(row, blocks - used), 0);
    pools += own;
    inUse += used * size;
    available += (blocks - used) * size;
    const room = counted(CLASS_SLICES, sizeClass) * <u32>SLICE_SIZE;
    quantization += room - own * <u32>POOL_HEADER - blocks * size;
  }
  const book = books();
  const unused = counted(REPORT_FREE_SLICES, 0);
  const total = book.unitsCurrent * <u32>UNIT_SIZE;
  let tail = fill(reportTail, book.unitsAllocated);
  tail = fill(tail, book.unitsReclaimed);
  tail = fill(tail, book.unitsHighwater);
  tail = fill(tail, book.unitsCurrent);
  tail = fill(tail, book.unitsCurrent);
  tail = fill(tail, total);
  tail = fill(tail, inUse);
  tail = fill(tail, available);
  tail = fill(tail, unused);
  tail = fill(tail, unused * <u32>SLICE_SIZE);
  tail = fill(tail, pools * <u32>POOL_HEADER);
  tail = fill(tail, quantization);
  tail = fill(tail, total - counted(REPORT_ALL_SLICES, 0) * <u32>SLICE_SIZE);
  fill(fill(tail, total), 0);
  systemFree(line);
}

/** In the place of `sys.getallocatedblocks`. */
export function blocksOfSys(module: usize, none: usize): usize {
  const s = state();
  if (s.placed) return PyLong_FromSize_t(allocatedBlocks());
  if (s.isCounted) return PyLong_FromSize_t(s.counted);
  return call_indirect<usize>(s.theirBlocks, module, none);
}

/** In the place of `sys._debugmallocstats`, which then tells of other things of CPython's. */
export function statsOfSys(module: usize, none: usize): usize {
  const s = state();
  if (s.placed) report();
  return call_indirect<usize>(s.theirStats, module, none);
}
