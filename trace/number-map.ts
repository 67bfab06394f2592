/**
 * A map from numbers below 2^32 - 1 to numbers below 2^32, in typed arrays: traces have millions of
 * events, and each looks something up.
 */
export class NumberMap {
  /** Key + 1, or 0 where nothing is; no gap parts a key from the home that its hash gives it. */
  #keys = new Uint32Array(1024);
  #values = new Uint32Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The highest bits of a product, to which all bits of the key contribute. */
  #home(key: number): number {
    return Math.imul(key, 0x9e3779b1) >>> (Math.clz32(this.#keys.length) + 1);
  }

  /** Where the key is, or where it would be. */
  #find(key: number): number {
    const mask = this.#keys.length - 1;
    let at = this.#home(key);
    while (this.#keys[at] !== 0 && this.#keys[at] !== key + 1) at = (at + 1) & mask;
    return at;
  }

  /** The key's value, or -1. */
  get(key: number): number {
    const at = this.#find(key);
    return this.#keys[at] === 0 ? -1 : (this.#values[at] as number);
  }

  set(key: number, value: number): void {
    const at = this.#place(key); // which may bring longer columns
    this.#values[at] = value;
  }

  /** Adds 1 to the key's value, which is 0 at first. */
  increment(key: number): void {
    const at = this.#place(key);
    this.#values[at] = (this.#values[at] as number) + 1;
  }

  /** Where the key is, from now on if it was not there. */
  #place(key: number): number {
    let at = this.#find(key);
    if (this.#keys[at] === 0) {
      // At most half full, lookups with linear probing take one or two steps.
      if (this.#size >= this.#keys.length / 2) {
        this.#grow();
        at = this.#find(key);
      }
      this.#keys[at] = key + 1;
      this.#values[at] = 0;
      this.#size++;
    }
    return at;
  }

  /** Takes the key out; its value, or -1. */
  delete(key: number): number {
    const keys = this.#keys;
    const values = this.#values;
    let hole = this.#find(key);
    if (keys[hole] === 0) return -1;
    const value = values[hole] as number;
    const mask = keys.length - 1;
    // What was put further along because of this key moves up, so that no gap parts it from its home.
    for (let at = (hole + 1) & mask; keys[at] !== 0; at = (at + 1) & mask) {
      const home = this.#home((keys[at] as number) - 1);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        keys[hole] = keys[at] as number;
        values[hole] = values[at] as number;
        hole = at;
      }
    }
    keys[hole] = 0;
    this.#size--;
    return value;
  }

  /** Calls it for each key and its value, in no order. */
  each(use: (key: number, value: number) => void): void {
    const keys = this.#keys;
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as number;
      if (key !== 0) use(key - 1, this.#values[at] as number);
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Uint32Array(keys.length * 2);
    this.#values = new Uint32Array(keys.length * 2);
    for (let from = 0; from < keys.length; from++) {
      const key = keys[from] as number;
      if (key === 0) continue;
      const at = this.#find(key - 1);
      this.#keys[at] = key;
      this.#values[at] = values[from] as number;
    }
  }
}
