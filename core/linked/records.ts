/**
 * The records of CPython's allocators: ours are put in the place of the plain malloc's, as CPython's configure switch
 * `--with-pymalloc` does (Objects/obmalloc.c, PYMEM_ALLOC and PYOBJ_ALLOC).
 *
 * CPython writes the records itself at its start, when it has read PYTHONMALLOC: plain ones, debug hooks over plain
 * ones, or mimalloc's. It makes no request of mem and object before that. So they are looked at once, at the first
 * of these requests.
 */

import { root } from "../heap/heap";
import { Record } from "../layout";
import {
  countedCallocIndex,
  countedFreeIndex,
  countedMallocIndex,
  countedReallocIndex,
  foreignBytes,
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
  theirAllocatorName,
  write,
  writeForeign,
} from "./linked-host";
import { FRONTED, FRONTED_BYTES, state } from "./state";
import { firstTwo, MI, STDERR } from "./text";

export function recordAt(address: usize): Record {
  return changetype<Record>(address);
}

/** Debug hooks (debug_alloc_api_t): their context is a letter, and what they stand on behind it. */
export const BELOW: usize = 4;

export function isPlain(record: Record): bool {
  return (
    record.malloc === systemMallocIndex &&
    record.calloc === systemCallocIndex &&
    record.realloc === systemReallocIndex &&
    record.free === systemFreeIndex
  );
}

export function isCounted(record: Record): bool {
  return record.malloc === countedMallocIndex && record.free === countedFreeIndex;
}

export function isOurs(record: Record): bool {
  return record.malloc === pyMallocIndex && record.free === pyFreeIndex;
}

/** What a record's context would have below it, were it that of debug hooks; the record itself where there is no room for it. */
export function below(record: Record): Record {
  const end = ((<usize>memory.size()) << 16) - offsetof<Record>() - BELOW;
  return record.ctx === 0 || record.ctx > end ? record : recordAt(record.ctx + BELOW);
}

/**
 * The memory has no heap of ours: it was restored from a snapshot that another program made, and the texts are gone with
 * all the rest. (JavaScript that was linked together with this program does not let it come to that: see link/build-id.ts.)
 */
function refuseMemory(): void {
  writeForeign();
  write(STDERR, root, foreignBytes);
  unreachable();
}

/** Ours in the place of the plain malloc's. */
function place(record: Record): void {
  record.malloc = pyMallocIndex;
  record.calloc = pyCallocIndex;
  record.realloc = pyReallocIndex;
  record.free = pyFreeIndex;
  state().placed = true;
}

/** The functions that count in front of mimalloc's, whose record is kept. */
function count(record: Record, kept: usize): void {
  memory.copy(kept, changetype<usize>(record), offsetof<Record>());
  record.ctx = kept;
  record.malloc = countedMallocIndex;
  record.calloc = countedCallocIndex;
  record.realloc = countedReallocIndex;
  record.free = countedFreeIndex;
  state().isCounted = true;
}

/** The letters of "mimalloc"; "mimalloc_debug" goes on behind them. */
const MIMALLOC: usize = 8;

/** Puts the pools where they belong, once; where mimalloc is, only its blocks are counted. */
export function settle(): void {
  const s = state();
  if (s.layout !== layoutMark) refuseMemory();
  if (s.settled) return;
  s.settled = true;
  if (!s.wanted) return;
  const name = theirAllocatorName();
  const isMimalloc = name !== 0 && firstTwo(name) === MI;
  for (let domain: usize = 0; domain < 2; domain++) {
    const bare = recordAt(domain === 0 ? memRecord : objectRecord);
    const isBare = isMimalloc ? load<u8>(name + MIMALLOC) === 0 : isPlain(bare);
    const record = isBare ? bare : below(bare);
    if (isMimalloc) count(record, root + FRONTED + domain * offsetof<Record>());
    else if (isPlain(record)) place(record);
  }
}

if (FRONTED_BYTES !== 2 * offsetof<Record>()) ERROR("there is room for two records");
