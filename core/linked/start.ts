/** The start of a linked program: the heap is there before its first request, and PYTHONMALLOC is understood. */

import { initialize, root } from "../heap/heap";
import { setLimit } from "../limit/limit";
import {
  blocksIndex,
  blocksMethod,
  callConstructors,
  environmentValue,
  layoutMark,
  limitAtStart,
  memRecord,
  objectRecord,
  reserved,
  sbrk,
  statsIndex,
  statsMethod,
  theirAllocatorName,
  wordDebug,
  wordDefault,
  wordMimalloc,
  wordMimallocDebug,
  wordPymalloc,
  wordPymallocDebug,
  wordStatsVariable,
  wordVariable,
} from "./linked-host";
import { below, isCounted, isOurs, recordAt, settle } from "./records";
import { state } from "./state";
import { firstTwo, MA, sameText } from "./text";

function exchange(cell: usize, value: u32): u32 {
  const before = load<u32>(cell);
  store<u32>(cell, value);
  return before;
}

/**
 * In the place of the program's constructors, which run before anything else of it. Nothing was taken from the heap yet,
 * so its first bytes are at the address that was linked in as the root.
 */
export function constructors(): void {
  if (sbrk(reserved) !== root) unreachable();
  initialize(0);
  const s = state();
  s.layout = layoutMark;
  s.settled = false;
  s.wanted = true;
  s.placed = false;
  s.reports = false;
  s.founded = false;
  s.foundation = 0;
  s.foundationNext = 0;
  s.foundationReturned = 0;
  s.isCounted = false;
  s.counted = 0;
  s.reserve = 0;
  s.theirBlocks = exchange(blocksMethod, blocksIndex);
  s.theirStats = exchange(statsMethod, statsIndex);
  if (limitAtStart !== 0) setLimit(limitAtStart);
  callConstructors();
}

/**
 * What PYTHONMALLOC wants, until the records are looked at: CPython reads it once, and so do we. (It ends at a word that it does
 * not know, so two letters are enough.)
 */
function readWords(value: usize): void {
  const s = state();
  if (s.layout !== layoutMark || s.settled) return;
  s.wanted = value === 0 || firstTwo(value) !== MA;
  const always = environmentValue(wordStatsVariable);
  s.reports = always !== 0 && load<u8>(always) !== 0;
}

/**
 * In the place of C's getenv. A program that was compiled without pymalloc does not know two of PYTHONMALLOC's
 * words; it is given their nearest that it knows, and what it then makes of them is put right by `settle`.
 *
 * Anyone may ask later, and as often as he likes (`ctypes.CDLL(None).getenv`): that is answered in the same way, and nothing
 * else comes of it.
 */
export function getenv(name: usize): usize {
  const value = environmentValue(name);
  if (!sameText(name, wordVariable)) return value;
  readWords(value);
  if (value === 0) return value;
  if (sameText(value, wordPymalloc)) return wordDefault;
  return sameText(value, wordPymallocDebug) ? wordDebug : value;
}

/** In the place of `_PyMem_GetCurrentAllocatorName`, which knows the records that it was compiled with. */
export function allocatorName(): usize {
  settle();
  const mem = recordAt(memRecord);
  const object = recordAt(objectRecord);
  if (isOurs(mem) && isOurs(object)) return wordPymalloc;
  if (isOurs(below(mem)) && isOurs(below(object))) return wordPymallocDebug;
  if (isCounted(mem) && isCounted(object)) return wordMimalloc;
  if (isCounted(below(mem)) && isCounted(below(object))) return wordMimallocDebug;
  return theirAllocatorName();
}
