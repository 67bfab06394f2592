/** What the debug heap asks of its host. */

/** The address of LEDGER_SIZE bytes. Instances with the same ledger are the same debug heap. */
export declare const root: usize;

/** 1 when the host wants to hear of every block: `born` after it was made, `died` when it is freed. */
export declare const watched: u32;
export declare function born(p: usize): void;
export declare function died(p: usize): void;

/** Reports the fault that the ledger describes: it throws, or it returns, and the call does nothing. */
export declare function fault(): void;

/** For the debug heap's own tables: the system's realloc, which no hook reaches. */
export declare function tableRealloc(p: usize, bytes: usize): usize;

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
