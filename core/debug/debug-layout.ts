/**
 * Layout of the debug heap: the bytes it writes, what it remembers of each block, its ledger.
 *
 * A block in debug mode (CPython: Objects/obmalloc.c, _PyMem_DebugRawAlloc; 32-bit, with serial numbers):
 *
 *     base   +4     +5   +8            +8+n  +12+n
 *     | size | 'o'  | FD | n bytes ... | FD  | serial |
 *       big-endian         ^ p           4     big-endian
 *
 * The pads find who wrote beyond the block. What a block *is* does not stand there but in the shadow, out
 * of the reach of an overflow: which family, how long, which call made it, is it live.
 */

import { MAX_REQUEST } from "../layout";

// ------------------------------------------------------------------------------- the bytes

/** Fills new memory (calloc's is 0), freed memory, and the pads. */
export const CLEANBYTE: u8 = 0xcd;
export const DEADBYTE: u8 = 0xdd;
export const FORBIDDENBYTE: u8 = 0xfd;

/** Bytes in front of the user's and behind them. */
export const FRONT: usize = 8;
export const TAIL: usize = 8;
export const EXTRA: usize = FRONT + TAIL;
export const MAX_DEBUG_REQUEST: usize = MAX_REQUEST - EXTRA;

/** The families, which are CPython's numbers of the domains, and their letters. */
export const RAW: u32 = 0;
export const MEM: u32 = 1;
export const OBJECT: u32 = 2;

// ------------------------------------------------------------------------------ the shadow

/**
 * A block of the object family may be inset: between the allocator's block and the frame there are 8 bytes more, so that it
 * begins at a multiple of 16, as guests' mallocs want it.
 *
 *     base       +8     +12  +13  +16           +16+n
 *     | (unused) | size | 'o' | FD | n bytes ... | FD ...
 */
export const INSET: usize = 8;
export const ALIGNMENT: usize = 16;

/**
 * What is known of the block that begins at an address. The shadow of a page has such an entry for each 16 bytes
 * of it, a granule: two blocks of one layer never begin in the same one, since each has 16 bytes of pads. A block of
 * the pools that the raw domain serves begins 8 bytes behind the raw block, so there are two layers.
 */
@unmanaged
export class Entry {
  /** The user's bytes, and the number of the call that made the block. */
  size: usize;
  serial: u32;
  state: u8;
  /** The family, in the lowest three bits; IS_INSET; in the upper four, where in the granule the block begins. */
  place: u8;
  /** Follows from all the rest, and from where the entry lies: a wild write into the shadow shows. */
  check: u16;
}

export const PAGE_BITS: usize = 12;
export const PAGE_MASK: usize = (1 << PAGE_BITS) - 1;
export const IS_INSET: u8 = 8;
export const GRANULE_BITS: usize = 4;
export const GRANULE: usize = 1 << GRANULE_BITS;
export const ENTRY_SIZE: usize = offsetof<Entry>();
/** Tables, shadows and the ring begin with a word that says what they are; see `books.ts`. */
export const MARK_SIZE: usize = 4;
export const SHADOW_SIZE: usize = MARK_SIZE + (1 << (PAGE_BITS - GRANULE_BITS)) * ENTRY_SIZE;

/** The states; 0 where no block began yet. */
export const LIVE: u8 = 1;
/** Live, and what is wrong with it was reported. */
export const BLAMED: u8 = 2;
/** Freed, and held back in the quarantine. */
export const HELD: u8 = 3;
/** Freed and damaged: its memory is never used again. */
export const CONDEMNED: u8 = 4;
/** Freed, and left the quarantine: its memory may belong to others by now. */
export const GONE: u8 = 5;

/** A directory leads from an address to its page's shadow in two steps of 10 bits. */
export const TABLE_BITS: usize = (32 - PAGE_BITS) / 2;
export const TABLE_ENTRIES: usize = 1 << TABLE_BITS;
export const TABLE_SIZE: usize = MARK_SIZE + TABLE_ENTRIES * sizeof<usize>();
export const DIRECTORY_SIZE: usize = TABLE_ENTRIES * sizeof<usize>();
export const PAGES: usize = 1 << (32 - PAGE_BITS);

// ------------------------------------------------------------------------------- the faults

export const BUFFER_OVERFLOW: u32 = 1;
export const BUFFER_UNDERFLOW: u32 = 2;
export const USE_AFTER_FREE_WRITE: u32 = 3;
export const DOUBLE_FREE: u32 = 4;
export const WRONG_FAMILY: u32 = 5;
export const INVALID_POINTER: u32 = 6;
export const WITHOUT_GIL: u32 = 7;
export const BROKEN_INVARIANT: u32 = 8;

/** What was going on when a fault was found. */
export const ON_FREE: u32 = 0;
export const ON_REALLOC: u32 = 1;
export const ON_LEAVING: u32 = 2;
export const ON_VALIDATE: u32 = 3;
export const ON_MALLOC: u32 = 4;
export const ON_CALLOC: u32 = 5;

/** What must hold of the debug heap's own books: the numbers are those of docs/invariants.md. */
export const LEDGER_HOLDS: u32 = 19;
export const TABLES_HOLD: u32 = 20;
export const ENTRIES_HOLD: u32 = 21;
export const QUARANTINE_HOLDS: u32 = 22;

/**
 * The buffer of a report that WebAssembly writes (`report/`): longer than any, the longest being of about 1,200 bytes. What would not fit
 * is left out.
 */
export const REPORT_BYTES: usize = 2048;

// ------------------------------------------------------------------------------ the ledger

/** The quarantine's slots, behind their mark and their number, which is a power of two. */
@unmanaged
export class Ring {
  mark: u32;
  slots: usize;
}

