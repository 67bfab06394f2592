/**
 * The mistakes that a debug mode names, each with its sentence. A new one is a kind of `PyMemErrorKind` (base/errors.ts): then the
 * compiler asks for its sentence here, and for its number of the same name in core/debug/debug-layout.ts.
 */

import {
  type Address,
  type DomainName,
  hex,
  debugLayout as L,
  layout,
  type PyMemErrorKind,
  unsigned,
} from "../../base/base.js";
import { type DebugBlock, letters } from "./dump.js";

/** What the names of a family's functions begin with. */
export const prefixes: Record<DomainName, string> = {
  raw: "PyMem_Raw",
  mem: "PyMem_",
  object: "PyObject_",
};

/** What a pointer looks like that was read from memory which held no pointer: this byte, four times. */
const patterns = new Map<number, string>([
  [L.CLEANBYTE, "new memory that was never written to"],
  [L.DEADBYTE, "freed memory"],
  [L.FORBIDDENBYTE, "the pads around a block"],
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

function bytes(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

/** A block by its size, its place, its family and its serial number. */
export function describe({ start, size, family, serial }: DebugBlock): string {
  return `the block of ${bytes(size)} at ${hex(start)} (family ${family}, made by call #${serial})`;
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

/** What a pointer at which no block begins points at. */
function describePointer({ address, block }: Fault, { memory, poolOf }: Place): string {
  const pattern = patterns.get(address / 0x01010101);
  if (pattern !== undefined) return `it is the pattern of ${pattern}, read as a pointer`;
  if (block !== undefined) {
    const offset = address - block.start;
    const where =
      offset < 0
        ? `${bytes(-offset)} in front of`
        : offset >= block.size
          ? `${bytes(offset - block.size)} behind the end of`
          : `${bytes(offset)} into`;
    const dead = block.state === L.LIVE || block.state === L.BLAMED ? "" : ", which was freed";
    return `it points ${where} ${describe(block)}${dead}`;
  }
  if (address >= memory.length) return `it is outside the memory of ${memory.length} bytes`;
  const pool = unsigned(poolOf(address));
  if (pool === 0) return "nothing was allocated there";
  return address - pool < layout.POOL_HEADER
    ? `it points into the header of the pool at ${hex(pool)}`
    : `it points into the pool at ${hex(pool)}, where no block was allocated`;
}

/** The call with its pointer; what is going on otherwise has none. */
function called({ call, calledFamily, address }: Fault): string {
  return calledFamily === undefined ? call : `${call}(${hex(address)})`;
}

/** A sentence about a block, which the fault has unless its pointer is to none. @__NO_SIDE_EFFECTS__ */
function ofBlock(tell: (block: DebugBlock, fault: Fault, memory: Uint8Array) => string) {
  return (fault: Fault, place: Place): string =>
    fault.block === undefined
      ? ofPointer(fault, place)
      : `${called(fault)}: ${tell(fault.block, fault, place.memory)}`;
}

function ofPointer(fault: Fault, place: Place): string {
  return `${called(fault)}: no block begins there; ${describePointer(fault, place)}`;
}

/** The pads behind a block are those from its size on. */
function behind(memory: Uint8Array, { start, size }: DebugBlock): number | undefined {
  return firstChanged(memory, start, [size, size + 4], L.FORBIDDENBYTE);
}

function inFront(memory: Uint8Array, { start }: DebugBlock): number | undefined {
  return firstChanged(memory, start, [-3, 0], L.FORBIDDENBYTE);
}

const sentences: Readonly<
  Record<Exclude<PyMemErrorKind, "broken-invariant">, (fault: Fault, place: Place) => string>
> = {
  "buffer-overflow": ofBlock((block, _fault, memory) => {
    const at = behind(memory, block) ?? block.size + 4;
    return `bad trailing pad byte; the bytes behind ${describe(block)} were overwritten, at offset ${at}`;
  }),
  "buffer-underflow": ofBlock((block, _fault, memory) => {
    const at = inFront(memory, block) ?? -8;
    return `bad leading pad byte; the bytes in front of ${describe(block)} were overwritten, at offset ${at}`;
  }),
  "use-after-free-write": ofBlock((block, _fault, memory) => {
    const inside = firstChanged(memory, block.start, [0, block.size], L.DEADBYTE);
    const at = inside ?? inFront(memory, block) ?? behind(memory, block) ?? -8;
    return `${describe(block)} was written to after it was freed, at offset ${at}`;
  }),
  "double-free": ofBlock((block) => `${describe(block)} was freed before`),
  "wrong-family": ofBlock((block, { calledFamily }) => {
    const verified = letters[calledFamily as DomainName];
    const ids = `Allocated using API '${letters[block.family]}', verified using API '${verified}'`;
    return `bad ID: ${ids}; ${describe(block)} belongs to ${prefixes[block.family]}Free`;
  }),
  "invalid-pointer": ofPointer,
  "without-gil": ({ call, block }) => {
    const about = block === undefined ? "" : `; ${describe(block)}`;
    return `${call}: Python memory allocator called without holding the GIL${about}`;
  },
};

type Mistake = keyof typeof sentences;

/** Written out: a look-up by a name would bring the table of all of the layout's names into every bundle (tools/modules.ts). */
const numbers: Readonly<Record<PyMemErrorKind, number>> = {
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
  return sentences[kind](fault, place);
}
