/**
 * Ours in the place of CPython's debug hooks (Objects/obmalloc.c, _PyMem_DebugMalloc and its kin): they lie at the same places of
 * the function table. So whoever has CPython put its hooks on, at its start or later, gets ours, with CPython's contexts.
 */

import { MEM, OBJECT, pyCalloc, pyFree, pyMalloc, pyRealloc, RAW } from "../../debug/debug";
import { settle } from "../records";
import { state } from "../state";
import { contextOf } from "./below";

/**
 * The family whose hooks have this context. The pools are there before the first block of mem and object is made: it may come by a
 * way that goes past `PyObject_Malloc` and its kin, where a compiler has copied those.
 */
function familyWith(context: usize): u32 {
  state().debugs = true;
  if (context === contextOf(RAW)) return RAW;
  settle();
  return context === contextOf(MEM) ? MEM : OBJECT;
}

export function debugMalloc(context: usize, bytes: usize): usize {
  return pyMalloc(familyWith(context), bytes);
}

export function debugCalloc(context: usize, count: usize, size: usize): usize {
  return pyCalloc(familyWith(context), count, size);
}

export function debugRealloc(context: usize, p: usize, bytes: usize): usize {
  return pyRealloc(familyWith(context), p, bytes);
}

export function debugFree(context: usize, p: usize): void {
  pyFree(familyWith(context), p);
}