export const RING_HEADER: usize = offsetof<Ring>();
export const MOST_SLOTS: usize = 1 << 26;
/** No quarantine holds more bytes. */
export const MOST_HELD: usize = 1 << 30;

/** A slot of the quarantine. */
@unmanaged
export class Slot {
  block: usize;
  entry: Entry;
}

export const SLOT_SIZE: usize = offsetof<Slot>();

/** Pieces in stock: a list, and how many are in it. In the ledger one lies at TABLES, one at SHADOWS. */
@unmanaged
export class Stock {
  first: usize;
  count: u32;
}

/** Everything that the debug heap knows is reached from here. */
@unmanaged
export class Ledger {
  /** MAGIC: this is a ledger. */
  magic: u32;
  /** Calls so far that made a block. */
  serial: u32;

  /** The quarantine: a ring of slots, the oldest first, and the bytes they hold, pads included. */
  ring: Ring;
  first: usize;
  count: usize;
  heldBytes: usize;
  /** How many bytes may be held; the host sets it. */
  heldLimit: usize;
  /** Blocks above the raw layer that are dead and still have their memory: held, or condemned. */
  deadBlocks: u32;
  /** The block of the raw domain that comes down because the one in it leaves; 0 for none. */
  leaving: usize;

  /** The sum of the marks of all shadows. (Their number could fit by chance, once this and a slot are written over.) */
  shadowMarks: u32;
  /** Tables and shadows that are not used yet. */
  firstTable: usize;
  tablesInStock: u32;
  firstShadow: usize;
  shadowsInStock: u32;
  /** 1 once some of the books were found damaged and dropped: who is not known may have been in them. */
  lost: u32;

  /** Blocks from before the debug mode; see `earlier.ts`. The host sets these. */
  earlierAny: u32;
  earlierBits: usize;
  earlierFrom: usize;
  earlierTo: usize;
  /** The three words before it and MAGIC, by exclusive or. */
  earlierSeal: usize;
  /** So many of them were freed since, other than raw ones. */
  earlierFreed: u32;

  /** 1 where blocks of the object family are at multiples of 16, those of 16 bytes and more. The host sets it. */
  aligns: u32;

  /** The fault that is being reported: what, during which call (of which family), at which address. */
  faultCode: u32;
  faultDuring: u32;
  faultFamily: u32;
  faultAddress: usize;
  /** The block that it is about and its entry; 0 for none. */
  faultBlock: usize;
  faultEntry: usize;
  /** With BROKEN_INVARIANT: which one. */
  faultInvariant: u32;
}

export const MAGIC: u32 = 0x70644c31;

/** Behind the ledger: the directories of the raw layer and of the layer above it. */
export const DIRECTORY_RAW: usize = offsetof<Ledger>();
export const DIRECTORY_UPPER: usize = DIRECTORY_RAW + DIRECTORY_SIZE;
export const LEDGER_SIZE: usize = DIRECTORY_UPPER + DIRECTORY_SIZE;

export const TABLES: usize = offsetof<Ledger>("firstTable");
export const SHADOWS: usize = offsetof<Ledger>("firstShadow");

/** Where the host reads and writes: offsets from the ledger. */
export const LEDGER_MAGIC: usize = offsetof<Ledger>("magic");
export const LEDGER_RING: usize = offsetof<Ledger>("ring");
export const HELD_BYTES: usize = offsetof<Ledger>("heldBytes");
export const HELD_LIMIT: usize = offsetof<Ledger>("heldLimit");
export const HELD_BLOCKS: usize = offsetof<Ledger>("count");
export const DEAD_BLOCKS: usize = offsetof<Ledger>("deadBlocks");
export const SERIAL: usize = offsetof<Ledger>("serial");
export const EARLIER_ANY: usize = offsetof<Ledger>("earlierAny");
export const EARLIER_BITS: usize = offsetof<Ledger>("earlierBits");
export const EARLIER_FROM: usize = offsetof<Ledger>("earlierFrom");
export const EARLIER_TO: usize = offsetof<Ledger>("earlierTo");
export const EARLIER_SEAL: usize = offsetof<Ledger>("earlierSeal");
export const EARLIER_FREED: usize = offsetof<Ledger>("earlierFreed");
export const ALIGNS: usize = offsetof<Ledger>("aligns");
export const FAULT_CODE: usize = offsetof<Ledger>("faultCode");
export const FAULT_DURING: usize = offsetof<Ledger>("faultDuring");
export const FAULT_FAMILY: usize = offsetof<Ledger>("faultFamily");
export const FAULT_ADDRESS: usize = offsetof<Ledger>("faultAddress");
export const FAULT_BLOCK: usize = offsetof<Ledger>("faultBlock");
export const FAULT_ENTRY: usize = offsetof<Ledger>("faultEntry");
export const FAULT_INVARIANT: usize = offsetof<Ledger>("faultInvariant");
/** ... and in an entry. */
export const ENTRY_BLOCK_SIZE: usize = offsetof<Entry>("size");
export const ENTRY_SERIAL: usize = offsetof<Entry>("serial");
export const ENTRY_STATE: usize = offsetof<Entry>("state");
export const ENTRY_PLACE: usize = offsetof<Entry>("place");
export const FAMILY_MASK: u8 = 7;

// ---------------------------------------------------------------------------------- relations

if (FRONT % 8 !== 0) ERROR("the user's bytes are as aligned as the block");
if (EXTRA < GRANULE) ERROR("no two blocks of a layer begin in one granule");
if (TABLE_BITS + TABLE_BITS + PAGE_BITS !== <usize>32) ERROR("a directory covers every address");
if (ENTRY_SIZE !== 12) ERROR("an entry is three words");
