/** Twice as long a copy. */
export function longer(numbers: Uint32Array): Uint32Array {
  const twice = new Uint32Array(2 * numbers.length);
  twice.set(numbers);
  return twice;
}

/** How many of the first `count` numbers, which rise, are below a value. */
export function countBelow(numbers: Uint32Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A Uint32Array that grows. */
export class Numbers {
  array: Uint32Array;
  length = 0;

  /** @param room for so many at first, 1 or more */
  constructor(room: number) {
    this.array = new Uint32Array(room);
  }

  push(value: number): void {
    if (this.length === this.array.length) this.array = longer(this.array);
    this.array[this.length++] = value;
  }

  /** What was pushed. */
  values(): Uint32Array {
    return this.array.subarray(0, this.length);
  }
}
