/**
 * What the debug heap stands on: what CPython's debug hooks would. CPython keeps that for each domain when it puts its hooks on,
 * and `settle` puts the pools there.
 */

import { MEM, OBJECT, RAW } from "../../debug/debug";
import { calloc, free, malloc } from "../../heap/heap";
import { Record } from "../../layout";
import {
  pyCallocIndex,
  pyFreeIndex,
  pyMallocIndex,
  systemCalloc,
  systemCallocIndex,
  systemFree,
  systemFreeIndex,
  systemMalloc,
  systemMallocIndex,
} from "../linked-host";
import { BELOW, recordAt } from "../records";
import { rawHooks } from "./pydebug-host";

/** The context of a domain's hooks: a letter, and the record. */
export function contextOf(family: u32): usize {
  return rawHooks + <usize>family * (BELOW + offsetof<Record>());
}

function recordOf(family: u32): Record {
  return recordAt(contextOf(family) + BELOW);
}

// No request of the debug heap's is for 0 bytes, so the system malloc can have it as it is.

function takeFrom(family: u32, bytes: usize): usize {
  const record = recordOf(family);
  if (record.malloc === pyMallocIndex) return malloc(bytes);
  if (record.malloc === systemMallocIndex) return systemMalloc(bytes);
  return call_indirect<usize>(record.malloc, record.ctx, bytes);
}

function takeZeroedFrom(family: u32, count: usize, size: usize): usize {
  const record = recordOf(family);
  if (record.calloc === pyCallocIndex) return calloc(count, size);
  if (record.calloc === systemCallocIndex) return systemCalloc(count, size);
  return call_indirect<usize>(record.calloc, record.ctx, count, size);
}

function giveTo(family: u32, p: usize): void {
  const record = recordOf(family);
  if (record.free === pyFreeIndex) free(p);
  else if (record.free === systemFreeIndex) systemFree(p);
  else call_indirect<void>(record.free, record.ctx, p);
}

export function rawMalloc(bytes: usize): usize {
  return takeFrom(RAW, bytes);
}

export function rawCalloc(count: usize, size: usize): usize {
  return takeZeroedFrom(RAW, count, size);
}

export function rawFree(p: usize): void {
  giveTo(RAW, p);
}

export function memMalloc(bytes: usize): usize {
  return takeFrom(MEM, bytes);
}

export function memCalloc(count: usize, size: usize): usize {
  return takeZeroedFrom(MEM, count, size);
}

export function memFree(p: usize): void {
  giveTo(MEM, p);
}

export function objectMalloc(bytes: usize): usize {
  return takeFrom(OBJECT, bytes);
}

export function objectCalloc(count: usize, size: usize): usize {
  return takeZeroedFrom(OBJECT, count, size);
}

export function objectFree(p: usize): void {
  giveTo(OBJECT, p);
}
