/**
 * A module's bytes as a text of printable ASCII that gzip makes small: each byte stays itself, so that what repeats in a module
 * repeats in its text, which base64 hides (30,800 bytes of gzip for a heap's bundle, 34,400 with base64).
 *
 * There are 93 characters that need no escape in a string of JavaScript's. The first 91 stand for the bytes 0 to 90; the last
 * two add 91 and 182 to what follows.
 */

const DIGITS = 91;
/** The first of the printable characters; the two left out among them are the quotation mark and the backslash. */
const [FIRST, QUOTE, BACKSLASH] = [0x20, 0x22, 0x5c];

/** The text of some bytes; for the build. */
export function textOf(bytes: Uint8Array): string {
  const character = (digit: number) => {
    const code = FIRST + digit + (digit >= QUOTE - FIRST ? 1 : 0);
    return String.fromCharCode(code >= BACKSLASH ? code + 1 : code);
  };
  return Array.from(bytes, (byte) => {
    const last = character(byte % DIGITS);
    return byte < DIGITS ? last : character(DIGITS - 1 + Math.floor(byte / DIGITS)) + last;
  }).join("");
}

/** The bytes of a text that `textOf` made. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let [length, added] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const digit = code - FIRST - (code > QUOTE ? 1 : 0) - (code > BACKSLASH ? 1 : 0);
    if (digit < DIGITS) {
      bytes[length++] = added + digit;
      added = 0;
    } else {
      added = DIGITS * (digit - DIGITS + 1);
    }
  }
  return bytes.slice(0, length);
}
