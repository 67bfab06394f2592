/** What C's malloc asks for besides the object family: see include/pymalloc_malloc.c. */

import { isEarlier, OBJECT, sizeAt } from "../debug/debug";
import { poolOf } from "../heap/heap";
import { usableSize } from "../large/large";
import { Pool } from "../layout";
import { debug, debugs } from "./guest-host";
import { tellClassBit } from "./hooks";
import { state } from "./state";

/** From now on the word at `bit` is kept as `class_bit` there says. */
export function malloc_class_bit(bit: usize): void {
  if (debugs === 0) return;
  state().classBit = bit;
  tellClassBit();
}

function isDebugged(): bool {
  return debug !== 0 || (debugs !== 0 && ((state().debugged >>> OBJECT) & 1) !== 0);
}

/** The bytes that may be used of a block of the object family; in a debug mode those that were asked for. 0 for NULL. */
export function malloc_usable_size(p: usize): usize {
  if (p === 0) return 0;
  if (isDebugged()) {
    const size = sizeAt(p);
    if (size !== 0 || !isEarlier(p)) return size;
  }
  const pool = poolOf(p);
  return pool !== 0 ? <usize>changetype<Pool>(pool).size : usableSize(p);
}
