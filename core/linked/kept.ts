/**
 * The core's raw domain in a linked program: CPython's own, and in front of it one block that is kept from its free to the
 * next request, in case that is for as much.
 *
 * CPython's regular expressions take a stack of a bit over 1,024 bytes for each match and give it back at its end
 * (Modules/_sre/sre.c, data_stack_grow). A third of all requests of a program that reads text are for these, and
 * dlmalloc would cut each out of a larger chunk and join the two again. Any other request gives the block back first: it
 * may lie in the middle of a long hole.
 */

import { LONGEST_KEPT, SMALL_REQUEST_THRESHOLD } from "../policy/linked";
import { chunkOf } from "./chunks";
import { PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc } from "./families";
import { rawRecord, systemFree, systemFreeIndex, systemMallocIndex } from "./linked-host";
import { recordAt } from "./records";
import { state } from "./state";

/** Whoever stands on the raw domain sees every request. */
function isSystems(): bool {
  const raw = recordAt(rawRecord);
  return raw.malloc === systemMallocIndex && raw.free === systemFreeIndex;
}

/** Gives the block that is kept to the system malloc. */
export function releaseKept(): void {
  const s = state();
  if (!s.isKept) return;
  s.isKept = false;
  systemFree(s.recent);
}

export function keptMalloc(bytes: usize): usize {
  const s = state();
  if (s.isKept && s.recentBytes === bytes && isSystems()) {
    s.isKept = false;
    return s.recent;
  }
  releaseKept();
  const p = PyMem_RawMalloc(bytes);
  if (bytes > SMALL_REQUEST_THRESHOLD && bytes <= LONGEST_KEPT && p !== 0) {
    s.recent = p;
    s.recentBytes = bytes;
    s.recentChunk = chunkOf(p);
  }
  return p;
}

export function keptCalloc(count: usize, size: usize): usize {
  releaseKept();
  return PyMem_RawCalloc(count, size);
}

export function keptRealloc(p: usize, bytes: usize): usize {
  releaseKept();
  return PyMem_RawRealloc(p, bytes);
}

export function keptFree(p: usize): void {
  const s = state();
  // The block may have gone another way, by realloc or a hook, and be a shorter one now.
  if (p === s.recent && chunkOf(p) === s.recentChunk && isSystems()) s.isKept = true;
  else PyMem_RawFree(p);
}
