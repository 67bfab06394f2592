/**
 * Reports without JavaScript: the fault that stands in the ledger becomes the text that src/debug makes of it, in a buffer that was
 * set aside. Nothing is allocated, and no walk is longer than a block's pads or a list of texts.
 */

import { ledger } from "../books";
import { BROKEN_INVARIANT } from "../debug-layout";
import { tellDump } from "./dump";
import { beginText, endLine, fill, finishText, listed } from "./fill";
import { endProgram, errorKinds, errorName, reportBuffer, writeReport } from "./report-host";
import { tellSentence } from "./sentence";

export { REPORT_BYTES } from "./fill";

/** What the host's `fault` is where there is nobody but the program itself: see core/debug/debug-host.ts. */
export function reportFault(): void {
  beginText();
  fill(errorName);
  fill(listed(errorKinds, ledger().faultCode - 1));
  tellSentence();
  endLine();
  if (ledger().faultCode !== BROKEN_INVARIANT) tellDump();
  writeReport(reportBuffer, finishText());
  endProgram();
}
