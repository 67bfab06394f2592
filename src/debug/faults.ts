/** Faults: the debug heap leaves codes and addresses in its ledger, and they become errors here. */

import {
  type Address,
  brokenInvariant,
  bytesAt,
  type DomainName,
  debugLayout as L,
  loadWord,
  PyMemError,
  type PyMemErrorDetails,
} from "../../base/base.js";
import { dumpBlock, dumpNothing, prefixes } from "./dump.js";
import { familyName, readBlock } from "./known-blocks.js";
import { type Fault, kindOf, sentenceFor } from "./mistakes.js";
import { calls } from "./patterns.js";
import { withCallersLines } from "./stacks.js";

/** What was called, and of which family it is. */
function readCall(during: number, family: DomainName): [string, DomainName | undefined] {
  const call = calls[during] as string;
  if (during === L.ON_LEAVING || during === L.ON_VALIDATE) return [call, undefined];
  return [`${prefixes[family]}${call}`, family];
}

function readFault(memory: WebAssembly.Memory, ledger: Address): Fault {
  const at = (offset: number) => loadWord(memory, ledger + offset);
  const family = familyName(at(L.FAULT_FAMILY));
  const [call, calledFamily] = readCall(at(L.FAULT_DURING), family);
  return {
    kind: kindOf(at(L.FAULT_CODE)),
    address: at(L.FAULT_ADDRESS),
    call,
    calledFamily,
    block: readBlock(memory, at(L.FAULT_BLOCK), at(L.FAULT_ENTRY)),
  };
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
  const sentence = sentenceFor(kind, fault, { memory: everything, poolOf });
  const details = {
    address,
    call,
    calledFamily,
    block: block?.start,
    size: block?.size,
    family: block?.family,
    serial: block?.serial,
    dump: dumpFor(fault, everything),
    ...stacksOf(block?.start ?? 0),
  };
  return withCallersLines(() => new PyMemError(kind, `${kind}: ${sentence}`, details));
}
