/**
 * What the large malloc asks of whoever has it: where it lives, and how fine it is.
 *
 * At `largeRoot` there are ROOT_SIZE bytes of zeros at first, and the malloc's memory begins there. All of its state is in the
 * memory: a second instance with the same numbers over the same memory is the same malloc.
 */

export declare const largeRoot: usize;

/**
 * Blocks are multiples of `1 << granuleBits` bytes: 4 for any blocks, 6 where small ones come from pools. (A finer
 * granule rounds up less, and the map is larger: two bits for each granule.)
 */
export declare const granuleBits: u32;
