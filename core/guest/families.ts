/**
 * CPython's functions of the three families, as a linked guest calls them. Where the guest sets no allocators they *are* the pools'
 * functions, or the debug hooks'. Where it may, each looks whether its domain's allocator is still the pools', and else calls what the
 * record says, as CPython does.
 */

import { MEM, OBJECT, pyCalloc, pyFree, pyMalloc, pyRealloc, RAW } from "../debug/debug";
import { calloc, free, malloc, realloc } from "../heap/heap";
import { MAX_REQUEST, Record } from "../layout";
import { systemCalloc, systemFree, systemMalloc, systemRealloc } from "./ground";
import {
  debug,
  hooks,
  pyCallocIndex,
  pyFreeIndex,
  pyMallocIndex,
  pyReallocIndex,
  rawCallocIndex,
  rawFreeIndex,
  rawMallocIndex,
  rawReallocIndex,
} from "./guest-host";
import { recordOf } from "./state";

// ------------------------------------------------------------------- through an allocator's record

export function callMalloc(record: Record, bytes: usize): usize {
  if (bytes > MAX_REQUEST) return 0;
  return call_indirect<usize>(record.malloc, record.ctx, bytes);
}

export function callCalloc(record: Record, count: usize, size: usize): usize {
  if (<u64>count * <u64>size > MAX_REQUEST) return 0;
  return call_indirect<usize>(record.calloc, record.ctx, count, size);
}

export function callRealloc(record: Record, p: usize, bytes: usize): usize {
  if (bytes > MAX_REQUEST) return 0;
  return call_indirect<usize>(record.realloc, record.ctx, p, bytes);
}

export function callFree(record: Record, p: usize): void {
  call_indirect<void>(record.free, record.ctx, p);
}

// -------------------------------------------------------------------------------- object and mem

// Is this domain served without an allocator in front of it? Each function looks at its own place in the record.

function isMalloc(domain: u32, ours: u32): bool {
  return hooks !== 0 ? recordOf(domain).malloc === ours : debug === 0;
}

function isCalloc(domain: u32, ours: u32): bool {
  return hooks !== 0 ? recordOf(domain).calloc === ours : debug === 0;
}

function isRealloc(domain: u32, ours: u32): bool {
  return hooks !== 0 ? recordOf(domain).realloc === ours : debug === 0;
}

function isFree(domain: u32, ours: u32): bool {
  return hooks !== 0 ? recordOf(domain).free === ours : debug === 0;
}

function otherMalloc(domain: u32, bytes: usize): usize {
  return hooks !== 0 ? callMalloc(recordOf(domain), bytes) : pyMalloc(domain, bytes);
}

function otherCalloc(domain: u32, count: usize, size: usize): usize {
  return hooks !== 0 ? callCalloc(recordOf(domain), count, size) : pyCalloc(domain, count, size);
}

function otherRealloc(domain: u32, p: usize, bytes: usize): usize {
  return hooks !== 0 ? callRealloc(recordOf(domain), p, bytes) : pyRealloc(domain, p, bytes);
}

function otherFree(domain: u32, p: usize): void {
  if (hooks !== 0) callFree(recordOf(domain), p);
  else pyFree(domain, p);
}

export function PyObject_Malloc(bytes: usize): usize {
  return isMalloc(OBJECT, pyMallocIndex) ? malloc(bytes) : otherMalloc(OBJECT, bytes);
}

export function PyObject_Calloc(count: usize, size: usize): usize {
  return isCalloc(OBJECT, pyCallocIndex) ? calloc(count, size) : otherCalloc(OBJECT, count, size);
}

export function PyObject_Realloc(p: usize, bytes: usize): usize {
  return isRealloc(OBJECT, pyReallocIndex) ? realloc(p, bytes) : otherRealloc(OBJECT, p, bytes);
}

export function PyObject_Free(p: usize): void {
  if (isFree(OBJECT, pyFreeIndex)) free(p);
  else otherFree(OBJECT, p);
}

export function PyMem_Malloc(bytes: usize): usize {
  return isMalloc(MEM, pyMallocIndex) ? malloc(bytes) : otherMalloc(MEM, bytes);
}

export function PyMem_Calloc(count: usize, size: usize): usize {
  return isCalloc(MEM, pyCallocIndex) ? calloc(count, size) : otherCalloc(MEM, count, size);
}

export function PyMem_Realloc(p: usize, bytes: usize): usize {
  return isRealloc(MEM, pyReallocIndex) ? realloc(p, bytes) : otherRealloc(MEM, p, bytes);
}

export function PyMem_Free(p: usize): void {
  if (isFree(MEM, pyFreeIndex)) free(p);
  else otherFree(MEM, p);
}

// ------------------------------------------------------------------------------------------- raw

// The core's raw domain as well: what is hooked here sees its large blocks.

export function PyMem_RawMalloc(bytes: usize): usize {
  return isMalloc(RAW, rawMallocIndex) ? systemMalloc(bytes) : otherMalloc(RAW, bytes);
}

export function PyMem_RawCalloc(count: usize, size: usize): usize {
  return isCalloc(RAW, rawCallocIndex) ? systemCalloc(count, size) : otherCalloc(RAW, count, size);
}

export function PyMem_RawRealloc(p: usize, bytes: usize): usize {
  return isRealloc(RAW, rawReallocIndex) ? systemRealloc(p, bytes) : otherRealloc(RAW, p, bytes);
}

export function PyMem_RawFree(p: usize): void {
  if (isFree(RAW, rawFreeIndex)) systemFree(p);
  else otherFree(RAW, p);
}
