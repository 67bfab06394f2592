/** C's texts. */

/** The file that messages go to. */
export const STDERR: i32 = 2;

/** Are two of them the same? */
export function sameText(one: usize, other: usize): bool {
  while (load<u8>(one) !== 0 && load<u8>(one) === load<u8>(other)) {
    one++;
    other++;
  }
  return load<u8>(one) === load<u8>(other);
}

/** The first two letters of a text as a number; with a 0 for those that it does not have. */
export function firstTwo(text: usize): u32 {
  return <u32>load<u16>(text);
}

/** "ma", as malloc and malloc_debug begin, and "mi", as mimalloc and mimalloc_debug do. */
export const MA: u32 = 0x616d;
export const MI: u32 = 0x696d;
