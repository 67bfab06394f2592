/**
 * What the debug heap asks of its host.
 *
 * All but `born`, `died` and `left` may call the heap before they return, and may throw past it: `fault`, the tables'
 * malloc and free, and what the families stand on, which can be anybody's hook. So before each such call the books say
 * what is true, whoever looks; a change that belongs together is made after the last of them; and what was read
 * before one is looked at again after it.
 */

/** The address of LEDGER_SIZE bytes. Instances with the same ledger are the same debug heap. */
export declare const root: usize;

/**
 * 1 when the host wants to hear of every block: `born` after it was made, `died` when it is freed for good, and `left`
 * when its memory goes back. They do not call the heap, nor throw.
 */
export declare const watched: u32;
export declare function born(p: usize): void;
export declare function died(p: usize): void;
export declare function left(p: usize): void;

/** 1 where a lock guards the mem and object families: CPython's GIL. `holdsGil` says whether the caller holds it. */
export declare const underGil: u32;
export declare function holdsGil(): u32;

/** Reports the fault that the ledger describes: it throws, or it returns, and the call does nothing. */
export declare function fault(): void;

/** For the debug heap's own tables: the system's malloc and free, which no hook reaches. */
export declare function tableMalloc(bytes: usize): usize;
export declare function tableFree(p: usize): void;

/** What each family's debug functions stand on. C's contracts. */
export declare function rawMalloc(bytes: usize): usize;
export declare function rawCalloc(count: usize, size: usize): usize;
export declare function rawFree(p: usize): void;
export declare function memMalloc(bytes: usize): usize;
export declare function memCalloc(count: usize, size: usize): usize;
export declare function memFree(p: usize): void;
export declare function objectMalloc(bytes: usize): usize;
export declare function objectCalloc(count: usize, size: usize): usize;
export declare function objectFree(p: usize): void;

/** Frees a block from before the debug mode. */
export declare function rawFreeEarlier(p: usize): void;
export declare function memFreeEarlier(p: usize): void;
export declare function objectFreeEarlier(p: usize): void;
