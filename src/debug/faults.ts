/** Faults: the debug heap leaves codes and addresses in its ledger, the sentences are here. */

import {
  type Address,
  brokenInvariant,
  bytesAt,
  type DomainName,
  hex,
  debugLayout as L,
  layout,
  loadWord,
  PyMemError,
  type PyMemErrorDetails,
  type PyMemErrorKind,
  unsigned,
} from "../../base/base.js";
import { type DebugBlock, dumpBlock, dumpNothing, letters } from "./dump.js";
import { familyName, readBlock } from "./known-blocks.js";

const kinds: Readonly<Record<number, PyMemErrorKind>> = {
  [L.BUFFER_OVERFLOW]: "buffer-overflow",
  [L.BUFFER_UNDERFLOW]: "buffer-underflow",
  [L.USE_AFTER_FREE_WRITE]: "use-after-free-write",
  [L.DOUBLE_FREE]: "double-free",
  [L.WRONG_FAMILY]: "wrong-family",
  [L.INVALID_POINTER]: "invalid-pointer",
  [L.WITHOUT_GIL]: "without-gil",
  [L.BROKEN_INVARIANT]: "broken-invariant",
};

const prefixes: Record<DomainName, string> = {
  raw: "PyMem_Raw",
  mem: "PyMem_",
  object: "PyObject_",
};

/** The verbs of the calls; the other things that may be going on are not calls. */
const verbs: Readonly<Record<number, string>> = {
  [L.ON_FREE]: "Free",
  [L.ON_REALLOC]: "Realloc",
  [L.ON_MALLOC]: "Malloc",
  [L.ON_CALLOC]: "Calloc",
};

/** What a pointer looks like that was read from memory which held no pointer. */
const patterns = new Map([
  [0x01010101 * L.CLEANBYTE, "new memory that was never written to"],
  [0x01010101 * L.DEADBYTE, "freed memory"],
  [0x01010101 * L.FORBIDDENBYTE, "the pads around a block"],
]);

/** A fault as the ledger has it. */
interface Fault {
  readonly kind: PyMemErrorKind;
  readonly address: Address;
  readonly call: string;
  readonly calledFamily: DomainName | undefined;
  readonly block: DebugBlock | undefined;
}

/** What was called, and of which family it is. */
function readCall(during: number, family: DomainName): [string, DomainName | undefined] {
  if (during === L.ON_LEAVING) return ["quarantine", undefined];
  if (during === L.ON_VALIDATE) return ["validate", undefined];
  return [`${prefixes[family]}${verbs[during]}`, family];
}

function readFault(memory: WebAssembly.Memory, ledger: Address): Fault {
  const at = (offset: number) => loadWord(memory, ledger + offset);
  const family = familyName(at(L.FAULT_FAMILY));
  const [call, calledFamily] = readCall(at(L.FAULT_DURING), family);
  return {
    kind: kinds[at(L.FAULT_CODE)] as PyMemErrorKind,
    address: at(L.FAULT_ADDRESS),
    call,
    calledFamily,
    block: readBlock(memory, at(L.FAULT_BLOCK), at(L.FAULT_ENTRY)),
  };
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

/** Where the bytes around or in a damaged block were changed, as far as that can be told. */
function placeOf(kind: PyMemErrorKind, memory: Uint8Array, { start, size }: DebugBlock): string {
  const rear = [size, size + 4];
  const at = {
    "buffer-overflow": () => firstChanged(memory, start, rear, L.FORBIDDENBYTE) ?? size + 4,
    "buffer-underflow": () => firstChanged(memory, start, [-3, 0], L.FORBIDDENBYTE) ?? -8,
    "use-after-free-write": () =>
      firstChanged(memory, start, [0, size], L.DEADBYTE) ??
      firstChanged(memory, start, [-3, 0], L.FORBIDDENBYTE) ??
      firstChanged(memory, start, rear, L.FORBIDDENBYTE) ??
      -8,
  };
  return `at offset ${at[kind as keyof typeof at]()}`;
}

/** What a pointer at which no block begins points at. */
function describePointer(
  fault: Fault,
  memory: Uint8Array,
  poolOf: (p: Address) => Address,
): string {
  const { address, block } = fault;
  const pattern = patterns.get(address);
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

function sentenceFor(fault: Fault, memory: Uint8Array, poolOf: (p: Address) => Address): string {
  const { kind, block, call, calledFamily, address } = fault;
  if (kind === "without-gil") {
    const about = block === undefined ? "" : `; ${describe(block)}`;
    return `${call}: Python memory allocator called without holding the GIL${about}`;
  }
  const called = calledFamily === undefined ? call : `${call}(${hex(address)})`;
  if (block === undefined || kind === "invalid-pointer") {
    return `${called}: no block begins there; ${describePointer(fault, memory, poolOf)}`;
  }
  const what = describe(block);
  if (kind === "wrong-family") {
    const own = letters[block.family];
    const verified = letters[calledFamily as DomainName];
    return `${called}: bad ID: Allocated using API '${own}', verified using API '${verified}'; ${what} belongs to ${prefixes[block.family]}Free`;
  }
  if (kind === "double-free") return `${called}: ${what} was freed before`;
  const where = placeOf(kind, memory, block);
  if (kind === "use-after-free-write") {
    return `${called}: ${what} was written to after it was freed, ${where}`;
  }
  return kind === "buffer-overflow"
    ? `${called}: bad trailing pad byte; the bytes behind ${what} were overwritten, ${where}`
    : `${called}: bad leading pad byte; the bytes in front of ${what} were overwritten, ${where}`;
}

/** CPython makes none where no block is to blame. */
function dumpFor({ kind, block, address }: Fault, memory: Uint8Array): string | undefined {
  if (block !== undefined) return dumpBlock(memory, block);
  return kind === "without-gil" ? undefined : dumpNothing(address);
}

/** What stacks a reporter may know. */
export type Stacks = Pick<PyMemErrorDetails, "allocationStack" | "freeStack" | "pythonStack">;

/**
 * The error for the fault that stands in a ledger.
 *
 * @param poolOf where the pool begins that an address lies in, or 0
 * @param stacksOf the stacks of the block at an address, 0 where the fault is about none
 */
export function faultError(
  memory: WebAssembly.Memory,
  ledger: Address,
  poolOf: (p: Address) => Address,
  stacksOf: (block: Address) => Stacks,
): PyMemError {
  const fault = readFault(memory, ledger);
  const { kind, address, call, calledFamily, block } = fault;
  if (kind === "broken-invariant") {
    return brokenInvariant(loadWord(memory, ledger + L.FAULT_INVARIANT), address);
  }
  const everything = bytesAt(memory, 0, memory.buffer.byteLength);
  return new PyMemError(kind, `${kind}: ${sentenceFor(fault, everything, poolOf)}`, {
    address,
    call,
    calledFamily,
    block: block?.start,
    size: block?.size,
    family: block?.family,
    serial: block?.serial,
    dump: dumpFor(fault, everything),
    ...stacksOf(block?.start ?? 0),
  });
}
