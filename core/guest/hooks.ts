/** CPython's control functions: allocators as records in the guest's memory, with pointers into its function table. */

import { MEM, OBJECT, RAW } from "../debug/debug";
import { ALIGNMENT, Record } from "../layout";
import { letPass } from "./debugged";
import {
  arenaAllocIndex,
  arenaFreeIndex,
  debugCallocIndex,
  debugFreeIndex,
  debugMallocIndex,
  debugReallocIndex,
  pyCallocIndex,
  pyFreeIndex,
  pyMallocIndex,
  pyReallocIndex,
  rawCallocIndex,
  rawFreeIndex,
  rawMallocIndex,
  rawReallocIndex,
  unknownDomainToGet,
  unknownDomainToSet,
} from "./guest-host";
import { requireDomain, requireFunctions } from "./refusals";
import { ArenaRecord, arenas, RECORD_SIZE, recordBelow, recordOf, state } from "./state";

function write(
  record: Record,
  ctx: usize,
  malloc: u32,
  calloc: u32,
  realloc: u32,
  free: u32,
): void {
  record.ctx = ctx;
  record.malloc = malloc;
  record.calloc = calloc;
  record.realloc = realloc;
  record.free = free;
}

/** The pools', and for raw the system malloc's. */
export function setDefaults(): void {
  write(recordOf(RAW), 0, rawMallocIndex, rawCallocIndex, rawReallocIndex, rawFreeIndex);
  write(recordOf(MEM), 0, pyMallocIndex, pyCallocIndex, pyReallocIndex, pyFreeIndex);
  write(recordOf(OBJECT), 0, pyMallocIndex, pyCallocIndex, pyReallocIndex, pyFreeIndex);
}

export function setDefaultArenas(): void {
  const record = arenas();
  record.ctx = 0;
  record.alloc = arenaAllocIndex;
  record.free = arenaFreeIndex;
}

function copy(to: Record, from: Record): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), RECORD_SIZE);
}

function isSame(one: Record, other: Record): bool {
  return (
    one.ctx === other.ctx &&
    one.malloc === other.malloc &&
    one.calloc === other.calloc &&
    one.realloc === other.realloc &&
    one.free === other.free
  );
}

/** In a debug mode C's malloc asks for what it was asked for: see include/pymalloc_malloc.c. */
export function tellClassBit(): void {
  const s = state();
  if (s.classBit === 0) return;
  store<u32>(s.classBit, ((s.debugged >>> OBJECT) & 1) !== 0 ? 0 : <u32>ALIGNMENT);
}

export function PyMem_GetAllocator(domain: u32, record: Record): void {
  requireDomain(domain, unknownDomainToGet);
  copy(record, recordOf(domain));
}

/** What the debug hooks stood on takes them away. */
export function PyMem_SetAllocator(domain: u32, record: Record): void {
  requireDomain(domain, unknownDomainToSet);
  requireFunctions(changetype<usize>(record) + offsetof<Record>("malloc"), 4, 0);
  copy(recordOf(domain), record);
  const s = state();
  const bit = 1 << domain;
  if ((s.debugged & bit) === 0 || !isSame(record, recordBelow(domain))) return;
  s.debugged &= ~bit;
  tellClassBit();
}

/** Puts the debug hooks on every domain that has none. @returns false when all had them */
export function hookDebug(): bool {
  const s = state();
  const before = s.debugged;
  for (let domain: u32 = RAW; domain <= OBJECT; domain++) {
    if (((before >>> domain) & 1) !== 0) continue;
    const record = recordOf(domain);
    copy(recordBelow(domain), record);
    write(record, domain, debugMallocIndex, debugCallocIndex, debugReallocIndex, debugFreeIndex);
    s.debugged |= 1 << domain;
  }
  tellClassBit();
  return s.debugged !== before;
}

/** What was made before is let pass: nobody knows where it is. */
export function PyMem_SetupDebugHooks(): void {
  if (hookDebug()) letPass();
}

export function PyObject_GetArenaAllocator(record: ArenaRecord): void {
  const now = arenas();
  record.ctx = now.ctx;
  record.alloc = now.alloc;
  record.free = now.free;
}

export function PyObject_SetArenaAllocator(record: ArenaRecord): void {
  requireFunctions(changetype<usize>(record) + offsetof<ArenaRecord>("alloc"), 2, 4);
  const now = arenas();
  now.ctx = record.ctx;
  now.alloc = record.alloc;
  now.free = record.free;
}
