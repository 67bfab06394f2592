/** What a limit asks of the program in whose memory it holds. */

/** The address of the word that all state of a limit is in: see limit.ts. */
export declare const reserveCell: usize;

/** The system malloc itself, dlmalloc, with nothing in front of it. */
export declare function systemMalloc(bytes: usize): usize;
export declare function systemFree(p: usize): void;

/** Moves the end of the heap; where it was, or -1. */
export declare function sbrk(bytes: usize): usize;

/**
 * dlmalloc's own books: how many bytes it took by sbrk, and beyond how many it takes no more (the largest number: as many as
 * there are).
 */
export declare function footprint(): usize;
export declare function footprintLimit(): usize;
export declare function setFootprintLimit(bytes: usize): usize;

/** A request for so many bytes was refused. The reserve is free by then. */
export declare function tell(bytes: usize): void;
