/**
 * What the program that goes into a guest asks of its linker, besides the hosts of the heap, of objects and of the debug modes: numbers
 * that are constants once it is linked, so that what a guest does not need is dropped. `link/guest-core.ts` gives them.
 */

/** 1 where the guest may set allocators (it imports PyMem_SetAllocator or its kin): each call looks at a record first. */
export declare const hooks: u32;

/** 1 where the guest may set where arenas come from. */
export declare const arenaHooks: u32;

/** 1 where the debug hooks are in place from the first allocation on (`--with-pydebug`). */
export declare const debug: u32;

/** 1 where there is a debug heap: from the first allocation on, or once the guest asks for it (PyMem_SetupDebugHooks). */
export declare const debugs: u32;

/** The address of STATE_SIZE bytes, zeros at first. */
export declare const guestState: usize;

/** The address of the debug heap's ledger, LEDGER_SIZE bytes, where `debugs` is set. */
export declare const ledgerRoot: usize;

/** The address of REPORT_BYTES bytes for a report, zeros at first, with VECTOR_SIZE bytes in front. */
export declare const reportBuffer: usize;

/** WASI's function to write to an open file. An error's number, or 0. */
export declare function fd_write(file: i32, vectors: usize, count: i32, written: usize): i32;

/** The address of OBJECTS_ROOT_SIZE bytes, zeros at first: the root of the objects. */
export declare const objectsRoot: usize;

/** The address of METATYPE_SIZE bytes, zeros at first: the type of all types. */
export declare const metatype: usize;

/** The guest's own data and stack: from here up to there. Both are 0 where nothing lies behind the heap's beginning. */
export declare const guestFrom: usize;
export declare const guestTo: usize;

/** How many bytes of freed memory the debug heap holds back. */
export declare const quarantineBytes: usize;

/** Where in the guest's function table our functions are that are called through it. */
export declare const rawMallocIndex: u32;
export declare const rawCallocIndex: u32;
export declare const rawReallocIndex: u32;
export declare const rawFreeIndex: u32;
export declare const pyMallocIndex: u32;
export declare const pyCallocIndex: u32;
export declare const pyReallocIndex: u32;
export declare const pyFreeIndex: u32;
export declare const debugMallocIndex: u32;
export declare const debugCallocIndex: u32;
export declare const debugReallocIndex: u32;
export declare const debugFreeIndex: u32;
export declare const arenaAllocIndex: u32;
export declare const arenaFreeIndex: u32;

// Addresses of texts, of link/texts.ts, where `debugs` is set: patterns, and lists of them.

/** By the numbers of core/objects/object-layout.ts, from 1 on. */
export declare const refusedObjects: usize;
export declare const unknownDomainToGet: usize;
export declare const unknownDomainToSet: usize;
/** Of an allocator's four functions, then of the two of an arena allocator. */
export declare const noFunctions: usize;
