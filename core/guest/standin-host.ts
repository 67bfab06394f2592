/** The address of LARGE_ROOT_SIZE bytes, zeros at first. */
export declare const largeRoot: usize;
