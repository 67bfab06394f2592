/** The live blocks of a trace, by size class. */
import { longer, Places } from "./places.js";

/** Requests of at most so many bytes are small: CPython serves them from pools, in classes of 8 bytes. */
export const SMALL_BYTES = 512;

export const CLASS_BYTES = 8;
const SMALL_CLASSES = SMALL_BYTES / CLASS_BYTES;

/** Sizes in classes: 0 and 1 to 8 bytes are class 0, as CPython has it. */
export function classOf(bytes: number): number {
  return Math.max(Math.ceil(bytes / CLASS_BYTES), 1) - 1;
}

/** The live blocks of each class, in lists from the newest to the oldest. Grows with the live blocks only. */
export class LiveBlocks {
  readonly #places = new Places();
  /** By place: the block's size, and its neighbours in the list; 0 is no place. */
  #sizes = new Uint32Array(1024);
  #older = new Uint32Array(1024);
  #newer = new Uint32Array(1024);
  /** By class: the place of its newest block. */
  readonly #newest = new Uint32Array(SMALL_CLASSES + 1);

  get count(): number {
    return this.#places.size;
  }

  static #list(bytes: number): number {
    return Math.min(classOf(bytes), SMALL_CLASSES);
  }

  #link(place: number, bytes: number): void {
    const list = LiveBlocks.#list(bytes);
    const next = this.#newest[list] as number;
    this.#sizes[place] = bytes;
    this.#older[place] = next;
    this.#newer[place] = 0;
    if (next !== 0) this.#newer[next] = place;
    this.#newest[list] = place;
  }

  #unlink(place: number): void {
    const older = this.#older[place] as number;
    const newer = this.#newer[place] as number;
    if (older !== 0) this.#newer[older] = newer;
    if (newer !== 0) this.#older[newer] = older;
    else this.#newest[LiveBlocks.#list(this.#sizes[place] as number)] = older;
  }

  allocate(block: number, bytes: number): void {
    const place = this.#places.take(block);
    while (this.#places.limit > this.#sizes.length) {
      this.#sizes = longer(this.#sizes);
      this.#older = longer(this.#older);
      this.#newer = longer(this.#newer);
    }
    this.#link(place, bytes);
  }

  /** Its old size. */
  reallocate(block: number, bytes: number): number {
    const place = this.#places.find(block);
    const before = this.#sizes[place] as number;
    if (LiveBlocks.#list(before) === LiveBlocks.#list(bytes)) {
      this.#sizes[place] = bytes;
    } else {
      this.#unlink(place);
      this.#link(place, bytes);
    }
    return before;
  }

  /** Was it the newest of its class? */
  free(block: number): boolean {
    const place = this.#places.find(block);
    const newest = this.#newer[place] === 0;
    this.#unlink(place);
    this.#places.release(block);
    return newest;
  }
}
