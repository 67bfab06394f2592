/** The debug heap of a linked guest: its ledger lies at a constant address, and what it finds ends the program. */

import { ALIGNS, EARLIER_ANY, HELD_LIMIT, initialize } from "../debug/debug";
import { ledgerRoot, quarantineBytes } from "./guest-host";

/** Makes the ledger of a debug heap that has no block yet. Blocks of 16 bytes and more are at multiples of 16, for C's malloc. */
export function makeLedger(): void {
  initialize();
  store<u32>(ledgerRoot + HELD_LIMIT, quarantineBytes);
  store<u32>(ledgerRoot + ALIGNS, 1);
}

/** From now on blocks that nobody knows are let pass: they are older than the debug hooks. */
export function letPass(): void {
  store<u32>(ledgerRoot + EARLIER_ANY, 1);
}

/** See core/debug/debug-host.ts. */
export function fault(): void {
  unreachable();
}
