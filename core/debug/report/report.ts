/**
 * Reports without JavaScript: the fault that stands in the ledger becomes the text that src/debug makes of it, in a buffer that was
 * set aside. Nothing is allocated, and no walk is longer than a block's pads or a list of texts.
 */

import { ledger } from "../books";
import { BROKEN_INVARIANT } from "../debug-layout";
import { tellDump } from "./dump";
import { beginText, endLine, fill, finishText, listed, tellCall } from "./fill";
import {
  endProgram,
  errorKinds,
  errorName,
  phraseKind,
  reportBuffer,
  writeReport,
} from "./report-host";
import { tellSentence } from "./sentence";

export { REPORT_BYTES } from "../debug-layout";
export { listed } from "./fill";

/** The kind of the fault, as text. */
export function kindText(): usize {
  return listed(errorKinds, ledger().faultCode - 1);
}

/** What was called or going on, as text, in the place of the report. */
export function callText(): usize {
  beginText();
  tellCall();
  finishText();
  return reportBuffer;
}

function end(): void {
  writeReport(reportBuffer, finishText());
  endProgram();
}

/** Reports what is no fault of the ledger's: a line by a pattern, whose letters stand for `value`. */
export function reportLine(pattern: usize, value: i64): void {
  beginText();
  fill(pattern, value);
  endLine();
  end();
}

/** What the host's `fault` is where there is nobody but the program itself: see core/debug/debug-host.ts. */
export function reportFault(): void {
  const isBroken = ledger().faultCode === BROKEN_INVARIANT;
  beginText();
  fill(errorName);
  if (!isBroken) fill(phraseKind, kindText());
  tellSentence();
  endLine();
  if (!isBroken) tellDump();
  end();
}
