/**
 * What the core asks of its host: the only imports there are.
 *
 * The module is instantiated over the memory that the host names, and owns none of it. `root` is the
 * address of ROOT_SIZE bytes that the host took from the system malloc, 8-aligned; two instances with
 * the same root are the same heap.
 *
 * Every function here may be someone's program: it may call malloc, calloc, realloc and free of this very heap, refuse with
 * 0, and throw, in which case nothing that stands behind the call in the core is ever run. So at each call out
 *
 * - all invariants hold (docs/invariants.md): `validate` may be called from inside;
 * - nothing that was taken is known only to the caller. A table that is to be replaced stays in force until the new one is
 *   filled; memory for an arena waits among the spares;
 * - books come first and the call last: what is given back is nobody's before the host hears of it, so whatever a
 *   `tableFree` or an `arenaFree` throws, the heap is done with that memory;
 * - nothing that was read before is believed afterwards: no pointer into a table, no pool, no count.
 *
 * Only the raw domain's `free` and `realloc` come first, and the books after them: a debug hook that throws has refused, and
 * the block is as live as it was. And a realloc that moves a block calls out before it changes anything, and then no more:
 * what is thrown leaves the block where it was.
 */

export declare const root: usize;

/** The raw domain (CPython: PyMem_RawMalloc, ...), hooks included. C's contracts; 0 for no memory. */
export declare function malloc(bytes: usize): usize;
export declare function calloc(count: usize, size: usize): usize;
export declare function realloc(p: usize, bytes: usize): usize;
export declare function free(p: usize): void;

/**
 * The raw domain is the bare system malloc, without anyone in front of it, as long as the word at `bareWord` is `bareIf`: then one of
 * its blocks may wait for the next request (kept.ts), and `systemFree` takes it.
 */
export declare const bareWord: usize;
export declare const bareIf: u32;
export declare function systemFree(p: usize): void;

/**
 * For the tables that the heap keeps about itself: the system's realloc, which no hook reaches. Two cores
 * with different raw domains may share a heap, and either may have to resize what the other made. A realloc that may
 * use the heap must leave the old table as it is, and `tableFree` gives that back when the new one is in force. Where the
 * system malloc is WebAssembly's own, the first is its realloc, and the second has nothing to do.
 */
export declare function tableRealloc(p: usize, bytes: usize): usize;
export declare function tableFree(p: usize): void;

/**
 * The arena allocator (CPython: PyObjectArenaAllocator). `arenaAlloc` gives an arena of one to ARENA_UNITS units, and has written
 * how many into it (Spare); 0 for none. Where the raw domain should serve some small requests before it is asked again, it has
 * written how many into the books (HOLD_OFF). `arenaFree` gets what `arenaAlloc` gave.
 */
export declare function arenaAlloc(): usize;
export declare function arenaFree(p: usize, bytes: usize): void;
