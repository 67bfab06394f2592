/**
 * Large blocks: the raw domain's, and in front of it one block that waits from its free to the next request, in case that is for as
 * much.
 *
 * CPython's regular expressions take a stack of a bit over 1,024 bytes for each match and give it back at its end
 * (Modules/_sre/sre.c, data_stack_grow). A third of all requests of a program that reads text are for these, and
 * a malloc would cut each out of a larger piece and join the two again. Any other large request gives the block back first: it may
 * lie in the middle of a long hole.
 *
 * Whoever stands in front of the system malloc, a hook for example, sees every request: then no block waits.
 */

import { LONGEST_KEPT } from "../policy/policy";
import { books } from "./arenas";
import { bareIf, bareWord, systemFree } from "./heap-host";
import { rawCalloc, rawFree, rawMalloc, rawRealloc } from "./raw";

/** Is the raw domain the bare system malloc? */
function isBare(): bool {
  return load<u32>(bareWord) === bareIf;
}

/** Gives the block that waits to the system malloc. It calls out. */
export function releaseKept(): void {
  const book = books();
  if (book.waits === 0) return;
  book.waits = 0;
  const p = book.kept;
  book.kept = 0;
  systemFree(p);
}

export function largeMalloc(bytes: usize): usize {
  const book = books();
  if (book.waits !== 0) {
    if (book.keptBytes === bytes && isBare()) {
      book.waits = 0;
      return book.kept;
    }
    releaseKept();
  }
  const p = rawMalloc(bytes);
  // Whoever was called may have left a block that waits.
  if (p !== 0 && bytes <= LONGEST_KEPT && book.waits === 0) {
    book.kept = p;
    book.keptBytes = bytes;
  }
  return p;
}

export function largeCalloc(count: usize, size: usize): usize {
  releaseKept();
  return rawCalloc(count, size);
}

export function largeRealloc(p: usize, bytes: usize): usize {
  releaseKept();
  // Its size is another one from now on.
  if (p === books().kept) books().kept = 0;
  return rawRealloc(p, bytes);
}

export function largeFree(p: usize): void {
  const book = books();
  if (p === book.kept) {
    if (isBare()) {
      book.waits = 1;
      return;
    }
    book.kept = 0;
  }
  rawFree(p);
}
