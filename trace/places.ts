/**
 * Places for what is known of blocks, by their numbers: small whole numbers, which index columns. Blocks that are
 * allocated one after the other lie together, in pages of 64 places; a page without a live block is used again. So a
 * live block takes hardly more than its columns, even where all of a trace's blocks are live, and one that is left of
 * many takes a page.
 */
const PAGE_BITS = 6;
const PAGE = 1 << PAGE_BITS;

/** A longer copy of a column, its new part 0. */
export function longer(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(column.length * 2);
  copy.set(column);
  return copy;
}

export class Places {
  /** By block number / 64: the page, from 1 on; 0 where there is none. */
  #pages = new Uint32Array(64);
  /** By page, two words: a bit for each place that is taken. The first is no page's. */
  #taken = new Uint32Array(128);
  /** Pages that are used no more. */
  readonly #unused: number[] = [];
  #fresh = 1;
  #size = 0;

  /** Live blocks. */
  get size(): number {
    return this.#size;
  }

  /** All places are below this: the length that a column needs. */
  get limit(): number {
    return this.#fresh * PAGE;
  }

  #page(block: number): number {
    return this.#pages[block >>> PAGE_BITS] ?? 0;
  }

  /** The place of a live block, from 64 on; 0 for one that is not live. */
  find(block: number): number {
    const page = this.#page(block);
    const bit = (this.#taken[2 * page + ((block >>> 5) & 1)] as number) & (1 << (block & 31));
    return bit === 0 ? 0 : page * PAGE + (block & (PAGE - 1));
  }

  #takePage(block: number): number {
    const page = this.#unused.pop() ?? this.#fresh++;
    while (2 * page >= this.#taken.length) this.#taken = longer(this.#taken);
    const at = block >>> PAGE_BITS;
    while (at >= this.#pages.length) this.#pages = longer(this.#pages);
    this.#pages[at] = page;
    return page;
  }

  /** A place for a block that has none. */
  take(block: number): number {
    const page = this.#page(block) || this.#takePage(block);
    const word = 2 * page + ((block >>> 5) & 1);
    this.#taken[word] = (this.#taken[word] as number) | (1 << (block & 31));
    this.#size++;
    return page * PAGE + (block & (PAGE - 1));
  }

  /** Gives back the place of a live block. */
  release(block: number): void {
    const page = this.#page(block);
    const word = 2 * page + ((block >>> 5) & 1);
    this.#taken[word] = (this.#taken[word] as number) & ~(1 << (block & 31));
    this.#size--;
    if (this.#taken[2 * page] !== 0 || this.#taken[2 * page + 1] !== 0) return;
    this.#pages[block >>> PAGE_BITS] = 0;
    this.#unused.push(page);
  }
}
