/** What a linked guest's heap remembers besides the heap itself: which allocators are in force. In linear memory, as all state. */

import { Record } from "../layout";
import { guestState } from "./guest-host";

/** PyObjectArenaAllocator. */
@unmanaged
export class ArenaRecord {
  ctx: usize;
  alloc: u32;
  free: u32;
}

@unmanaged
export class State {
  /** 0, for whoever wants a word that nobody changes. */
  nothing: u32;
  /** Have the domains debug hooks, a bit for each? */
  debugged: u32;
  /** Where the guest's malloc keeps its class bit, 0 where there is none: see `malloc_class_bit` in include/pymalloc_malloc.c. */
  classBit: usize;
  /** 1 while the guest's arena allocator is asked for an arena. */
  taking: u32;
}

export const RECORD_SIZE: usize = offsetof<Record>();
const RECORDS: usize = (offsetof<State>() + 3) & ~3;
const BELOW: usize = RECORDS + 3 * RECORD_SIZE;
const ARENAS: usize = BELOW + 3 * RECORD_SIZE;

export const STATE_SIZE: usize = ARENAS + offsetof<ArenaRecord>();
/** Where the free function of the raw domain stands, an offset from the state. */
export const RAW_FREE: usize = RECORDS + offsetof<Record>("free");
export const NOTHING: usize = offsetof<State>("nothing");

export function state(): State {
  return changetype<State>(guestState);
}

/** The allocator of a domain that is in force. */
export function recordOf(domain: usize): Record {
  return changetype<Record>(guestState + RECORDS + domain * RECORD_SIZE);
}

/** What the debug hooks of a domain stand on, where it has any. */
export function recordBelow(domain: usize): Record {
  return changetype<Record>(guestState + BELOW + domain * RECORD_SIZE);
}

export function arenas(): ArenaRecord {
  return changetype<ArenaRecord>(guestState + ARENAS);
}
