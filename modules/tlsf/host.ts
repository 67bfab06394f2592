/** `trappingMalloc` and `trappingRealloc` with the trap turned into 0, which wasm can't do itself. */
export declare function tryMalloc(bytes: usize): usize;
export declare function tryRealloc(p: usize, bytes: usize): usize;
