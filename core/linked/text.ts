/** Are two of C's texts the same? */
export function sameText(one: usize, other: usize): bool {
  while (load<u8>(one) !== 0 && load<u8>(one) === load<u8>(other)) {
    one++;
    other++;
  }
  return load<u8>(one) === load<u8>(other);
}
