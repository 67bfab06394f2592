/** The ledger's beginning. */

import { ledger } from "./books";
import { root } from "./debug-host";
import { LEDGER_SIZE, MAGIC } from "./debug-layout";

/** Writes the state of a debug heap that has made no block. */
export function initialize(): void {
  memory.fill(root, 0, LEDGER_SIZE);
  ledger().magic = MAGIC;
}
