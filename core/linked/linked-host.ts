/**
 * What the linked core asks of the CPython that it is linked into, besides core/heap/heap-host.ts. `link/linked-core.ts` puts the numbers
 * and functions of that program in the place of these imports.
 */

/** Stands for the layout of the heap: see python/linked-heap.ts. */
export declare const layoutMark: u32;

/** Where the records of CPython's three domains are (PyMemAllocatorEx in _PyRuntime). */
export declare const rawRecord: usize;
export declare const memRecord: usize;
export declare const objectRecord: usize;

/** CPython's functions over the system malloc: what stands in the record of raw at the start. */
export declare const systemMallocIndex: u32;
export declare const systemCallocIndex: u32;
export declare const systemReallocIndex: u32;
export declare const systemFreeIndex: u32;

/** Places of the function table where our own functions are (pyMalloc and its kin, those that count, those of `sys`). */
export declare const pyMallocIndex: u32;
export declare const pyCallocIndex: u32;
export declare const pyReallocIndex: u32;
export declare const pyFreeIndex: u32;
export declare const countedMallocIndex: u32;
export declare const countedCallocIndex: u32;
export declare const countedReallocIndex: u32;
export declare const countedFreeIndex: u32;
export declare const blocksIndex: u32;
export declare const statsIndex: u32;

/** The function pointers in the method table of `sys`: of getallocatedblocks and of _debugmallocstats. */
export declare const blocksMethod: usize;
export declare const statsMethod: usize;

/** Bytes for the root, the state and the texts. */
export declare const reserved: usize;

/** Where the heap is to end, from the start on; 0 for no limit. */
export declare const limitAtStart: usize;

/** Texts, each with a 0 behind it. */
export declare const wordVariable: usize;
export declare const wordDefault: usize;
export declare const wordDebug: usize;
export declare const wordPymalloc: usize;
export declare const wordPymallocDebug: usize;
export declare const wordMimalloc: usize;
export declare const wordMimallocDebug: usize;
export declare const wordStatsVariable: usize;
export declare const wordSwitch: usize;
/** What `report.ts` fills in. */
export declare const reportHead: usize;
export declare const reportRow: usize;
export declare const reportTail: usize;

/** The system malloc itself. */
export declare function systemMalloc(bytes: usize): usize;
export declare function systemCalloc(count: usize, size: usize): usize;
export declare function systemRealloc(p: usize, bytes: usize): usize;
export declare function systemFree(p: usize): void;

export declare function systemMemalign(alignment: usize, bytes: usize): usize;

/** Moves the end of the heap; where it was, or -1. */
export declare function sbrk(bytes: usize): usize;

/** Functions of the program that ours stand in front of. */
export declare function callConstructors(): void;
export declare function environmentValue(name: usize): usize;
export declare function theirAllocatorName(): usize;
export declare function theirAddObject(module: usize, name: usize, value: usize): i32;

/** A Python bool, and an int. */
export declare function PyBool_FromLong(value: i32): usize;
export declare function PyLong_FromSize_t(value: usize): usize;
export declare function write(file: i32, text: usize, bytes: usize): i32;

/** Writes a text of so many bytes to the root: the others are gone, see `records.ts`. */
export declare function writeForeign(): void;
export declare const foreignBytes: i32;
