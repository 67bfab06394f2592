/** JSON as bytes, in pieces. */

/** About how long a piece is. */
const PIECE_BYTES = 65536;

/** What stands before a number, and its digits. */
const NUMBER_BYTES = 1 + "4294967295".length;

const [quote, comma, zero, open, backslash] = [0x22, 0x2c, 0x30, 0x5b, 0x5c];
const hexDigits = "0123456789abcdef";

/** Texts and lists, one after the other; what is written comes out in pieces. All of it is ASCII, as V8 writes it. */
export class JsonBytes {
  #piece = new Uint8Array(PIECE_BYTES);
  #at = 0;
  #full: Uint8Array[] = [];
  /** What stands before the next item of a list. */
  #before = open;

  /** The pieces that are full; they are the caller's from then on. */
  *pieces(): Generator<Uint8Array, void> {
    const full = this.#full;
    this.#full = [];
    yield* full;
  }

  /** All that is left. */
  *rest(): Generator<Uint8Array, void> {
    this.#next();
    yield* this.pieces();
  }

  #next(): void {
    this.#full.push(this.#piece.subarray(0, this.#at));
    this.#piece = new Uint8Array(PIECE_BYTES);
    this.#at = 0;
  }

  #byte(value: number): void {
    if (this.#at === PIECE_BYTES) this.#next();
    this.#piece[this.#at++] = value;
  }

  /** Text of ASCII, as it is. */
  ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.#byte(text.charCodeAt(i));
  }

  /** Ends a list, and with that begins the next one. */
  endList(): void {
    this.ascii(this.#before === open ? "[]" : "]");
    this.#before = open;
  }

  /** An item of a list: a number from 0 to 2^32 - 1. */
  number(value: number): void {
    if (this.#at > PIECE_BYTES - NUMBER_BYTES) this.#next();
    const piece = this.#piece;
    piece[this.#at++] = this.#before;
    this.#before = comma;
    let digits = 1;
    for (let power = 10; value >= power; power *= 10) digits++;
    this.#at += digits;
    let at = this.#at;
    let left = value;
    // The other division would make a negative number of it.
    if (left > 0x7fffffff) {
      const tenth = Math.floor(left / 10);
      piece[--at] = zero + left - 10 * tenth;
      left = tenth;
    }
    while (left >= 10) {
      const tenth = (left / 10) | 0;
      piece[--at] = zero + left - 10 * tenth;
      left = tenth;
    }
    piece[--at] = zero + left;
  }

  /** An item of a list: a text. Each code unit is written by itself, so that half a surrogate pair comes through as well. */
  string(text: string): void {
    this.#byte(this.#before);
    this.#before = comma;
    this.#byte(quote);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code > 0x7e) {
        this.#escape(code);
      } else {
        if (code === quote || code === backslash) this.#byte(backslash);
        this.#byte(code);
      }
    }
    this.#byte(quote);
  }

  #escape(code: number): void {
    this.ascii("\\u");
    for (let shift = 12; shift >= 0; shift -= 4) {
      this.#byte(hexDigits.charCodeAt((code >>> shift) & 15));
    }
  }
}
