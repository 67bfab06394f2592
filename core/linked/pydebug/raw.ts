/**
 * The raw domain of the pools. As long as debug hooks are on, it is what lies below all that was put in front of the raw domain since:
 * the debug heap. For a block that leaves the quarantine is freed whenever another one is, be it by tracemalloc, which frees a trace
 * while it holds its lock: it must not be called then.
 */

import { pyCalloc, pyFree, pyMalloc, pyRealloc, RAW } from "../../debug/debug";
import { answered } from "../../limit/limit";
import { PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc } from "../families";
import { state } from "../state";

export function mallocForPools(bytes: usize): usize {
  return state().debugs ? answered(pyMalloc(RAW, bytes), bytes) : PyMem_RawMalloc(bytes);
}

export function callocForPools(count: usize, size: usize): usize {
  if (!state().debugs) return PyMem_RawCalloc(count, size);
  return answered(pyCalloc(RAW, count, size), count * size);
}

export function reallocForPools(p: usize, bytes: usize): usize {
  return state().debugs ? answered(pyRealloc(RAW, p, bytes), bytes) : PyMem_RawRealloc(p, bytes);
}

export function freeForPools(p: usize): void {
  if (state().debugs) pyFree(RAW, p);
  else PyMem_RawFree(p);
}
