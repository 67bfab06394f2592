/**
 * A module's bytes as a text of printable ASCII that gzip makes small: each byte stays itself, so that what repeats in a module
 * repeats in its text, which base64 hides (it would make a heap's bundle 4 KB longer, after gzip).
 *
 * There are 93 characters that need no escape in a string of JavaScript's. 91 of them stand for the bytes that WebAssembly's code
 * is full of; each other byte is two characters: one of the last two, and one of the 91.
 */

const DIGITS = 91;
/** The first of the printable characters; the two left out among them are the quotation mark and the backslash. */
const [FIRST, QUOTE, BACKSLASH] = [0x20, 0x22, 0x5c];

/** Small numbers; block types, `i32.const` and the comparisons; arithmetic, and the letters of names. */
function isFrequent(byte: number): boolean {
  return byte < 0x30 || (byte >= 0x40 && byte < 0x4b) || (byte >= 0x60 && byte < 0x80);
}

/** All bytes, the 91 frequent ones first. */
function ranked(): number[] {
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  return [...all.filter(isFrequent), ...all.filter((byte) => !isFrequent(byte))];
}

/** The text of some bytes; for the build. */
export function textOf(bytes: Uint8Array): string {
  const all = ranked();
  const character = (digit: number) => {
    const code = FIRST + digit + (digit >= QUOTE - FIRST ? 1 : 0);
    return String.fromCharCode(code >= BACKSLASH ? code + 1 : code);
  };
  return Array.from(bytes, (byte) => {
    const rank = all.indexOf(byte);
    const last = character(rank % DIGITS);
    return rank < DIGITS ? last : character(DIGITS - 1 + Math.floor(rank / DIGITS)) + last;
  }).join("");
}

/** The bytes of a text that `textOf` made. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const all = ranked();
  const bytes = new Uint8Array(text.length);
  let [length, added] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const digit = code - FIRST - (code > QUOTE ? 1 : 0) - (code > BACKSLASH ? 1 : 0);
    if (digit < DIGITS) {
      bytes[length++] = all[added + digit] as number;
      added = 0;
    } else {
      added = DIGITS * (digit - DIGITS + 1);
    }
  }
  return bytes.slice(0, length);
}
