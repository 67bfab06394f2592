/**
 * What the debug hooks of each domain stand on (core/debug/debug-host.ts): the record that was in force before them, or where the guest
 * sets no allocators, the pools and the system malloc themselves.
 *
 * The debug heap is one instance here, and stands above the pools for mem and object, and below them for raw.
 */

import { MEM, OBJECT, RAW } from "../debug/debug";
import { calloc, free, malloc } from "../heap/heap";
import { callCalloc, callFree, callMalloc } from "./families";
import { systemCalloc, systemFree, systemMalloc } from "./ground";
import { hooks } from "./guest-host";
import { recordBelow } from "./state";

export function rawMalloc(bytes: usize): usize {
  return hooks !== 0 ? callMalloc(recordBelow(RAW), bytes) : systemMalloc(bytes);
}

export function rawCalloc(count: usize, size: usize): usize {
  return hooks !== 0 ? callCalloc(recordBelow(RAW), count, size) : systemCalloc(count, size);
}

export function rawFree(p: usize): void {
  if (hooks !== 0) callFree(recordBelow(RAW), p);
  else systemFree(p);
}

export function memMalloc(bytes: usize): usize {
  return hooks !== 0 ? callMalloc(recordBelow(MEM), bytes) : malloc(bytes);
}

export function memCalloc(count: usize, size: usize): usize {
  return hooks !== 0 ? callCalloc(recordBelow(MEM), count, size) : calloc(count, size);
}

export function memFree(p: usize): void {
  if (hooks !== 0) callFree(recordBelow(MEM), p);
  else free(p);
}

export function objectMalloc(bytes: usize): usize {
  return hooks !== 0 ? callMalloc(recordBelow(OBJECT), bytes) : malloc(bytes);
}

export function objectCalloc(count: usize, size: usize): usize {
  return hooks !== 0 ? callCalloc(recordBelow(OBJECT), count, size) : calloc(count, size);
}

export function objectFree(p: usize): void {
  if (hooks !== 0) callFree(recordBelow(OBJECT), p);
  else free(p);
}

/** Nobody keeps books of a linked guest's blocks besides the debug heap. */
export function told(_p: usize): void {}

/** There is no lock. */
export function holdsGil(): u32 {
  return 1;
}
