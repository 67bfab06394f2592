/**
 * The mistakes that a debug mode names, each with its sentence. A new one is a kind of `PyMemErrorKind` (base/errors.ts): then the
 * compiler asks for its sentence here, and for its number of the same name in core/debug/debug-layout.ts.
 */

import {
  type Address,
  type DomainName,
  fillIn,
  hex,
  debugLayout as L,
  layout,
  type PyMemErrorKind,
  unsigned,
} from "../../base/base.js";
import { bytes, type DebugBlock, fieldsOf, letters } from "./dump.js";
import * as texts from "./patterns.js";

/** What a pointer looks like that was read from memory which held no pointer: this byte, four times. */
const pointers = new Map<number, string>([
  [L.CLEANBYTE, texts.fillingClean],
  [L.DEADBYTE, texts.fillingDead],
  [L.FORBIDDENBYTE, texts.fillingForbidden],
]);

/** A fault as the ledger has it. */
export interface Fault {
  readonly kind: PyMemErrorKind;
  readonly address: Address;
  /** What was called, or was going on. */
  readonly call: string;
  readonly calledFamily: DomainName | undefined;
  readonly block: DebugBlock | undefined;
}

/** Where a fault is looked at. */
export interface Place {
  readonly memory: Uint8Array;
  /** Where the pool begins that an address lies in, or 0. */
  poolOf(p: Address): Address;
}

/** Offset from the block's start of the first byte from `from` up to `to` that is not `expected`. */
function firstChanged(
  memory: Uint8Array,
  start: Address,
  span: readonly number[],
  expected: number,
) {
  const [from = 0, to = 0] = span;
  for (let at = from; at < to; at++) if (memory[start + at] !== expected) return at;
  return undefined;
}

/** The pads behind a block are those from its size on. */
function behind(memory: Uint8Array, { start, size }: DebugBlock): number {
  return firstChanged(memory, start, [size, size + 4], L.FORBIDDENBYTE) ?? size + 4;
}

function inFront(memory: Uint8Array, { start }: DebugBlock): number {
  return firstChanged(memory, start, [-3, 0], L.FORBIDDENBYTE) ?? -8;
}

/** Where a dead block was written to: it or its frame. */
function written(memory: Uint8Array, block: DebugBlock): number {
  const { start, size } = block;
  return (
    firstChanged(memory, start, [0, size], L.DEADBYTE) ??
    firstChanged(memory, start, [-3, 0], L.FORBIDDENBYTE) ??
    firstChanged(memory, start, [size, size + 4], L.FORBIDDENBYTE) ??
    -8
  );
}

/** Where a block was overwritten, as an offset from its start; undefined for the mistakes that write nothing. */
function offsetOf(kind: Mistake, memory: Uint8Array, block: DebugBlock): number | undefined {
  if (kind === "buffer-overflow") return behind(memory, block);
  if (kind === "buffer-underflow") return inFront(memory, block);
  return kind === "use-after-free-write" ? written(memory, block) : undefined;
}

/** What a pointer at which no block begins points at. */
function describePointer({ address, block }: Fault, { memory, poolOf }: Place): string {
  const filling = pointers.get(address / 0x01010101);
  if (filling !== undefined) return fillIn(texts.phrasePattern, { w: filling });
  if (block !== undefined) {
    const offset = address - block.start;
    const [phrase, far] =
      offset < 0
        ? [texts.phraseInFront, -offset]
        : offset >= block.size
          ? [texts.phraseBehind, offset - block.size]
          : [texts.phraseInside, offset];
    const isLive = block.state === L.LIVE || block.state === L.BLAMED;
    return (
      fillIn(phrase, { ...fieldsOf(block), u: bytes(far) }) + (isLive ? "" : texts.phraseFreed)
    );
  }
  if (address >= memory.length) return fillIn(texts.phraseOutside, { d: memory.length });
  const pool = unsigned(poolOf(address));
  if (pool === 0) return texts.phraseNowhere;
  const isHeader = address - pool < layout.POOL_HEADER;
  return fillIn(isHeader ? texts.phrasePoolHeader : texts.phrasePool, { h: hex(pool) });
}

type Mistake = keyof typeof texts.sentences;

/** Written out: a look-up by a name would bring the table of all of the layout's names into every bundle (tools/modules.ts). */
export const numbers: Readonly<Record<PyMemErrorKind, number>> = {
  "buffer-overflow": L.BUFFER_OVERFLOW,
  "buffer-underflow": L.BUFFER_UNDERFLOW,
  "use-after-free-write": L.USE_AFTER_FREE_WRITE,
  "double-free": L.DOUBLE_FREE,
  "wrong-family": L.WRONG_FAMILY,
  "invalid-pointer": L.INVALID_POINTER,
  "without-gil": L.WITHOUT_GIL,
  "broken-invariant": L.BROKEN_INVARIANT,
};

const kinds = /* @__PURE__ */ new Map(
  /* @__PURE__ */ Object.entries(numbers).map(([kind, number]) => [number, kind as PyMemErrorKind]),
);

/** The kind with one of the numbers of core/debug/debug-layout.ts. */
export function kindOf(number: number): PyMemErrorKind {
  return kinds.get(number) as PyMemErrorKind;
}

/** What is wrong, in a sentence that names the call, the block and the place. */
export function sentenceFor(kind: Mistake, fault: Fault, place: Place): string {
  const { call, calledFamily, address, block } = fault;
  const called = { n: call, a: hex(address), v: calledFamily && letters[calledFamily] };
  const c = calledFamily === undefined ? call : fillIn(texts.phraseCall, called);
  const ofFault = { ...called, c };
  if (kind === "invalid-pointer" || (block === undefined && kind !== "without-gil")) {
    return fillIn(texts.sentences["invalid-pointer"], ofFault) + describePointer(fault, place);
  }
  if (block === undefined) return fillIn(texts.sentences[kind], ofFault);
  const fields = { ...ofFault, ...fieldsOf(block), d: offsetOf(kind, place.memory, block) };
  const about = kind === "without-gil" ? texts.phraseAbout : "";
  return fillIn(texts.sentences[kind] + about, fields);
}
