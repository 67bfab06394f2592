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

/** How many bytes it has, without the 0 behind it. */
export function lengthOf(text: usize): usize {
  let end = text;
  while (load<u8>(end) !== 0) end++;
  return end - text;
}
