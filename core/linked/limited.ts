/** The limit of the memory (core/limit) in a linked program, which has one from its start on or is given one from outside. */

import { setLimit } from "../limit/limit";

export { limit } from "../limit/limit";

/**
 * Who is told of what was refused: a place in the function table, or 0. It is no part of the heap's state: the same memory in
 * another interpreter has another table.
 */
let told: u32 = 0;

/** See core/limit/limit-host.ts. */
export function tell(bytes: usize): void {
  if (told !== 0) call_indirect<void>(told, bytes);
}

/** Sets the limit, 0 for none, and who is told. */
export function limitTo(bytes: usize, whom: u32): void {
  told = whom;
  setLimit(bytes);
}
