/** A value that says when it changes: all that the page remembers is in a few of these. */
export class Atom<T> {
  #value: T;
  readonly #listeners: ((value: T) => void)[] = [];

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    for (const listen of this.#listeners) listen(value);
  }

  /** Calls the listener now and at each change. */
  watch(listen: (value: T) => void): void {
    this.#listeners.push(listen);
    listen(this.#value);
  }
}
