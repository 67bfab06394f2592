/** A Uint32Array that grows. */
export class Numbers {
  #array: Uint32Array;
  length = 0;

  /** @param room for so many at first */
  constructor(room: number) {
    this.#array = new Uint32Array(Math.max(room, 16));
  }

  push(value: number): void {
    if (this.length === this.#array.length) {
      const longer = new Uint32Array(2 * this.length);
      longer.set(this.#array);
      this.#array = longer;
    }
    this.#array[this.length++] = value;
  }

  /** What was pushed. */
  values(): Uint32Array {
    return this.#array.subarray(0, this.length);
  }
}
