/** The fields of the PyMemAllocatorEx that `adapter.ts`, `census.ts` and `recorder.ts` call. */
export declare const ctx: usize;
export declare const mallocPointer: u32;
export declare const callocPointer: u32;
export declare const reallocPointer: u32;
export declare const freePointer: u32;
