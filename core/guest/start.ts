/** The start of a linked guest, before anything of its own is run: the heap is there. */

import { initialize } from "../heap/heap";
import { leave } from "../large/large";
import { ALIGNMENT } from "../layout";
import { makeLedger } from "./debugged";
import { arenaHooks, debug, debugs, guestFrom, guestTo, hooks } from "./guest-host";
import { hookDebug, setDefaultArenas, setDefaults } from "./hooks";
import { state } from "./state";

/** All domains have debug hooks. */
const ALL: u32 = 7;

export function start(): void {
  if (guestTo !== 0) leave(guestFrom, guestTo);
  // The blocks of C's malloc are at multiples of 16.
  initialize(<u32>ALIGNMENT);
  if (arenaHooks !== 0) setDefaultArenas();
  if (hooks !== 0) setDefaults();
  if (debugs !== 0) makeLedger();
  if (debug === 0) return;
  if (hooks !== 0) hookDebug();
  else state().debugged = ALL;
}
