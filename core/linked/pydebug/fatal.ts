/**
 * What becomes of a fault. It ends the program: its report goes to standard error, and then CPython says what it was running.
 * Where JavaScript wants to hear of faults it is told instead.
 */

import { BROKEN_INVARIANT, FAULT_CODE } from "../../debug/debug";
import { callText, kindText, reportFault } from "../../debug/report/report";
import { write } from "../linked-host";
import { STDERR } from "../text";
import { _Py_FatalErrorFunc, ledgerRoot } from "./pydebug-host";

/**
 * Who is told: a place in the function table, or 0. It is no part of the heap's state: the same memory in another interpreter has
 * another table.
 */
let told: u32 = 0;

export function tellFaults(whom: u32): void {
  told = whom;
}

/** See core/debug/debug-host.ts. */
export function fault(): void {
  if (told !== 0) call_indirect<void>(told);
  else reportFault();
}

/** See core/debug/report/report-host.ts. */
export function writeReport(text: usize, bytes: usize): void {
  write(STDERR, text, bytes);
}

export function endProgram(): void {
  const isBroken = load<u32>(ledgerRoot, FAULT_CODE) === BROKEN_INVARIANT;
  _Py_FatalErrorFunc(isBroken ? 0 : callText(), kindText());
}
