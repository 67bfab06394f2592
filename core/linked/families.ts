/**
 * CPython's functions of the three families by their own names, to take the place of the program's. Each looks whether
 * its domain's allocator is still the one that was linked, and then *is* that one; else it calls what the record
 * says, as CPython does.
 */

import { calloc, free, malloc, realloc } from "../heap/heap";
import { MAX_REQUEST } from "../layout";
import { answered } from "../limit/limit";
import {
  memRecord,
  objectRecord,
  pyCallocIndex,
  pyFreeIndex,
  pyMallocIndex,
  pyReallocIndex,
  rawRecord,
  systemCalloc,
  systemCallocIndex,
  systemFree,
  systemFreeIndex,
  systemMalloc,
  systemMallocIndex,
  systemRealloc,
  systemReallocIndex,
} from "./linked-host";
import { recordAt, settle } from "./records";
import { state } from "./state";

function isTooMany(count: usize, size: usize): bool {
  return <u64>count * <u64>size > MAX_REQUEST;
}

/** What another allocator's answer becomes. Where it stands on the pools, the raw domain has seen it. */
function seen(p: usize, bytes: usize): usize {
  return state().placed ? p : answered(p, bytes);
}

function otherMalloc(record: usize, bytes: usize): usize {
  if (bytes > MAX_REQUEST) return 0;
  settle();
  return seen(call_indirect<usize>(recordAt(record).malloc, recordAt(record).ctx, bytes), bytes);
}

function otherCalloc(record: usize, count: usize, size: usize): usize {
  if (isTooMany(count, size)) return 0;
  settle();
  const p = call_indirect<usize>(recordAt(record).calloc, recordAt(record).ctx, count, size);
  return seen(p, count * size);
}

function otherRealloc(record: usize, p: usize, bytes: usize): usize {
  if (bytes > MAX_REQUEST) return 0;
  settle();
  const moved = call_indirect<usize>(recordAt(record).realloc, recordAt(record).ctx, p, bytes);
  return seen(moved, bytes);
}

function otherFree(record: usize, p: usize): void {
  settle();
  call_indirect<void>(recordAt(record).free, recordAt(record).ctx, p);
}

export function PyObject_Malloc(bytes: usize): usize {
  return recordAt(objectRecord).malloc === pyMallocIndex
    ? malloc(bytes)
    : otherMalloc(objectRecord, bytes);
}

export function PyObject_Calloc(count: usize, size: usize): usize {
  return recordAt(objectRecord).calloc === pyCallocIndex
    ? calloc(count, size)
    : otherCalloc(objectRecord, count, size);
}

export function PyObject_Realloc(p: usize, bytes: usize): usize {
  return recordAt(objectRecord).realloc === pyReallocIndex
    ? realloc(p, bytes)
    : otherRealloc(objectRecord, p, bytes);
}

export function PyObject_Free(p: usize): void {
  if (recordAt(objectRecord).free === pyFreeIndex) free(p);
  else otherFree(objectRecord, p);
}

export function PyMem_Malloc(bytes: usize): usize {
  return recordAt(memRecord).malloc === pyMallocIndex
    ? malloc(bytes)
    : otherMalloc(memRecord, bytes);
}

export function PyMem_Calloc(count: usize, size: usize): usize {
  return recordAt(memRecord).calloc === pyCallocIndex
    ? calloc(count, size)
    : otherCalloc(memRecord, count, size);
}

export function PyMem_Realloc(p: usize, bytes: usize): usize {
  return recordAt(memRecord).realloc === pyReallocIndex
    ? realloc(p, bytes)
    : otherRealloc(memRecord, p, bytes);
}

export function PyMem_Free(p: usize): void {
  if (recordAt(memRecord).free === pyFreeIndex) free(p);
  else otherFree(memRecord, p);
}

// The raw domain is nobody's pools; it gets to the system malloc without a call through the table.

export function PyMem_RawMalloc(bytes: usize): usize {
  if (bytes > MAX_REQUEST) return 0;
  const raw = recordAt(rawRecord);
  const p =
    raw.malloc === systemMallocIndex
      ? systemMalloc(max<usize>(bytes, 1))
      : call_indirect<usize>(raw.malloc, raw.ctx, bytes);
  return answered(p, bytes);
}

export function PyMem_RawCalloc(count: usize, size: usize): usize {
  if (isTooMany(count, size)) return 0;
  const raw = recordAt(rawRecord);
  const bytes = count * size;
  if (raw.calloc !== systemCallocIndex) {
    return answered(call_indirect<usize>(raw.calloc, raw.ctx, count, size), bytes);
  }
  return answered(bytes === 0 ? systemCalloc(1, 1) : systemCalloc(count, size), bytes);
}

export function PyMem_RawRealloc(p: usize, bytes: usize): usize {
  if (bytes > MAX_REQUEST) return 0;
  const raw = recordAt(rawRecord);
  const moved =
    raw.realloc === systemReallocIndex
      ? systemRealloc(p, max<usize>(bytes, 1))
      : call_indirect<usize>(raw.realloc, raw.ctx, p, bytes);
  return answered(moved, bytes);
}

export function PyMem_RawFree(p: usize): void {
  const raw = recordAt(rawRecord);
  if (raw.free === systemFreeIndex) systemFree(p);
  else call_indirect<void>(raw.free, raw.ctx, p);
}
