/**
 * The root of a library's heap: the block that all of its state is reached from, and the mark by which it is known again.
 *
 *     root                                                                mark
 *     | the core's part | that of the objects | the debug heap's ledger | magic | layout | kind |
 *       ROOT_SIZE         OBJECTS_ROOT_SIZE     its address, or 0
 *
 * Whoever takes a heap over is told by the mark whether there is one, of this kind: everything else in the block is
 * believed. It is written last, when there is a heap.
 */

import { hex } from "./address.js";
import { typeError } from "./errors.js";
import { layout } from "./generated/core.js";
import { layoutHash, packageVersion } from "./generated/marks.js";
import { objectsLayout } from "./generated/objects.js";
import { loadWord, wordsAt } from "./memory.js";
import { type Adopted, type MallocMode, nameOf } from "./options.js";
import type { Address } from "./types.js";

export const OBJECTS_ROOT = layout.ROOT_SIZE;
export const LEDGER_SLOT = OBJECTS_ROOT + objectsLayout.OBJECTS_ROOT_SIZE;
export const MARK = LEDGER_SLOT + 4;
const MARK_WORDS = 3;
export const ROOT_BLOCK = MARK + 4 * MARK_WORDS;

/**
 * To be raised when a heap's words come to mean something else although each stays where it is: the layouts, which are in
 * `layoutMark` as well, don't show that.
 */
const FORMAT = 1;

/** A number that stands for all that a heap's memory is built by. */
export const layoutMark = (layoutHash ^ FORMAT) >>> 0;

/** "pyma", and changed by its place, so that a copy of a root somewhere else is none. */
function magicAt(root: Address): number {
  return (0x616d7970 ^ root) >>> 0;
}

/** What a heap is for good, in the mark's last word. */
enum Kind {
  pools = 1,
  ownMemory = 2,
}

export interface RootKind {
  /** Do pools serve the mem and object domains? */
  readonly pools: boolean;
  /** Is the memory the heap's own, with its malloc's state in it? */
  readonly ownMemory: boolean;
}

export function markRoot(
  memory: WebAssembly.Memory,
  root: Address,
  { pools, ownMemory }: RootKind,
): void {
  const kind = (pools ? Kind.pools : 0) | (ownMemory ? Kind.ownMemory : 0);
  wordsAt(memory, root + MARK, MARK_WORDS).set([magicAt(root), layoutMark, kind]);
}

/** Address of the debug heap's ledger; 0 while there is none. */
export function ledgerOf(memory: WebAssembly.Memory, root: Address): Address {
  return loadWord(memory, root + LEDGER_SLOT);
}

/** What the mark at a root says of its heap; undefined where there is no mark of this version. */
export function kindAt(memory: WebAssembly.Memory, root: Address): RootKind | undefined {
  if (root % 4 !== 0 || root + ROOT_BLOCK > memory.buffer.byteLength) return undefined;
  const [magic, mark, kind = 0] = wordsAt(memory, root + MARK, MARK_WORDS);
  if (magic !== magicAt(root) || mark !== layoutMark) return undefined;
  return { pools: (kind & Kind.pools) !== 0, ownMemory: (kind & Kind.ownMemory) !== 0 };
}

/**
 * Which allocator the heap has that is to be taken over: blocks with pads are not those without, and pools can't become a
 * malloc's.
 *
 * @param ownMemory is it to be a heap that owns its memory?
 * @throws TypeError where there is no heap, one of another version, or another one than asked for
 */
export function modeAt(
  memory: WebAssembly.Memory,
  { root, option, mode: asked, version }: Adopted,
  ownMemory: boolean,
): MallocMode {
  const refuse = (what: string) => typeError(`createHeap: ${option} is ${hex(root)}, ${what}`);
  const expected = "expected the `heap.root` of a heap that is there";
  const { byteLength } = memory.buffer;
  if (root + ROOT_BLOCK > byteLength) {
    throw refuse(`beyond the memory of ${byteLength} bytes, ${expected}`);
  }
  const [magic = 0, mark = 0, kind = 0] = wordsAt(memory, root + MARK, MARK_WORDS);
  if (magic !== magicAt(root)) throw refuse(`where no heap has its root, ${expected}`);
  if (mark !== layoutMark) {
    const theirs = version === undefined ? "another version of pymalloc" : `pymalloc ${version}`;
    throw refuse(`a heap of ${theirs}, expected one that ${packageVersion} can read`);
  }
  if (ownMemory && (kind & Kind.ownMemory) === 0) {
    throw refuse("a heap in someone else's memory, expected one that createHeap made a memory for");
  }
  const mode = { pools: (kind & Kind.pools) !== 0, debug: ledgerOf(memory, root) !== 0 };
  if (asked !== undefined && (asked.pools !== mode.pools || asked.debug !== mode.debug)) {
    throw typeError(
      `createHeap: malloc is "${nameOf(asked)}", expected "${nameOf(mode)}" for the heap at ${hex(root)}`,
    );
  }
  return mode;
}
