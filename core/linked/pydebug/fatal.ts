/** A fault ends the program: its report goes to standard error, and then CPython says what it was running. */

import { BROKEN_INVARIANT, FAULT_CODE } from "../../debug/debug";
import { callText, kindText } from "../../debug/report/report";
import { write } from "../linked-host";
import { STDERR } from "../text";
import { _Py_FatalErrorFunc, ledgerRoot } from "./pydebug-host";

/** See core/debug/report/report-host.ts. */
export function writeReport(text: usize, bytes: usize): void {
  write(STDERR, text, bytes);
}

export function endProgram(): void {
  const isBroken = load<u32>(ledgerRoot, FAULT_CODE) === BROKEN_INVARIANT;
  _Py_FatalErrorFunc(isBroken ? 0 : callText(), kindText());
}
