/** Texts with places that are filled in: `%p` and its like, a letter each. */

/** A pattern with what its letters stand for in their places. */
export function fillIn(
  pattern: string,
  fields: Readonly<Record<string, string | number | undefined>>,
): string {
  return pattern.replace(/%(\w)/g, (_, letter: string) => String(fields[letter]));
}
