/**
 * The records of CPython's allocators: ours are put in the place of the plain malloc's, as CPython's configure switch
 * `--with-pymalloc` does (Objects/obmalloc.c, PYMEM_ALLOC and PYOBJ_ALLOC).
 *
 * CPython writes the records itself at its start, when it has read PYTHONMALLOC: plain ones, debug hooks over plain
 * ones, or mimalloc's. It makes no request of mem and object before that. So they are looked at once, at the first
 * of these requests.
 */

import {
  layoutMark,
  memRecord,
  objectRecord,
  pyCallocIndex,
  pyFreeIndex,
  pyMallocIndex,
  pyReallocIndex,
  systemCallocIndex,
  systemFreeIndex,
  systemMallocIndex,
  systemReallocIndex,
  wordForeign,
  write,
  writeTexts,
} from "./host";
import { state } from "./state";
import { lengthOf, STDERR } from "./text";

/** PyMemAllocatorEx. */
@unmanaged
export class Record {
  ctx: usize;
  malloc: u32;
  calloc: u32;
  realloc: u32;
  free: u32;
}

export function recordAt(address: usize): Record {
  return changetype<Record>(address);
}

/** Debug hooks (debug_alloc_api_t): their context is a letter, and what they stand on behind it. */
const BELOW: usize = 4;

export function isPlain(record: Record): bool {
  return (
    record.malloc === systemMallocIndex &&
    record.calloc === systemCallocIndex &&
    record.realloc === systemReallocIndex &&
    record.free === systemFreeIndex
  );
}

export function isOurs(record: Record): bool {
  return record.malloc === pyMallocIndex && record.free === pyFreeIndex;
}

/** What a record's context would have below it, were it that of debug hooks; the record itself where there is no room for it. */
export function below(record: Record): Record {
  const end = ((<usize>memory.size()) << 16) - offsetof<Record>() - BELOW;
  return record.ctx === 0 || record.ctx > end ? record : recordAt(record.ctx + BELOW);
}

function placeAt(address: usize): void {
  const bare = recordAt(address);
  const record = isPlain(bare) ? bare : below(bare);
  if (!isPlain(record)) return;
  record.malloc = pyMallocIndex;
  record.calloc = pyCallocIndex;
  record.realloc = pyReallocIndex;
  record.free = pyFreeIndex;
  state().placed = true;
}

/**
 * The memory has no heap of ours: it was restored from a snapshot that another program made, and the texts are gone with
 * all the rest. (JavaScript that was linked together with this program does not let it come to that: see link/build-id.ts.)
 */
function refuseMemory(): void {
  writeTexts();
  write(STDERR, wordForeign, lengthOf(wordForeign));
  unreachable();
}

/** Puts the pools where they belong, once. */
export function settle(): void {
  const s = state();
  if (s.layout !== layoutMark) refuseMemory();
  if (s.settled) return;
  s.settled = true;
  if (!s.wanted) return;
  placeAt(memRecord);
  placeAt(objectRecord);
}
